"""The chapters of a comparison: what is published, what differs, what holds in how many runs, and everything side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jepascope.findings.numbers import count_range
from jepascope.report.blocks import Block, Chapter, Figure, Finding, Paragraph, Section, findings
from jepascope.report.charts import beside_controls
from jepascope.report.charts.beside_controls import Mark, Row
from jepascope.report.charts.canvas import BLUE
from jepascope.report.charts.curves import Level
from jepascope.report.charts.looks import Look
from jepascope.report.compare.comparison import Comparison
from jepascope.report.compare.differing import agreement
from jepascope.report.compare.figures import accuracy_figure, effect_figure, layers_figure
from jepascope.report.compare.paper_table import paper_sections
from jepascope.report.compare.table import table
from jepascope.report.compare.tested_words import ALPHA, METHOD, brief, labelled, title
from jepascope.report.opened import opened

MOST_PANELS = 4
PUBLISHED = "What is published, and what is measured"


def title_of(comparison: Comparison) -> str:
    """What came out, in one line."""
    if comparison.preset == "paper":
        return PUBLISHED
    return title(comparison.tests, [run.name for run in comparison.runs])


def chapters_of(comparison: Comparison) -> list[Chapter]:
    """Those that there is something to say in."""
    chapters = []
    if comparison.preset == "paper":
        chapters.append(opened("published", "Beside the paper", paper_sections(comparison.runs)))
    if len(comparison.runs) > 1:
        chapters.append(_differ(comparison))
    if comparison.runs:
        chapters.append(_side_by_side(comparison))
    return chapters


def _differ(comparison: Comparison) -> Chapter:
    """The tests: what differs in a few words, the differences as a figure, then every number."""
    opening: list[Block] = [Paragraph(sentence) for sentence in brief(comparison.tests)]
    drawn = differences_figure(comparison)
    every = (*findings(*comparison.findings), *comparison.tables_of_tests, Paragraph(METHOD))
    settings = (*findings(*comparison.notes, *comparison.differences), Paragraph(agreement(comparison.runs)))
    sections = (Section("tests", "Every test", every), Section("differences", "What else differs between the runs", settings))
    return Chapter("differ", "Do they differ?", sections, (*opening, *([] if drawn is None else [drawn])))


def _side_by_side(comparison: Comparison) -> Chapter:
    runs = comparison.runs
    drawn = [figure for figure in (effect_figure(runs), accuracy_figure(runs), layers_figure(runs)) if figure is not None]
    notes = [Finding(note) for note in comparison.notes] if len(runs) == 1 else []
    sections = [Section("table", "Every figure of every run", (*notes, table(runs)))]
    if drawn[1:]:
        sections.append(Section("figures", "By layer", tuple(drawn[1:])))
    opening: list[Block] = [Paragraph(sentence) for sentence in comparison.differences[:2]]
    opening += [replace(figure, leads=True) for figure in drawn[:1]]
    return Chapter("side-by-side", "Side by side", tuple(sections), tuple(opening))


def differences_figure(comparison: Comparison) -> Figure | None:
    """Differences of shares with their intervals, pair by pair; filled where they are shown."""
    rows = comparison.tests.comparisons
    rows = rows[(rows["unit"] == "share") & rows["low"].notna()]
    panels = []
    for (a, b), own in list(rows.groupby(["a", "b"], sort=False))[:MOST_PANELS]:
        marks = [Row(labelled(row).removeprefix("CE of "), [_mark(row)]) for row in own.to_dict("records")]
        panels.append(beside_controls.Panel(marks, [Level(0.0, "no difference", upright=True)], title=f"{a} less {b}"))
    if not panels:
        return None
    drawing = beside_controls.draw("compared-differences", "What differs", panels, "difference in CE, or in accuracy")
    n = count_range(rows["n"])
    caption = (
        f"Differences on the test scenes that both tested, n = {n}; lines: 95 % intervals. Filled: shown after correction over all "
        "comparisons. Control: rows 'beyond' are less the mean draw of the closest one."
    )
    return Figure(drawing, caption, leads=True)


def _mark(row: dict[Any, Any]) -> Mark:
    return Mark("difference", Look(BLUE, "o", hollow=not row["p_holm"] < ALPHA), row["value"], row["low"], row["high"])
