"""Whatever is wrong with what a person types: one line on stderr, no traceback, exit code 1 or 2, nothing changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jepascope.cli import app
from jepascope.study.folder import Run
from jepascope.study.spec import StudySpec


def answer(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80", "TERM": "dumb"})


def one_line(result: Result, code: int) -> str:
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    assert "This is a bug" not in result.stderr
    return result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quik"], "presets are demo, quick, reduced, full"),
        (["missing.yaml"], "no spec or preset"),
        (["--clips", "kinetics"], "clips"),
        (["--variable", "mass"], "variable"),
        (["--finders", "magic"], "finders"),
        (["--finders", ""], "finders"),
        (["--finders", "l1_probe,l1_probe"], "twice"),
        (["--layers", "one"], "layers"),
        (["--layers", "99"], "no layer 99"),
        (["--best-layer", "99"], "no layer 99"),
        (["--best-layer", "-1"], "--best-layer: must be a whole number of at least 0 (given: -1)"),
        (["--draws", "0"], "draws"),
        (["--seed", "-1"], "seed"),
        (["--set", "rank=8"], "at most 7"),
        (["--set", "rank=0"], "rank"),
        (["--set", "doses=0"], "doses"),
        (["--set", "doses=[.nan]"], "doses"),
        (["--set", "doses=[.inf]"], "doses"),
        (["--set", "doses=[]"], "doses"),
        (["--set", "edits=swap"], "ablate"),
        (["--set", "tokens=some"], "tokens"),
        (["--set", "colour=red"], "no field 'colour'"),
        (["quick", "--model", "nano", "--set", "head_classes={Q: 1, E: 2}"], "Error: --set head_classes: direction has no class 'Q'; "),
        (["--set", "draw=7"], "there is no field 'draw' (did you mean draws?); fields are"),
        (["--set", "token_map=maybe"], "Error: --set token_map: must be true or false (given: 'maybe')."),
        (["--finders", "diffmeans"], "(given: 'diffmeans'; did you mean diff_means?)."),
        (["--set", "draws"], "field=value"),
        (["--set", "draws=[1"], "not a YAML value"),
        (["--set", "draws=many"], "draws"),
        (["--set", "seed=!!python/object/apply:os.system [true]"], "not a YAML value"),
        (["--frames", "3"], "multiple"),
        (["--size", "13"], "multiple"),
        (["--model", "nanoo"], "no model 'nanoo'"),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_bad_argument_is_named(command: str, arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = ["--out", "run"] if command == "run" else []
    assert said in one_line(answer(command, *arguments, *out), 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "model: [",
        "- nano",
        "nano",
        "1: 2",
        "model: !!python/object/apply:os.system ['touch pwned']",
        "draws: many",
        "colour: red",
        "layers: {a: b}",
        "a: &a [*a]",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nfinders: *c",
        "seed: " + "9" * 6000,
        "model: 2020-99-99",
        "\x00",
        "\udcff",
        "model: nano\n" + "# " + "x" * 1_000_001,
        "[" * 5000,
    ],
)
def test_a_bad_spec_file_is_refused_and_never_executed(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = tmp_path / "spec.yaml"
    spec.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert "spec.yaml" in one_line(answer("run", str(spec), "--out", "run"), 2)
    assert list(tmp_path.iterdir()) == [spec]


def test_a_spec_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    one_line(answer("run", str(tmp_path), "--out", str(tmp_path / "run")), 2)


@pytest.mark.parametrize("device", ["cuda", "nonsense"])
def test_a_device_that_is_not_there_is_refused(device: str, tmp_path: Path, tiny_model: Path) -> None:
    assert device in one_line(answer("run", "--model", str(tiny_model), "--device", device, "--out", str(tmp_path / "run")), 2)
    assert device in one_line(answer("train", "nano", "--device", device, "--out", str(tmp_path / "trained")), 2)
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_checkpoint_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    one_line(answer("run", "--model", str(tmp_path / "model"), "--out", str(tmp_path / "run")), 1)
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_that_must_be_fetched_says_how(tmp_path: Path) -> None:
    said = one_line(answer("run", "--model", "facebook/vjepa2-vitl-fpc64-256", "--out", str(tmp_path / "run")), 1)
    assert "hf download facebook/vjepa2-vitl-fpc64-256" in said


def test_a_run_folder_of_another_study_is_refused_unchanged(tmp_path: Path) -> None:
    run = tmp_path / "run"
    Run.open(run, StudySpec(seed=1)).close()
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    said = one_line(answer("run", "--seed", "2", "--draws", "7", "--out", str(run)), 2)
    assert "seed is 1 there and 2 here" in said
    assert "draws is 60 there and 7 here" in said
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_folder_of_something_else_is_refused_unchanged(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    assert "neither empty nor a run folder" in one_line(answer("run", "--out", str(tmp_path)), 2)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_as_the_run_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert "is a file" in one_line(answer("run", "--out", str(tmp_path / "file")), 2)
    assert "not a writable folder" in one_line(answer("run", "--out", str(tmp_path / "file" / "run")), 1)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # tests may run as root, who may write everywhere
    assert "not a writable folder" in one_line(answer("run", "--out", str(tmp_path / "run")), 1)


def test_a_damaged_spec_in_the_run_folder_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("draws: [")
    assert "choose another --out" in one_line(answer("run", "--out", str(tmp_path)), 1)


@pytest.mark.parametrize("arguments", [["--nonsense"], ["run", "--draws", "many"], ["run", "--nonsense"], ["report"], ["train", "nano"]])
def test_usage_errors_exit_with_2(arguments: list[str]) -> None:
    result = answer(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_a_report_of_something_that_is_no_run_is_refused(tmp_path: Path) -> None:
    one_line(answer("report", str(tmp_path)), 1)
    one_line(answer("report", str(tmp_path / "missing")), 1)


def test_an_unknown_recipe_is_refused(tmp_path: Path) -> None:
    assert "nano, nano-wide" in one_line(answer("train", "giant", "--out", str(tmp_path / "x")), 2)
