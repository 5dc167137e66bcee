"""The page on one video left out at a time: its figures beside those of the split, and what their intervals do not cover."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from jepascope.report.blocks import Finding, Grid, Paragraph
from jepascope.report.first import first_screen
from jepascope.report.folder import RunFolder, read_run
from jepascope.report.sections.headline import scope
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


def test_the_page_of_few_videos_is_led_by_every_video_in_turn(finished_run: Path) -> None:
    run = left_out_run(finished_run)
    every = run.tables["leave_one_out"]
    assert every is not None
    reading = {"accuracy": 0.9, "low": 0.7, "high": 0.97, "n": 8, "chance": 0.125}
    left = {**run.summary["leave_one_out"], "leads": True, "judge_reading": {"probe": reading}}
    both = pd.concat([every.assign(edit="swap"), every], ignore_index=True)
    leads = replace(run, summary={**run.summary, "leave_one_out": left}, tables={**run.tables, "leave_one_out": both})
    screen = first_screen(leads)
    assert (
        screen.plot is not None
        and "at the layer of each fold" in screen.plot.caption
        and "n = 8 videos, each left out in turn" in (screen.plot.caption)
    )
    reply = {reply.name: reply for reply in screen.replies}
    assert reply["read"].number == "50\u00a0%" and reply["used"].claims[0].evidence[0].table == "leave_one_out"
    grid = next(block for block in left_out_blocks(leads) if isinstance(block, Grid))
    edits = {(str(row[0]), str(row[2])) for row in grid.rows}
    assert edits == {(tested, edit) for tested in ("the split's test videos", "all 8 in turn") for edit in ("swap", "ablate")}
    assert "Held out with each video is the one of another class" in grid.caption
    assert "each of all is left out in turn" in scope(replace(leads, summary={**leads.summary, "footage": {}}))


def test_nothing_is_said_where_no_video_was_left_out(finished_run: Path) -> None:
    assert left_out_blocks(read_run(finished_run)) == []


def test_a_summary_that_cannot_be_read_stops_no_page(finished_run: Path) -> None:
    run = left_out_run(finished_run)
    (block,) = left_out_blocks(replace(run, summary={**run.summary, "leave_one_out": {"videos": 8}}))
    assert isinstance(block, Paragraph) and "cannot be read" in block.text
