"""``jepascope compare`` as typed: a page, a table or JSON, and one line for everything that cannot be compared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jepascope.cli import app


def answer(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "100", "TERM": "dumb"})


@pytest.fixture(scope="module")
def pair(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A finished run, and a copy of it under another name."""
    other = Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("other") / "again", ignore=shutil.ignore_patterns("activations")))
    return str(finished_run), str(other)


def test_two_runs_as_a_table_and_a_page(pair: tuple[str, str], tmp_path: Path) -> None:
    result = answer("compare", *pair, "--out", str(tmp_path / "both.html"))
    assert result.exit_code == 0, result.stderr
    assert "finished and again are one study of one encoder, run again" in result.stdout
    assert "CE of ablation" in result.stdout
    assert f"Page: {tmp_path / 'both.html'}" in result.stdout
    assert (tmp_path / "both.html").read_text().startswith("<!doctype html>")


@pytest.mark.slow
def test_json_is_one_object_with_the_summarys_figures(pair: tuple[str, str], tmp_path: Path) -> None:
    result = answer("compare", *pair, "--preset", "paper", "--out", str(tmp_path), "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    summary = json.loads((Path(pair[0]) / "summary.json").read_text())
    assert said["page"] == str(tmp_path / "compare.html")
    assert [run["name"] for run in said["runs"]] == ["finished", "again"]
    for run in said["runs"]:
        ablate = summary["ce"]["diff_means"]["ablate"]
        assert {key: run["ce"]["diff_means"]["ablate"][key] for key in ("value", "low", "high", "n")} == {
            key: ablate[key] for key in ("value", "low", "high", "n")
        }
        assert run["best_layer"] == summary["best_layer"]
        assert run["l1_support"] == summary["probe"]["l1_support"][str(summary["best_layer"])]
    assert set(said["paper"]) == {"columns", "quantities", "missing", "said"}
    assert set(said["paper"]["missing"]) == {"ViT-L", "ViT-H"}


def test_the_paper_alone_says_how_to_measure_it(tmp_path: Path) -> None:
    result = answer("compare", "--preset", "paper", "--out", str(tmp_path / "paper.html"))
    assert result.exit_code == 0, result.stderr
    for line in ("hf download facebook/vjepa2-vitl-fpc64-256", "jepascope run paper --model ./vjepa2-vith-fpc64-256", "43×", "0.99"):
        assert line in result.stdout
        assert line in (tmp_path / "paper.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Nothing to compare: give run folders"),
        (["--preset", "papers"], 2, "no preset 'papers'"),
        (["missing"], 1, "no run folder at"),
        (["."], 1, "summary.json is missing"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    arguments: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = answer("compare", *arguments)
    assert result.exit_code == code
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_page_is_never_written_over_something_else(pair: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    result = answer("compare", pair[0], "--out", str(tmp_path / "report.html"))
    assert result.exit_code == 2
    assert "left alone" in result.stderr
    assert (tmp_path / "report.html").read_text() == "mine"


def test_help_shows_examples() -> None:
    result = answer("compare", "--help")
    assert result.exit_code == 0
    assert "--preset paper" in result.stdout
