"""A run folder from a stranger: nothing outside it is written, what is not whole is named, and what reads refuses it with the command
that mends it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from jepascope.cli.main import app
from jepascope.disk.entry import opened
from jepascope.disk.manifest import NAME
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import RunFolderError
from jepascope.report.build import build_report
from jepascope.report.folder import read_run
from jepascope.study.files import SPEC
from jepascope.study.folder import Run
from jepascope.study.probe import run_probe
from jepascope.study.run import run_study
from jepascope.study.spec import StudySpec
from jepascope.study.whole import file_states


@pytest.fixture
def run(tmp_path: Path, finished_run: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "words").write_text("a year of work")
    return folder


def checked(run: Path) -> dict[str, str]:
    return {state.name: state.meaning for state in file_states(run) if not state.whole}


def plant(link: Path, into: Path) -> None:
    """A link in place of what a run wrote."""
    (shutil.rmtree if link.is_dir() else Path.unlink)(link)
    link.symlink_to(into)


def untouched(precious: Path) -> bool:
    return (precious / "words").read_text() == "a year of work" and os.listdir(precious) == ["words"]


@pytest.mark.slow
def test_no_file_is_written_through_a_link(run: Path, precious: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    for name in ("log.jsonl", "summary.json", "seconds.json", "ce.parquet", "report.html"):
        plant(run / name, precious / "words")
    for use in (
        lambda: run_study(tiny_spec, run, tiny_encoder),
        lambda: run_probe(run, tiny_spec, tiny_spec, tiny_encoder),
        lambda: build_report(run),
    ):
        use()
        assert untouched(precious)
    for name in ("summary.json", "seconds.json", "ce.parquet", "report.html"):
        assert not (run / name).is_symlink()


@pytest.mark.parametrize(
    "name",
    [".lock", "spec.yaml", "subspaces", *(pytest.param(name, marks=pytest.mark.slow) for name in ("figures", "activations", "parts"))],
)
def test_a_link_in_place_of_a_folder_of_a_run_or_of_what_it_is_held_by_is_refused(
    name: str, run: Path, precious: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder
) -> None:
    plant(run / name, precious / "words" if (run / name).is_file() else precious)
    if name == "parts":
        (run / "effects.parquet").unlink()  # it is made of parts
    with pytest.raises(RunFolderError):
        run_study(tiny_spec, run, tiny_encoder)
    if name not in ("figures", "parts"):  # where probing has nothing to do
        with pytest.raises(RunFolderError):
            run_probe(run, tiny_spec, tiny_spec, tiny_encoder)
    if name in ("figures", "spec.yaml"):  # what a report reads or writes
        with pytest.raises(RunFolderError):
            build_report(run)
    assert untouched(precious)


@pytest.mark.parametrize(
    "name", [pytest.param("figures/stimuli.png", marks=pytest.mark.slow), "summary.json", "ce.parquet", "manifest.json"]
)
def test_a_report_does_not_wait_for_a_pipe(name: str, run: Path) -> None:
    (run / name).unlink()
    os.mkfifo(run / name)
    with pytest.raises(RunFolderError, match=rf"{name}' is a named pipe"):
        build_report(run)


def test_a_finished_run_is_whole(run: Path) -> None:
    states = file_states(run)
    assert all(state.whole for state in states)
    names = {state.name for state in states}
    assert {"ce.parquet", "summary.json", "claims.json", "subspaces/diff_means-layer0.safetensors"} <= names
    assert any("shard-" in name for name in names)


def test_every_table_says_what_it_was_made_from(run: Path) -> None:
    listed = json.loads((run / NAME).read_text())["files"]
    assert {"probes.parquet"} <= listed["effects.parquet"]["inputs"].keys()
    assert "effects.parquet" in listed["ce.parquet"]["inputs"] and listed["ce.parquet"]["step"] == "statistics"
    assert all(listed[name]["sha256"] == digest for entry in listed.values() for name, digest in entry["inputs"].items())


def test_what_was_made_from_a_table_that_is_another_by_now_is_named(run: Path) -> None:
    listed = json.loads((run / NAME).read_text())
    listed["files"]["effects.parquet"]["inputs"]["probes.parquet"] = "0" * 64
    (run / NAME).write_text(json.dumps(listed))
    assert checked(run) == {"effects.parquet": "made from files that have changed since"}


def empty(path: Path) -> None:
    pd.read_parquet(path).iloc[:0].to_parquet(path)


def as_text(path: Path) -> None:
    pd.read_parquet(path).astype(str).to_parquet(path)


HARMS: dict[str, Callable[[Path], object]] = {
    "without rows": empty,
    "numbers as text": as_text,
    "a flipped bit": lambda path: path.write_bytes(bytes([*path.read_bytes()[:-9], path.read_bytes()[-9] ^ 1, *path.read_bytes()[-8:]])),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_changed_table_is_refused_by_what_reads_with_the_command_that_mends_it(harm: str, run: Path) -> None:
    HARMS[harm](run / "probes.parquet")
    assert checked(run) == {"probes.parquet": "its bytes are not those that were written"}
    mend = f"jepascope run {run}/spec.yaml --out {run}"
    with pytest.raises(RunFolderError, match=rf"probes.parquet' is damaged .* {mend}$"):
        build_report(run)
    refused = CliRunner().invoke(app, ["check", str(run)])
    assert refused.exit_code == 1 and mend in refused.output


@pytest.mark.slow
@pytest.mark.parametrize("harm", HARMS)
def test_a_changed_table_is_set_aside_and_made_again_by_a_run(
    harm: str, run: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, caplog: pytest.LogCaptureFixture
) -> None:
    before = (run / "probes.parquet").read_bytes()
    HARMS[harm](run / "probes.parquet")
    run_study(tiny_spec, run, tiny_encoder)
    assert f"{run}/probes.parquet" in caplog.text and "set aside" in caplog.text
    assert (run / "probes.parquet").read_bytes() == before and checked(run) == {}


@pytest.mark.slow
def test_a_folder_of_a_version_that_kept_no_list_is_read_and_said_to_be_unchecked(run: Path) -> None:
    (run / NAME).unlink()
    assert "Unchecked: this folder was written without a list of its files" in build_report(run).read_text()
    said = CliRunner().invoke(app, ["check", str(run)])
    assert said.exit_code == 0 and "cannot be checked: no list says what it was when it was written" in said.output


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    assert "is no run folder" in CliRunner().invoke(app, ["check", str(tmp_path)]).output


def test_a_list_that_the_system_does_not_let_be_read_is_not_set_aside(
    run: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(root: Path, name: str, *flags: int) -> int:
        if name == NAME:
            raise PermissionError(13, "Permission denied")
        return opened(root, name, *flags)

    monkeypatch.setattr("jepascope.disk.folder.opened", refused)
    with pytest.raises(RunFolderError, match=r"manifest.json' could not be read \(Permission denied\)"):
        run_study(tiny_spec, run, tiny_encoder)
    assert (run / NAME).exists() and not (run / "set-aside").exists()


def test_a_spec_in_other_bytes_is_named_and_refused_and_written_again_by_a_run(run: Path, tiny_spec: StudySpec) -> None:
    written = (run / SPEC).read_bytes()
    (run / SPEC).write_bytes(written + b"# a note\n")
    assert list(checked(run)) == [SPEC]
    with pytest.raises(RunFolderError, match=r"spec\.yaml' is damaged .*jepascope run"):
        read_run(run)
    Run.open(run, tiny_spec).close()
    assert (run / SPEC).read_bytes() == written
    assert not checked(run) and read_run(run).spec == written.decode()
