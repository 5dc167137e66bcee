"""Edits made beside the study's own stand in the report, and a folder that cannot be read is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from jepascope.errors import RunFolderError
from jepascope.report.blocks import Chapter
from jepascope.report.build import build_report, render
from jepascope.report.folder import read_run
from jepascope.report.sections.further import further_section


def words(run: Path) -> str:
    return str(further_section(read_run(run)))


def with_further(run: Path, tmp_path: Path, scope: str = "background") -> Path:
    """A copy of the run with one intervene folder, made of its own effects."""
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    other = copy / "intervene-0123abcd"
    other.mkdir()
    shutil.copy(copy / "ce.parquet", other)
    summary = {"best_layer": 1, "scope": scope, "ablate_to": "zero", "swap_donor": "class"}
    (other / "summary.json").write_text(json.dumps(summary))
    return copy


def test_without_such_folders_the_command_is_named(complete: Path) -> None:
    assert "jepascope intervene RUN" in words(complete)


@pytest.mark.slow
def test_every_edit_and_judge_has_a_row_with_its_controls(complete: Path, tmp_path: Path) -> None:
    run = with_further(complete, tmp_path)
    text = words(run)
    assert "layer 1, background tokens edited, ablation to zero, swaps from donors" in text
    ce = pd.read_parquet(run / "ce.parquet")
    for edit in ce["edit"].unique():
        assert f"'{edit}'" in text
    assert build_report(run).read_text().count("Further edits") >= 1


def test_a_damaged_folder_is_named_and_the_rest_is_shown(complete: Path, tmp_path: Path) -> None:
    run = with_further(complete, tmp_path)
    broken = run / "intervene-ffffffff"
    broken.mkdir()
    (broken / "summary.json").write_text("{}")
    (broken / "ce.parquet").write_bytes(b"not parquet")
    text = words(run)
    assert "intervene-ffffffff cannot be read" in text and "background tokens edited" in text


@pytest.mark.slow
def test_names_of_strangers_are_escaped(complete: Path, tmp_path: Path) -> None:
    run = with_further(complete, tmp_path, scope="<script>alert(1)</script>")
    folder = read_run(run)
    page = render(folder, [Chapter("cause", "", (further_section(folder),))])
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


@pytest.mark.parametrize("layer", ["<script>", -1, 1.5, True, [2]])
def test_a_best_layer_that_is_none_is_one_sentence(complete: Path, tmp_path: Path, layer: object) -> None:
    run = tmp_path / "run"
    shutil.copytree(complete, run)
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps({**summary, "best_layer": layer}))
    with pytest.raises(RunFolderError, match="'best_layer' is not a layer"):
        read_run(run)
