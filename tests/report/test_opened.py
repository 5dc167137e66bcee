"""A chapter opens with what its first section found; nothing of that section is lost or said twice."""

from __future__ import annotations

from jepascope.report.blocks import Figure, Finding, Grid, Paragraph, Section
from jepascope.report.charts.canvas import Drawing
from jepascope.report.opened import ALL, opened

DRAWN = [Figure(Drawing(name, "<svg></svg>", name, name), "a caption") for name in ("first", "second")]
TABLE = Grid(("a",), (("1",),), "a table")
FOUND = [Finding(f"finding {number}") for number in range(4)]


def test_three_findings_and_the_first_figure_open_it_and_all_else_is_folded() -> None:
    first = Section("summary", "Result", (*FOUND, TABLE, *DRAWN))
    chapter = opened("result", "What came out?", [first, Section("more", "More", (TABLE,))])
    assert [block.text for block in chapter.opening if isinstance(block, Paragraph)] == [finding.text for finding in FOUND[:3]]
    assert [block.drawing.name for block in chapter.opening if isinstance(block, Figure) and block.leads] == ["first"]
    assert [section.title for section in chapter.sections] == [ALL, "More"]
    assert chapter.sections[0].blocks == (FOUND[3], TABLE, DRAWN[1]) and chapter.sections[0].anchor == "summary"
    assert [drawing.name for drawing in chapter.drawings] == ["first", "second"]


def test_a_table_leads_where_nothing_is_drawn_and_an_empty_fold_is_left_out() -> None:
    chapter = opened("result", "What came out?", [Section("summary", "Result", (FOUND[0], TABLE))])
    assert chapter.opening == (Paragraph("finding 0"), TABLE) and chapter.sections == ()
