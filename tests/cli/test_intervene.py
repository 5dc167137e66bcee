"""``jepascope intervene``: what it prints, and that whatever is wrong with what a person types is one line and changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner, Result

from jepascope.cli import app
from jepascope.discovery.subspace import Subspace
from jepascope.study.folder import Run
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec


def answer(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["intervene", *arguments], env={"COLUMNS": "80", "TERM": "dumb"})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, finished_run: Path) -> Path:
    """A copy that refused commands leave as it is."""
    folder = tmp_path_factory.mktemp("intervened") / "run"
    shutil.copytree(finished_run, folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(result: Result, code: int) -> str:
    assert result.exit_code == code, (result.exit_code, result.stderr, result.exception)
    assert result.stdout == "" and result.stderr.count("\n") == 1 and result.stderr.startswith("Error: "), result.stderr
    assert "Traceback" not in result.stderr and "This is a bug" not in result.stderr
    return result.stderr


@pytest.mark.slow
def test_it_prints_every_effect_beside_its_controls_and_the_same_command_reads_them_again(finished_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    (run / "summary.json").unlink()  # a run that is not finished has no report to make again
    before = {name: data for name, data in contents(run).items() if name.endswith(".parquet")}
    command = (str(run), "--layer", "2", "--edit", "swap,ablate", "--dose", "0.5,1", "--tokens", "object", "--judges", "probe,head")
    result = answer(*command)
    assert result.exit_code == 0, result.stderr
    (folder,) = run.glob("intervene-*")
    rank = json.loads((finished_run / "summary.json").read_text())["rank"]
    for part in (
        f"swap diff_means (rank {rank}) at 0.5, probe",
        f"ablate diff_means (rank {rank}) at 1, probe",
        "Left out: head (this encoder has no task head).",
        f"Tables: {folder}",
    ):
        assert part in result.stdout, part
    effects = pd.read_parquet(folder / "effects.parquet")
    assert set(effects["tokens"]) == {"object"} and set(effects["dose"]) == {0.5, 1.0} and set(effects["layer"]) == {2}
    kept = {name: data for name, data in contents(folder).items() if name.endswith(".parquet")}
    again = answer(*command, "--json")
    assert again.exit_code == 0, again.stderr
    summary = json.loads(again.stdout)
    assert summary["doses"] == [0.5, 1.0] and summary["scope"] == "object" and summary["best_layer"] == 2
    assert json.loads((folder / "summary.json").read_text()) == summary
    after = contents(run)
    assert kept == {name: data for name, data in contents(folder).items() if name in kept}
    assert all(after[name] == data for name, data in before.items())
    assert list(run.glob("intervene-*")) == [folder]


@pytest.mark.slow
def test_the_report_of_a_finished_run_is_made_again_with_it(finished_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    result = answer(str(run), "--edit", "swap", "--tokens", "background", "--judges", "probe")
    assert result.exit_code == 0, result.stderr
    assert f"Report: {run / 'report.html'}" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--edit", "burn"], "--edit: "),
        (["--edit", ""], "--edit: "),
        (["--edit", "swap,swap"], "--edit: names swap twice"),
        (["--dose", "nan"], "--dose: "),
        (["--dose", "inf"], "--dose: "),
        (["--dose", "0"], "--dose: "),
        (["--dose", "-1"], "--dose: "),
        (["--dose", "11"], "--dose: "),
        (["--dose", "abc"], "--dose: "),
        (["--dose", "1,abc"], "--dose: "),
        (["--dose", ","], "--dose: "),
        (["--dose", "1,1.0"], "--dose: names 1.0 twice"),
        (["--donor", "nobody"], "--donor: "),
        (["--judges", "oracle"], "judges"),
        (["--judges", "mlp"], "judges must include probe"),
        (["--judges", ""], "judges"),
        (["--controls", "placebo"], "--controls: "),
        (["--ablate-to", "noise"], "--ablate-to: "),
        (["--finders", "magic"], "finders"),
        (["--layer", "3"], "no layer 3 to edit"),
        (["--layer", "99"], "layers 0..2 can be intervened on"),
        (["--layer", "-1"], "--layer: "),
        (["--rank", "8"], "rank 8 is more than diff_means allows"),
        (["--rank", "25", "--finders", "within_pca"], "ask for at most 24"),
        (["--tokens", "sky"], "tubelets from 0 such as time:2"),
        (["--tokens", "time:a"], "tubelets from 0 such as time:2"),
        (["--tokens", ""], "tubelets from 0 such as time:2"),
        (["--tokens", "time:9"], "Clips of 2 tubelets (0..1) have no tokens 'time:9'"),
        (["--tokens", "time:1-0"], "no token selection 'time:1-0'"),
        (["--context", "2"], "context"),
        (["--device", "nonsense"], "nonsense"),
    ],
)
def test_a_bad_argument_is_named_and_nothing_is_left(arguments: list[str], said: str, finished: Path) -> None:
    before = contents(finished)
    assert said in refused(answer(str(finished), *arguments), 2)
    assert contents(finished) == before


@pytest.mark.parametrize(
    "arguments", [["--rank", "0"], ["--draws", "1"], ["--draws", "many"], ["--context", "0"], ["--layer", "two"], ["--x"]]
)
def test_usage_errors_exit_with_2(arguments: list[str], finished: Path) -> None:
    result = answer(str(finished), *arguments)
    assert result.exit_code == 2 and "Traceback" not in result.stderr and not list(finished.glob("intervene-*"))


def saved(folder: Path, width: int = 48, rank: int = 2, **said: object) -> Path:
    path = folder / "mine.safetensors"
    Subspace(torch.eye(width)[:, :rank], torch.zeros(width), dict(said)).save(path)
    return path


def test_subspaces_that_do_not_belong_here_are_refused_and_nothing_is_left(finished: Path, tmp_path: Path) -> None:
    before = contents(finished)
    for said, message in (
        ({"model": "nano"}, "found in 'nano'"),
        ({"layer": 0}, "found at layer 0 and means nothing at layer 2"),
        ({"width": 96}, "has width 96"),
        ({"rank": 30}, "leaves no orthogonal control"),
    ):
        path = saved(tmp_path, **said)  # type: ignore[arg-type]
        assert message in refused(answer(str(finished), "--layer", "2", "--subspace", str(path)), 2)
    (tmp_path / "text").write_text("hello")
    assert "is not a readable subspace file" in refused(answer(str(finished), "--subspace", str(tmp_path / "text")), 2)
    for path in (tmp_path / "missing", tmp_path, Path("/dev/zero")):
        assert "is not the safetensors file of a subspace" in refused(answer(str(finished), "--subspace", str(path)), 2)
    assert contents(finished) == before


@pytest.mark.slow
def test_a_control_that_a_subspace_cannot_have_is_left_out_with_the_reason(finished_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    (run / "summary.json").unlink()
    path = saved(tmp_path, finder="diff_means")
    result = answer(str(run), "--layer", "1", "--edit", "ablate", "--judges", "probe", "--subspace", str(path))
    assert result.exit_code == 0, result.stderr
    assert "Left out: shuffled (nothing shows which finder found this subspace (a name in its" in result.stdout
    assert "shuffled labels" not in result.stdout


def test_files_that_another_program_wrote_are_read_or_refused_in_a_sentence(finished: Path, tmp_path: Path) -> None:
    basis, mean, path = torch.eye(48)[:, :2], torch.zeros(48), tmp_path / "theirs.safetensors"
    for tensors, metadata in (
        ({"basis": basis}, {}),
        ({"basis": basis * 2, "mean": mean}, {}),
        ({"basis": basis, "mean": mean * float("nan")}, {}),
        ({"basis": basis, "mean": mean}, {"provenance": "[1]"}),
        ({"basis": basis, "mean": mean}, {"provenance": "{"}),
        ({"basis": basis.half().sqrt() * 0.999, "mean": mean}, {}),
    ):
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata=metadata)
        assert "is not a readable subspace file" in refused(answer(str(finished), "--subspace", str(path)), 2)
    save_file({"basis": basis.double().contiguous(), "mean": mean.double()}, path)
    found = Subspace.load(path)
    assert found.basis.dtype == found.mean.dtype == torch.float32 and found.provenance == {}


def test_what_is_no_finished_run_is_refused(tmp_path: Path, tiny_spec: StudySpec) -> None:
    assert "not a run folder" in refused(answer(str(tmp_path)), 1)
    assert "not a run folder" in refused(answer(str(tmp_path / "missing")), 1)
    Run.open(tmp_path / "begun", tiny_spec).close()
    before = contents(tmp_path)
    assert "has no best layer yet; name one with --layer" in refused(answer(str(tmp_path / "begun")), 1)
    (tmp_path / "begun" / "summary.json").write_text('{"best_layer": "first"}')
    assert "summary.json' is damaged" in refused(answer(str(tmp_path / "begun")), 1)
    (tmp_path / "begun" / "summary.json").write_text("{")
    assert "summary.json' is damaged" in refused(answer(str(tmp_path / "begun")), 1)
    (tmp_path / "begun" / "summary.json").unlink()
    assert contents(tmp_path) == before


def test_of_labels_of_ones_own_no_twin_can_be_asked_for(tmp_path: Path, tiny_spec: StudySpec) -> None:
    path = tmp_path / "mine.csv"
    pd.DataFrame({"scene": range(80), "coin": ["heads", "tails"] * 40}).to_csv(path, index=False)
    Run.open(tmp_path / "run", make_spec({**tiny_spec.model_dump(), "labels": str(path), "variable": "coin"}, "here")).close()
    said = refused(answer(str(tmp_path / "run"), "--layer", "1", "--donor", "twin"), 2)
    assert "no twin can be rendered for the labels 'coin'" in said
    assert "rotate turns an angle" in refused(answer(str(tmp_path / "run"), "--layer", "1", "--edit", "rotate"), 2)


def test_it_has_help() -> None:
    result = answer("--help")
    assert result.exit_code == 0 and "--subspace" in result.stdout
