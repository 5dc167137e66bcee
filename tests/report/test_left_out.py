"""The page on one video left out at a time: its figures beside those of the split, and what their intervals do not cover."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from jepascope.report.blocks import Finding, Grid, Paragraph
from jepascope.report.folder import RunFolder, read_run
from jepascope.report.sections.videos import left_out_blocks


def left_out_run(folder: Path) -> RunFolder:
    """A finished run to which the step is added, with the split's own effects for its table."""
    run = read_run(folder)
    ce = run.table("ce")
    assert ce is not None
    table = ce[(ce["layer"] == run.best_layer) & (ce["edit"] == "ablate") & (ce["judge"] == "probe")].assign(layer=-1)
    table.loc[table["control"] == "subspace", ["value", "low", "high", "n", "accuracy_before"]] = (0.5, 0.25, 0.75, 8, 1.0)
    left = {
        "videos": 8,
        "rank": 7,
        "layers": {"1": 6, "2": 2},
        "accuracy": {"value": 0.5, "low": 0.3, "high": 0.7, "n": 64, "chance": 0.125},
    }
    return replace(run, summary={**run.summary, "leave_one_out": left}, tables={**run.tables, "leave_one_out": table})


def test_it_stands_beside_the_split_and_says_what_its_interval_leaves_out(finished_run: Path) -> None:
    blocks = left_out_blocks(left_out_run(finished_run))
    (finding,) = (block for block in blocks if isinstance(block, Finding))
    (grid,) = (block for block in blocks if isinstance(block, Grid))
    assert "leaving out one of 8 videos at a time: accuracy 0.500 [0.30, 0.70]" in finding.text and "removes 50 [25, 75] %" in finding.text
    assert [str(row[0]) for row in grid.rows] == ["the split's test videos", "all 8 in turn"]
    assert "0.500 [0.300, 0.700]" in str(grid.rows[1][1])
    assert "layers chosen: 1 (6), 2 (2)" in grid.caption and "may be too narrow" in grid.caption


def test_nothing_is_said_where_no_video_was_left_out(finished_run: Path) -> None:
    assert left_out_blocks(read_run(finished_run)) == []


def test_a_summary_that_cannot_be_read_stops_no_page(finished_run: Path) -> None:
    run = left_out_run(finished_run)
    (block,) = left_out_blocks(replace(run, summary={**run.summary, "leave_one_out": {"videos": 8}}))
    assert isinstance(block, Paragraph) and "cannot be read" in block.text
