"""What stands beside CE: the same effects by the other judges, and what rides along (shares, KL, angles), each beside its controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any

import pandas as pd

from jepascope.findings.beside import readings_by, with_controls
from jepascope.findings.judges import agreement, skipped
from jepascope.findings.names import JUDGES, control_name, edit_name, in_order, judge_words
from jepascope.findings.numbers import ABSENT, Cell, cell_of, count_range, finite, interval_of, percent, share_cell, shown
from jepascope.findings.selection import comparable, comparable_of, has_twins
from jepascope.findings.verdict import against_cell
from jepascope.report.blocks import Block, Finding, Grid, Paragraph
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, beside_controls, controls_of, grid, interval, spread, words
from jepascope.stats import wilson

LOST = {
    "mlp": "share of the MLP's clean margin that is lost",
    "head": "share of the classifier's logit difference that is lost",
    "predictor": "share of the forecast's leaning to its own future that is lost (1 = it no longer tells it from the twin's)",
}
MOVED = {
    "mlp": "margin moved to the target over what {} moves",
    "head": "logit difference moved to the target over what {} moves",
    "predictor": "how far the forecast moves to the twin's future, over what seeing {}'s beginning moves it",
}
TARGET = ("target class", "the target's angle")
EXPECTED = {"ablate": ("own class", "the clip's own angle"), "swap": TARGET, "steer": TARGET}
ONE_LINE = 20  # characters of a value with its interval that stay on one line


def other_judges(run: RunFolder, table: pd.DataFrame, layer: int, finders: list[str], edit: str) -> list[Block]:
    """A sentence and a table for one edit at one layer; nothing where the probe alone has judged it."""
    at = table[(table["layer"] == layer) & (table["edit"] == edit)]
    main = set(comparable(run, table)["judge"])
    parts = {judge: comparable_of(run, at, judge) for judge in in_order(at["judge"], JUDGES) if judge not in main}
    if not parts:
        return []
    known = readings_by(run)
    effects = {judge: {own["finder"]: own for own in with_controls(part, known)} for judge, part in parts.items()}
    rows = [effects[judge][finder] for judge in parts for finder in finders if finder in effects[judge]]
    scales = LOST if edit == "ablate" else MOVED
    other = "the real twin" if has_twins(run) else "the change to a clip of that class"
    named = [f"{judge_words(judge)}: {scales[judge].format(other)}" for judge in parts if judge in scales]
    caption = (
        f"{edit_name(edit).capitalize()} at layer {layer} by the other judges: CE, and its ratio to each control with its "
        f"reading (as in the table above). Brackets: {run.confidence} over {run.units}, in ratios over {run.units} and draws. "
        + (f"CE by {'; by '.join(named)}." if named else "")
    )
    columns = (
        words("finder", lambda own: str(own["finder"])),
        interval("CE"),
        *beside_controls(rows, lambda _, against: against_cell(against)),
    )
    sizes = {judge: count_range(part["n"]) for judge, part in parts.items()}
    table_of_all = grid(rows, columns, caption, lambda own: f"{judge_words(own['judge'])}, n = {sizes[str(own['judge'])]} {run.units}")
    return [Finding(agreement(parts, edit, known)), table_of_all]


def also_by(run: RunFolder, table: pd.DataFrame) -> Paragraph:
    """Which judges stand in this section, and why others do not."""
    main, judges = set(comparable(run, table)["judge"]), in_order(table["judge"], JUDGES)
    reasons = [f"{judge_words(judge)} ({reason})" for judge, reason in skipped(run).items() if judge not in judges]
    text = f"Figures and ratios above are by {', '.join(judge_words(judge) for judge in sorted(main))}."
    text += " Not run: any other judge." if set(judges) <= main else ""
    return Paragraph(text + (f" Not used: {'; '.join(reasons)}." if reasons else ""))


@dataclass(frozen=True)
class Measure:
    """What one group of rows shows: the column of the value (with ``_low`` and ``_high`` beside it), and that of unedited clips."""

    title: str
    column: str
    is_share: bool = False
    before: str = ""

    def cell(self, row: Any) -> Cell:
        """Value and interval of one row; a long one on two lines, so that all controls find room side by side."""
        if not finite(row[self.column]):
            return Cell(ABSENT)
        cell = share_cell(*interval_of(row, self.column)) if self.is_share else cell_of(row, self.column)
        return cell if len(cell.text) <= ONE_LINE else replace(cell, text=cell.text.replace(" [", "\n[", 1))

    def heading(self, rows: pd.DataFrame) -> str:
        """With what the unedited clips have, which is the same for every finder."""
        known = list(rows[self.before].dropna()) if self.before else []
        return f"{self.title} (unedited {(percent if self.is_share else shown)(known[0])})" if known else self.title


def control_grid(parts: Sequence[tuple[pd.DataFrame, Measure]], finders: list[str], controls: list[str], caption: str) -> Grid:
    """A row a finder, its own figure and those of its controls side by side; a group of rows for each measure that was taken."""
    rows = []
    for table, measure in parts:
        if table[measure.column].notna().any():
            by = {row["finder"]: row for row in spread(table, ["finder"], "control")}
            rows += [(measure.heading(table), measure, by[finder]) for finder in finders if finder in by]

    def column(name: str) -> Column:
        return Column(control_name(name), lambda row: row[1].cell(row[2][name]) if name in row[2] else ABSENT)

    columns = (words("finder", lambda row: str(row[2]["finder"])), *map(column, ("subspace", *controls)))
    return grid(rows, columns, caption, lambda row: str(row[0]))


def side_measures(run: RunFolder, part: pd.DataFrame, draws: pd.DataFrame | None, finders: list[str], edit: str) -> list[Block]:
    """One table for one edit; ``part`` are the rows of `ce` by one judge. Nothing for folders of earlier versions."""
    rows = with_shares(part, draws)
    expected, angle = EXPECTED.get(edit, ("expected", "the expected one"))
    measures = (
        Measure(f"clips read as {expected}", "accuracy", is_share=True, before="accuracy_before"),
        Measure("KL of the class probabilities, nats", "kl"),
        Measure(f"decoded angle from {angle}, degrees", "angle_error", before="angle_error_before"),
    )
    caption = (
        f"{edit_name(edit).capitalize()}, what rides along with CE (judge: {part['judge'].iloc[0]}; n = "
        f"{count_range(part['n'])} {run.tested}; controls: mean over {count_range(rows[rows['control'] != 'subspace']['draws'])} draws). "
        f"Brackets: {run.confidence} over {run.units}; of shares Wilson's for the subspace, the least and the largest draw for a control. "
        f"KL is from the clean to the edited clip's class probabilities, mean over {run.units}: it counts any change, wanted or not."
    )
    table = control_grid([(rows, measure) for measure in measures], finders, controls_of(rows), caption)
    return [table] if table.rows else []


def with_shares(part: pd.DataFrame, draws: pd.DataFrame | None) -> pd.DataFrame:
    """``part`` with ends for its accuracies: an interval for the subspace, the range of draws for a control (``draws``)."""
    ends = [_ends(row, draws) for row in part.to_dict("records")]
    return part.assign(accuracy_low=[low for low, _ in ends], accuracy_high=[high for _, high in ends])


def _ends(row: dict[Any, Any], draws: pd.DataFrame | None) -> tuple[float, float]:
    if not (finite(row["accuracy"]) and finite(row["n"]) and row["n"] >= 1):
        return nan, nan
    if row["control"] == "subspace":
        return wilson(row["accuracy"], row["n"])  # of videos: of so many as if each were one clip, which is never too narrow
    if draws is None:
        return nan, nan
    shares = draws[(draws["finder"] == row["finder"]) & (draws["control"] == row["control"])]["correct"]
    return float(shares.min()), float(shares.max())
