"""The page of a sweep: every cell with its state, and the tests of those that can be compared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jepascope.report.sweep.page import DATA, build_sweep, counted, families_of
from jepascope.stats import holm
from jepascope.study.spec import StudySpec
from jepascope.study.sweep.cells import Cell
from jepascope.study.sweep.run import Outcome

HOSTILE = "<script>alert(1)</script>"


def studied(two: tuple[Path, Path], out: Path, *variables: str) -> list[Outcome]:
    """Finished studies of two encoders on each variable."""
    made = []
    for variable in variables:
        for model, source in zip(("first", "second"), two, strict=True):
            cell = Cell({"model": model, "variable": variable}, f"model={model},variable={variable}", StudySpec(variable=variable))
            shutil.copytree(source, cell.folder(out))
            made.append(Outcome(cell, "finished", f"{model} was studied"))
    return made


@pytest.fixture(scope="module")
def swept(two: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Outcome], str, dict[str, Any]]:
    """Outcomes, page and data of a sweep in which one cell failed and one was not run."""
    out = tmp_path_factory.mktemp("sweep")
    failed = Cell({"model": HOSTILE, "variable": "nothing"}, "odd", None, f"no such variable {HOSTILE}")
    waiting = Cell({"model": "third"}, "third", StudySpec(seed=9))
    outcomes = [*studied(two, out, "direction", "speed"), Outcome(failed, "failed", failed.refused), Outcome(waiting, "waiting")]

    def refuse(name: str) -> Any:
        raise AssertionError(name)

    page = build_sweep(outcomes, out).read_text()
    return outcomes, page, json.loads((out / DATA).read_text(), parse_constant=refuse)


def test_every_cell_has_a_row_and_a_failed_one_its_reason(swept: tuple[list[Outcome], str, dict[str, Any]]) -> None:
    outcomes, page, data = swept
    assert counted(outcomes) == "4 finished, 1 failed, 1 not run yet" and counted(outcomes) in page
    assert page.count("was studied") == 4 and "no such variable &lt;script&gt;" in page and HOSTILE not in page
    assert "direction on directions8" in page and "speed on directions8" in page
    assert [cell["state"] for cell in data["cells"]] == [*["finished"] * 4, "failed", "waiting"]


def test_p_is_corrected_over_the_comparisons_of_all_cells(swept: tuple[list[Outcome], str, dict[str, Any]]) -> None:
    families = swept[2]["compared"]
    assert [(family["about"], family["runs"]) for family in families] == [("direction on directions8", 2), ("speed on directions8", 2)]
    rows = [row for family in families for row in family["comparisons"]]
    p, corrected = (np.array([row[name] for row in rows], dtype=np.float64) for name in ("p", "p_holm"))
    assert np.isfinite(p).any()
    np.testing.assert_array_equal(corrected, holm(p))


def test_a_cell_that_was_damaged_since_leaves_the_page_its_other_parts(two: tuple[Path, Path], tmp_path: Path) -> None:
    outcomes = studied(two, tmp_path, "direction")
    (outcomes[0].cell.folder(tmp_path) / "summary.json").write_text("{")
    (family,) = families_of(outcomes, tmp_path)
    assert "summary.json" in family.refused and family.tests.comparisons.empty
    assert "Not compared" in build_sweep(outcomes, tmp_path).read_text()
