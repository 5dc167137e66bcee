"""Section of stage two: edits that were run beside the study's own, a line for each."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.beside import of_controls, readings_by, rows_beside
from jepascope.findings.effect import Against, JudgeReading
from jepascope.findings.judges import judge_words
from jepascope.findings.numbers import Cell, count, interval_cell, shown
from jepascope.findings.selection import in_order
from jepascope.findings.verdict import ratio_words
from jepascope.intervention.control_words import CONTROL_WORDS, CONTROLS
from jepascope.report.blocks import Block, Grid, Paragraph, Section, not_run
from jepascope.report.folder import RunFolder
from jepascope.report.intervene_folder import Further, further_edits

TITLE = "Further edits"
MOST_ROWS = 60  # of one folder


def further_section(run: RunFolder) -> Section:
    """CE of every edit, dose, judge and finder of every intervene folder, beside its controls."""
    found, more = further_edits(run.path)
    if not found:
        return not_run("further", TITLE, "no other edit of this run was made (jepascope intervene RUN --edit ...)")
    blocks: list[Block] = []
    for one in found:
        blocks.append(_table(run, one) if one.ce is not None else Paragraph(f"{one.name} cannot be read: {one.reason}"))
    if more:
        blocks.append(Paragraph(f"{more} more intervene folders of this run are not shown."))
    return Section("further", TITLE, tuple(blocks))


def _table(run: RunFolder, one: Further) -> Grid:
    assert one.ce is not None
    controls = in_order(one.ce[one.ce["control"] != "subspace"]["control"], CONTROLS)
    own = one.ce[one.ce["control"] == "subspace"]
    judges = readings_by(run)
    rows = [_row(one.ce, row, controls, judges) for row in own.head(MOST_ROWS).to_dict("records")]
    caption = (
        f"{one.name}: {one.what}. CE with its {run.confidence} over {run.units}; of each control the mean CE and, after it, the ratio to "
        "it with its interval (≥: a lower bound, where the control's effect cannot be told from zero; none with fewer than 10 draws, "
        "unless nothing in the control is random: largest axes, axes within classes; none of an effect that is not shown to do "
        "anything, or by a judge that is not shown to read the variable)."
    )
    if len(own) > MOST_ROWS:
        caption += f" {len(own) - MOST_ROWS} more rows are in its ce.parquet."
    head = ("edit", "dose", "judge", "finder (rank)", "n", "CE", *(CONTROL_WORDS.get(name, name) for name in controls))
    return Grid(head, tuple(rows), caption, words=4)


def _row(ce: pd.DataFrame, row: dict[Any, Any], controls: list[str], judges: dict[str, JudgeReading]) -> tuple[Cell | str, ...]:
    beside = rows_beside(row, ce, judges)
    nulls = {str(null["control"]): float(null["value"]) for null in of_controls(row, ce).to_dict("records")}
    return (
        str(row["edit"]),
        f"{row['dose']:g}",
        judge_words(str(row["judge"])),
        f"{row['finder']} ({count(row['rank'])})",
        count(row["n"]),
        interval_cell(row["value"], row["low"], row["high"]),
        *(_against(nulls[name], beside[name]) if name in nulls else "" for name in controls),
    )


def _against(value: float, beside: Against) -> Cell:
    return Cell(shown(value, 2) + (f" ({ratio_words(beside)})" if beside.has_ratio else ""), str(value))
