"""``jepascope port``: what it prints, and that whatever is wrong with what a person types is one line and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from jepascope.cli import app
from jepascope.study.folder import Run
from jepascope.study.spec_file import make_spec, saved_spec


def answer(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["port", *arguments], env={"COLUMNS": "140", "TERM": "dumb"})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(result: Result, code: int) -> str:
    assert result.exit_code == code, (result.exit_code, result.stderr, result.exception)
    assert result.stdout == "" and result.stderr.count("\n") == 1 and result.stderr.startswith("Error: "), result.stderr
    assert "Traceback" not in result.stderr and "This is a bug" not in result.stderr
    return result.stderr


def begun(folder: Path, like: Path, **changes: Any) -> Path:
    spec = saved_spec(like)
    Run.open(folder, make_spec({**spec.model_dump(exclude={"labels_digest"}), **changes}, "here")).close()
    return folder


@pytest.fixture(scope="module")
def ported(tmp_path_factory: pytest.TempPathFactory, ported_run: Path) -> Path:
    """A copy that refused commands leave as it is."""
    return Path(shutil.copytree(ported_run, tmp_path_factory.mktemp("cli") / "run"))


def test_it_prints_each_transport_beside_its_floors_and_the_headline(ported: Path, wide_model: Path) -> None:
    before = contents(ported)
    result = answer(str(ported), str(wide_model))
    assert result.exit_code == 0, result.stderr
    (folder,) = ported.glob("port-*")
    summary = json.loads((folder / "summary.json").read_text())
    lines = result.stdout.splitlines()
    for name in ("from", "to", "finder", "RCE", "in class", "variance", "random"):
        assert name in lines[0] + lines[1]
    rows = lines[2 : 2 + len(summary["carried"])]
    assert [row.split()[:4] for row in rows] == [
        [row["source"], str(row["source_layer"]), row["target"], str(row["target_layer"])] for row in summary["carried"]
    ]
    assert summary["headline"] in result.stdout and f"Tables: {folder}" in result.stdout
    assert "Report:" not in result.stdout  # a run that is not finished has none
    assert contents(ported) == before


def test_json_is_the_summary_and_nothing_else(ported: Path, wide_model: Path) -> None:
    def no_json(name: str) -> None:
        raise AssertionError(name)

    result = answer(str(ported), str(wide_model), "--json")
    assert result.exit_code == 0, result.stderr
    (folder,) = ported.glob("port-*")
    assert json.loads(result.stdout, parse_constant=no_json) == json.loads((folder / "summary.json").read_text())


@pytest.mark.slow
def test_another_run_of_the_encoder_needs_no_map(begun_run: Path, tmp_path: Path) -> None:
    run, other = Path(shutil.copytree(begun_run, tmp_path / "run")), begun(tmp_path / "speed", begun_run, variable="speed")
    result = answer(str(run), str(other), "--finders", "diff_means")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"Subspaces of {other} (directions8, speed) used in this run (directions8, direction) at layer")
    assert "diff_means (speed) in place of diff_means (SAS " in result.stdout
    (folder,) = run.glob("port-*")
    assert set(pd.read_parquet(folder / "portability.parquet")["across"]) == {"run"}


@pytest.mark.slow
def test_the_report_of_a_finished_run_is_made_again_with_it(finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    result = answer(str(run), str(begun(tmp_path / "speed", run, variable="speed")))
    assert result.exit_code == 0, result.stderr
    assert f"Report: {run / 'report.html'}" in result.stdout
    assert "diff_means (speed)" in (run / "report.html").read_text()


@pytest.mark.slow
def test_labels_of_ones_own_are_carried_too(begun_run: Path, wide_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    pd.DataFrame({"scene": range(104), "coin": ["heads", "tails"] * 52}).to_csv(path, index=False)
    run = begun(tmp_path / "run", begun_run, labels=str(path), variable="coin")
    path.unlink()  # from here on the run's own copy is read
    for _ in range(2):
        result = answer(str(run), str(wide_model))
        assert result.exit_code == 0, result.stderr
    (folder,) = run.glob("port-*")
    assert set(pd.read_parquet(folder / "transport.parquet")["rank"]) == {1}
    before = contents(run)
    assert "das is trained on twins" in refused(answer(str(run), str(wide_model), "--finders", "das"), 2)
    assert "'coin' is categorical" in refused(answer(str(run), str(wide_model), "--finders", "ridge_circle"), 2)
    other = begun(tmp_path / "wide", begun_run, model=str(wide_model))
    assert "variable is 'direction' there and 'coin' here" in refused(answer(str(run), str(other)), 2)
    assert contents(run) == before


@pytest.mark.parametrize(
    ("other", "options", "code", "said"),
    [
        ("WIDE", ["--finders", "magic"], 2, "--finders: must be one of diff_means"),
        ("WIDE", ["--finders", ""], 2, "--finders: must be a list of one or more of diff_means"),
        ("WIDE", ["--finders", "lda,lda"], 2, "--finders: names lda twice"),
        ("WIDE", ["--components", "1"], 2, "ask for 7..23"),
        ("WIDE", ["--components", "500"], 2, "ask for 7..23"),
        ("WIDE", ["--device", "nonsense"], 2, "nonsense"),
        ("TINY", [], 2, "is the encoder that"),
        ("RUN", [], 2, "itself or a part of it"),
        ("EMPTY", [], 2, "neither a run folder (it has no spec.yaml) nor a model's (no config.json)"),
        ("EMPTY/missing", [], 2, "There is nothing at"),
        ("FILE", [], 1, "is not a folder with config.json and model.safetensors"),
        ("nanoo", [], 2, "There is no model 'nanoo'. Did you mean nano?"),
        ("facebook/vjepa2-vitl-fpc64-256", [], 1, "hf download facebook/vjepa2-vitl-fpc64-256"),
    ],
)
def test_a_bad_argument_is_named_and_nothing_is_left(
    other: str, options: list[str], code: int, said: str, ported: Path, wide_model: Path, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("hello")
    (tmp_path / "empty").mkdir()
    names = {"WIDE": wide_model, "TINY": tiny_model, "RUN": ported, "FILE": tmp_path / "file", "EMPTY": tmp_path / "empty"}
    first, *rest = other.split("/")
    given = str(Path(names[first], *rest)) if first in names else other
    before = contents(ported)
    assert said in refused(answer(str(ported), given, *options), code)
    assert contents(ported) == before


@pytest.mark.parametrize("arguments", [[], ["--components", "0"], ["--components", "many"], ["--nonsense"]])
def test_usage_errors_exit_with_2(arguments: list[str], ported: Path, wide_model: Path) -> None:
    result = answer(str(ported), *([str(wide_model), *arguments] if arguments else []))
    assert result.exit_code == 2 and "Traceback" not in result.stderr


def test_what_is_no_run_is_refused(tmp_path: Path, wide_model: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        assert "not a run folder" in refused(answer(str(folder), str(wide_model)), 1)
    (tmp_path / "spec.yaml").write_text("model: [")
    assert "not a readable YAML spec" in refused(answer(str(tmp_path), str(wide_model)), 2)
    assert [path.name for path in tmp_path.iterdir()] == ["spec.yaml"]


def test_a_run_that_cannot_be_written_is_refused(ported: Path, wide_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda _, mode: not mode & os.W_OK)  # tests may run as root, who may write everywhere
    before = contents(ported)
    assert "not a writable folder" in refused(answer(str(ported), str(wide_model), "--finders", "lda"), 1)
    assert contents(ported) == before


@pytest.mark.slow
def test_damaged_tables_are_made_again(ported: Path, wide_model: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(ported, tmp_path / "run"))
    (folder,) = run.glob("port-*")
    for name in ("transport.parquet", "summary.json"):
        (folder / name).write_bytes((folder / name).read_bytes()[:30])
    assert answer(str(run), str(wide_model)).exit_code == 0
    for name in ("transport.parquet", "summary.json"):
        assert (folder / "set-aside" / name).stat().st_size == 30
    (folder / "transport.parquet").unlink()  # made anew from its parts
    assert answer(str(run), str(wide_model)).exit_code == 0
    assert contents(folder)["transport.parquet"] == contents(next(ported.glob("port-*")))["transport.parquet"]


def test_it_has_help() -> None:
    result = answer("--help")
    assert result.exit_code == 0 and "--components" in result.stdout and "OTHER" in result.stdout
