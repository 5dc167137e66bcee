"""What a study can be told, and what studies there are."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jepascope.catalog import Catalog
from jepascope.cli import app
from jepascope.intervention.edit_entry import EDITS
from jepascope.study.fields_listed import CATALOGS
from jepascope.study.spec import StudySpec


def answer(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "140", "TERM": "dumb"})


def test_every_field_is_listed_with_its_meaning_and_default() -> None:
    fields = {field["name"]: field for field in json.loads(answer("spec", "--json").stdout)}
    filled_in = {"clips_digest", "subspaces_digest", "labels_digest", "subspace"}
    assert {*fields} == {*StudySpec.model_fields} - filled_in
    assert all(field["meaning"] for field in fields.values())
    defaults = StudySpec().model_dump(mode="json")
    assert all(field["default"] == defaults[name] for name, field in fields.items())
    printed = answer("spec").stdout
    assert all(name in printed for name in fields)


@pytest.mark.parametrize("field", CATALOGS)
def test_one_field_names_all_that_its_catalog_has(field: str) -> None:
    catalog: Catalog[object] = CATALOGS[field]  # type: ignore[assignment]
    (listed,) = json.loads(answer("spec", field, "--json").stdout)
    assert [*listed["named"]] == [*catalog.names] and all(listed["named"].values())


def test_one_field_is_shown_with_presets_and_names() -> None:
    shown = answer("spec", "edits").stdout
    assert "preset quick: ablate, swap" in shown and all(name in shown for name in EDITS.own)
    assert answer("spec", "draws").stdout.count("preset") == 4  # quick, reduced, full and paper


def test_a_field_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    result = answer("spec", "finder")
    assert result.exit_code == 2 and "no field 'finder'" in result.stderr and "finders" in result.stderr


def test_runs_are_listed_the_latest_first(finished_run: Path, tmp_path: Path) -> None:
    finished, begun, broken = (tmp_path / "studies" / name for name in ("finished", "begun", "broken"))
    for path in (finished, broken):
        shutil.copytree(finished_run, path)
    begun.mkdir()
    (begun / "spec.yaml").write_text("model: nano\n")
    (begun / "log.jsonl").write_text('{"event": "start", "step": "probes"}\nnot json\n{"event": "said"}\n')
    (broken / "summary.json").write_text("{")
    for age, path in enumerate((begun, broken, finished)):
        for file in path.glob("*"):
            if file.is_file():
                os.utime(file, (1_700_000_000 - 3600 * age,) * 2)
    found = json.loads(answer("runs", str(tmp_path), "--json").stdout)
    assert [Path(run["path"]).name for run in found] == ["begun", "broken", "finished"]
    assert found[0]["state"] == "unfinished, at probes"
    assert "summary.json" in found[1]["state"] and found[1]["headline"] == ""
    summary = json.loads((finished / "summary.json").read_text())
    assert found[2]["state"] == "finished" and found[2]["headline"] == summary["title"] and found[2]["model"] == summary["model"]
    shown = answer("runs", str(tmp_path)).stdout
    assert summary["title"][:20] in shown and "unfinished, at probes" in shown


def test_a_folder_without_runs_says_how_to_make_one(tmp_path: Path) -> None:
    assert "jepascope run --out" in answer("runs", str(tmp_path)).stdout
    result = answer("runs", str(tmp_path / "none"))
    assert result.exit_code == 2 and "jepascope run --out" in result.stderr


def test_a_dry_run_is_the_plan_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "run"
    dry, planned = answer("run", "quick", "--dry-run", "--out", str(out), "--json"), answer("plan", "quick", "--json")
    assert dry.exit_code == 0 and not out.exists()
    assert json.loads(dry.stdout)["steps"] == json.loads(planned.stdout)["steps"]  # how fast this machine is, is measured each time


def test_help_has_panels_and_completion_can_be_installed() -> None:
    shown = answer("run", "--help").stdout
    assert all(panel in shown for panel in ("Model and clips", "Study", "Compute", "Output"))
    assert "--install-completion" in answer("--help").stdout
