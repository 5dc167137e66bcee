"""The same seed gives the same tables, whatever was interrupted on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jepascope.activations import store
from jepascope.disk.folder import WORKING
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument
from jepascope.study import folder as folder_module
from jepascope.study.folder import Run
from jepascope.study.run import run_study
from jepascope.study.spec import StudySpec

STAGE_ONE = ("probes", "values", "readings", "stability", "frequencies", "token_map")
TABLES = (*STAGE_ONE, "leaks", "effects", "matching", "ce", "portability", "angles", "carried_readout", "degeneracy", "verdicts", "peeling")
STAGES = (
    "capture fit clips",
    "capture twins",
    "probes of every layer",
    "capture untrained twin 0",
    "values at every layer",
    "stability selection",
    "capture tokens for the map",
    "leak check",
    "capture shuffled frames",
    "find subspaces",
    "ablate at layer 0",
    "swap at layer",
    "steer at layer",
    "portability",
    "capture fit clips of another seed",
    "dose sweep",
    "dose sweep on circle",
    "capture tokens to train on",
    "exchange peeled subspace 1",
)


class Interrupting:
    """Progress that presses Ctrl-C at the first report of one piece of work."""

    def __init__(self, stage: str) -> None:
        self.stage, self.hit = stage, False

    def start(self, what: str) -> Callable[[int, int], None]:
        def tick(done: int, total: int) -> None:
            if what.startswith(self.stage):
                self.hit = True
                raise KeyboardInterrupt

        return tick

    def say(self, line: str) -> None:
        pass


def same_tables(one: Path, other: Path) -> list[str]:
    return [name for name in TABLES if (one / f"{name}.parquet").read_bytes() != (other / f"{name}.parquet").read_bytes()]


def interrupted(run: Path, stages: tuple[str, ...], spec: StudySpec, encoder: VJepa2Encoder) -> None:
    """Stop a study in each of these stages in turn, and then let it end."""
    for stage in stages:
        progress = Interrupting(stage)
        with pytest.raises(KeyboardInterrupt):
            run_study(spec, run, encoder, progress)
        assert progress.hit, f"nothing reported '{stage}'"
        assert not list(run.rglob(f"{WORKING}*"))
    run_study(spec, run, encoder)


@pytest.mark.slow
def test_a_study_interrupted_in_every_stage_ends_with_the_tables_of_one_that_was_not(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path
) -> None:
    interrupted(tmp_path / "run", STAGES, tiny_spec, tiny_encoder)
    assert same_tables(tmp_path / "run", finished_run) == []


@pytest.mark.slow
def test_interrupted_in_a_capture_a_probe_and_an_edit_it_ends_with_the_same_tables(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    for made in ("activations", "parts"):
        shutil.rmtree(run / made)
    for table in ("leaks", "effects", "matching", "ce"):
        (run / f"{table}.parquet").unlink()
    interrupted(run, ("capture fit clips", "leak check", "ablate at layer 0"), tiny_spec, tiny_encoder)
    assert same_tables(run, finished_run) == []


def test_a_finished_study_computes_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)

    def computed(*_: object) -> None:
        raise AssertionError("a block ran")

    monkeypatch.setattr(VJepa2Encoder, "block", computed)
    run_study(tiny_spec, run, tiny_encoder)
    assert same_tables(run, finished_run) == []


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["angles", "leaks", "matching", "ce", "peeling"])
def test_a_table_that_was_deleted_comes_back_equal(
    lost: str, tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    (run / f"{lost}.parquet").unlink()
    run_study(tiny_spec, run, tiny_encoder)
    assert same_tables(run, finished_run) == []


@pytest.mark.parametrize(
    "victim",
    [
        *("spec.yaml", "seconds.json"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("ce.parquet", "subspaces", "stimuli.png", "parts", "summary.json")),
    ],
)
def test_a_full_disk_is_one_line_and_loses_nothing(
    victim: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path
) -> None:
    run = tmp_path / "run"
    if victim != "spec.yaml":
        shutil.copytree(finished_run, run)
    for path in [path for path in run.rglob("*") if victim in str(path.relative_to(run)) and path.is_file()]:
        path.unlink()
    if victim in ("parts", "subspaces"):
        (run / "effects.parquet").unlink()
    kept = {path: path.read_bytes() for path in run.rglob("*.parquet")}
    rename = os.rename

    def full(source: Path, target: str, *, dst_dir_fd: int, **other: int) -> None:
        if victim in f"{os.readlink(f'/proc/self/fd/{dst_dir_fd}')}/{target}":
            raise OSError(28, "No space left on device")
        rename(source, target, dst_dir_fd=dst_dir_fd, **other)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", full)
        with pytest.raises(folder_module.RunFolderError, match="disk is full"):
            run_study(tiny_spec, run, tiny_encoder)
    assert not list(run.rglob(f"{WORKING}*"))
    assert all(path.read_bytes() == value for path, value in kept.items())
    if victim != "spec.yaml":
        run_study(tiny_spec, run, tiny_encoder)
        assert same_tables(run, finished_run) == []


def test_a_full_disk_while_capturing_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "save_file", full)
    with pytest.raises(folder_module.RunFolderError, match="disk is full"):
        run_study(tiny_spec, tmp_path / "run", tiny_encoder)


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        *(("ce.parquet", "cut"), ("subspaces/", "another's")),
        *(
            pytest.param(name, "cut", marks=pytest.mark.slow)
            for name in ("effects.parquet", "subspaces/", "seconds.json", "provenance.json")
        ),
        *(
            pytest.param(name, "another's", marks=pytest.mark.slow)
            for name in ("ce.parquet", "effects.parquet", "seconds.json", "provenance.json")
        ),
        *(pytest.param("manifest.json", harm, marks=pytest.mark.slow) for harm in ("cut", "another's")),  # the whole study again
    ],
)
def test_a_damaged_file_is_set_aside_and_made_again(
    name: str, harm: str, tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    victim, *others = sorted(run.glob(f"{name}*") if name != "subspaces/" else run.glob("subspaces/*.safetensors"))
    other = next(path for path in (*others, *sorted(run.glob(f"*{victim.suffix}"))) if path.read_bytes() != victim.read_bytes())
    damaged = victim.read_bytes()[:20] if harm == "cut" else other.read_bytes()
    victim.write_bytes(damaged)
    run_study(tiny_spec, run, tiny_encoder)
    assert same_tables(run, finished_run) == []
    assert victim.read_bytes() != damaged
    assert damaged in [path.read_bytes() for path in (run / "set-aside").iterdir()]


@pytest.mark.parametrize(
    "name", ["summary.json", *(pytest.param(name, marks=pytest.mark.slow) for name in ("ce.parquet", "seconds.json", "provenance.json"))]
)
def test_so_is_one_of_a_folder_of_version_0_1_which_has_no_list(
    name: str, tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    (run / "manifest.json").unlink()
    odd = b'{"capture": "long", "encoder": 3, "best_layer": "x"}'
    (run / name).write_bytes(odd)
    run_study(tiny_spec, run, tiny_encoder)
    assert same_tables(run, finished_run) == [] and (run / "set-aside" / name).read_bytes() == odd
    assert not json.loads((run / "provenance.json").read_text()).get("also_computed_by")


@pytest.mark.parametrize("harm", ["cut", "another's"])
def test_where_the_list_of_files_is_damaged_none_of_them_is_taken_for_whole(
    harm: str, tmp_path: Path, tiny_spec: StudySpec, finished_run: Path
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    damaged = (run / "manifest.json").read_bytes()[:20] if harm == "cut" else (run / "seconds.json").read_bytes()
    (run / "manifest.json").write_bytes(damaged)
    with Run.open(run, tiny_spec) as study:
        assert not any(study.has(f"{table}.parquet") for table in TABLES)
    assert (run / "set-aside" / "manifest.json").read_bytes() == damaged
    assert all(
        (run / "set-aside" / path.name).read_bytes() == path.read_bytes() for path in finished_run.glob("*.parquet") if path.stem in TABLES
    )


@pytest.mark.slow
def test_damaged_activations_are_computed_again(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    (run / "effects.parquet").unlink()
    shutil.rmtree(run / "parts")
    for shard in (run / "activations").rglob("*.safetensors"):
        shard.write_bytes(shard.read_bytes()[:1000])
    run_study(tiny_spec, run, tiny_encoder)
    assert same_tables(run, finished_run) == []


def test_a_folder_in_use_by_another_process_is_refused(tmp_path: Path, tiny_spec: StudySpec) -> None:
    code = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(folder_module.RunFolderError, match="in use by another"):
            Run.open(tmp_path, tiny_spec)
        other.kill()
    Run.open(tmp_path, tiny_spec).close()  # a lock dies with its process


def test_other_weights_under_the_same_name_are_refused(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    with pytest.raises(BadArgument, match="begun with other weights"):
        run_study(tiny_spec, run, tiny_encoder.untrained(7))
    assert same_tables(run, finished_run) == []


@pytest.mark.slow
@pytest.mark.parametrize("wait_for", ["activations/*/manifest.json", "probes.parquet", "parts/*.parquet", "ce.parquet"])
def test_a_killed_process_goes_on_where_it_was(wait_for: str, tmp_path: Path, tiny_spec: StudySpec, finished_run: Path) -> None:
    run, spec = tmp_path / "run", tmp_path / "spec.yaml"
    spec.write_text(tiny_spec.to_yaml())
    command = [sys.executable, "-m", "jepascope", "run", str(spec), "--out", str(run)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not list(run.glob(wait_for)):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    subprocess.run(command, check=True, capture_output=True)
    assert same_tables(run, finished_run) == []
