"""bench trained: a tiny run of the whole command, its page and its refusals."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jepascope.bench.entries import BENCHMARKS
from jepascope.bench.interchange import recipe as recipes
from jepascope.bench.kinds import trained
from jepascope.bench.run import run_benchmark, settings_of
from jepascope.cli import app
from jepascope.errors import BadArgument, RunFolderError
from jepascope.report.bench.page import build_bench
from jepascope.report.bench.trained import network_lines

SMALL = ("networks=plain,untrained", "finders=diff_means", "draws=2", "clips_per_class=17", "peels=0")


def answer(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "140", "TERM": "dumb"})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks that took three steps: nothing is learned, and everything is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JEPASCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        tiny = {name: replace(each, per_class=5, steps=3, batch=4, warmup=1) for name, each in recipes.RECIPES.items()}
        patch.setattr(recipes, "RECIPES", tiny)
        patch.setattr(trained, "RECIPES", tiny)
        return run_benchmark("trained", SMALL, tmp_path_factory.mktemp("bench"))


@pytest.mark.slow
def test_every_subspace_stands_beside_its_controls_in_the_json(finished: Path) -> None:
    record = json.loads((finished / "bench.json").read_text())
    assert record["settings"]["draws"] == 2 and list(record["networks"]) == ["plain", "untrained"]
    for network in record["networks"].values():
        assert list(network["subspaces"]) == ["diff_means", "truth", "inert"]
        for row in network["subspaces"].values():
            for effect in row["edits"].values():
                assert {"random", "variance", "norm"} <= set(effect["controls"]) and effect["n"] == 32
                assert effect["expected"] is None and effect["inside"] is None
    assert record["networks"]["plain"]["measured"]["task"]["n"] == 400 and not record["networks"]["untrained"]["measured"]


@pytest.mark.slow
def test_the_page_is_made_of_the_json_alone_and_says_what_is_there(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "bench.json").write_bytes((finished / "bench.json").read_bytes())
    page = build_bench(tmp_path)
    once = page.read_bytes()
    assert build_bench(tmp_path).read_bytes() == once
    text, record = page.read_text(), json.loads((finished / "bench.json").read_text())
    read = html.unescape(re.sub(r'<span role="tooltip".*?</span>|<[^>]+>', "", text))  # without what explains its terms
    for line in network_lines("plain", record["networks"]["plain"]):
        assert line.partition(" (n =")[0].partition(":")[2] in read
    (tmp_path / "bench.json").write_text('{"benchmark": "trained"}')
    with pytest.raises(RunFolderError, match="run jepascope bench again"):
        build_bench(tmp_path)


def test_what_does_not_exist_is_refused_before_anything_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained, "trained_network", None)
    for asked, said in {
        "networks=other": "plain, decoy",
        "finders=other": "no finder 'other'",
        "draws=1": "two draws",
        "clips_per_class=9": "17 are the least",
        "draws=many": "whole number",
        "other=1": "no setting 'other=1'",
    }.items():
        result = answer("bench", "trained", "--set", asked)
        assert result.exit_code == 2 and said in result.stderr and result.stderr.count("\n") <= 2
    assert "no benchmark 'other'" in answer("bench", "other").stderr


def test_benchmarks_are_listed_with_their_settings() -> None:
    listed, as_json = answer("bench").stdout, json.loads(answer("bench", "--json").stdout)
    assert [row["name"] for row in as_json] == list(BENCHMARKS)
    for entry in BENCHMARKS.own.values():
        assert f"{entry.name}: {entry.meaning}" in listed and entry.question and entry.page
        assert all(f"{name}=" in listed for name in entry.settings)
        assert settings_of(entry, ()) == {name: default for name, (default, _) in entry.settings.items()}
    with pytest.raises(BadArgument, match="draws"):
        settings_of(BENCHMARKS.entry("trained"), ("draw=3",))
