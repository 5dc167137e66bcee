"""Section of stage two: which parts of which blocks write the subspace, and which read it (``jepascope trace``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jepascope.findings.effect import Against
from jepascope.findings.numbers import Cell, cell_of, count_range, finite
from jepascope.findings.traced import SHOWN, component_words, of_first, of_role
from jepascope.findings.verdict import ratio_words
from jepascope.report.blocks import Block, Figure, findings, section
from jepascope.report.charts import beside_controls
from jepascope.report.charts.beside_controls import Panel, Row
from jepascope.report.charts.canvas import PURPLE, SKY
from jepascope.report.charts.looks import CONTROLS, Look
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, few_draws, grid, words
from jepascope.report.grids import beside_controls as columns_beside
from jepascope.report.inside import TRACED, Inside
from jepascope.schema.components import EVERYWHERE, READ_BESIDE, READS, WITHIN, WRITES

MOST_DRAWN, MOST_ROWS = 16, 120  # parts of a role in the figure, those with the largest values; rows of the table
AXES = {
    WRITES: "share of the difference of class means; beside it, of what varies within a class",
    READS: "share of the whole way of a swap",
}
LOOKS = {
    WRITES: {"subspace": CONTROLS["subspace"], WITHIN: Look(SKY, "s", hatch="\\\\"), EVERYWHERE: Look(PURPLE, "^", hatch="..")},
    READS: {name: CONTROLS[name] for name in ("subspace", *READ_BESIDE)},
}


@section("trace", "Where it is written and read", absent="no part of a block was asked (jepascope trace RUN)")
def trace_section(run: RunFolder) -> list[Block]:
    """Of every trace folder the sentences, bars by part and block, and the table."""
    return [*(block for folder in TRACED.read(run.path) for block in _of(run, folder)), *TRACED.left_out(run.path)]


def _of(run: RunFolder, folder: Inside) -> list[Block]:
    table = folder.tables.get("components")
    if table is None or table.empty:
        return [folder.unreadable]
    draws = count_range(table[(table["role"] == READS) & (table["control"] != "subspace")]["draws"])
    caption = (
        f"{folder.name}, layer {count_range(table['layer'])}. Written: the share of each part in the difference of class means inside the "
        "subspace, beside its shares of what varies within a class. Read: the effect of a swap that reaches one part alone, while all "
        "others hold what they put out. n = "
        f"{count_range(table['n'])} {run.tested}; lines: {run.confidence} over {run.units} (controls: over {run.units} and {draws} draws). "
        f"At most {MOST_DRAWN} parts, those with the largest values; the table has all. "
        "The frame is the subspace's: bars and lines of controls that leave it go on."
    )
    panels = []
    for role, label in AXES.items():
        rows = of_first(table, role)
        known = [row for row in rows if finite(row["value"])]
        least = min(sorted((abs(float(row["value"])) for row in known), reverse=True)[:MOST_DRAWN], default=0.0)
        shown = [row for row in known if abs(float(row["value"])) >= least]
        panels.append(Panel([_bar(row, LOOKS[role]) for row in shown], title=SHOWN[role], label=label, limits=_frame_of(shown)))
    drawn = [panel for panel in panels if panel.rows]
    title = "Parts of blocks that write and read the subspace"
    figure: list[Block] = [Figure(beside_controls.draw(folder.name, title, drawn, bars=True), caption)] if drawn else []
    told = (
        f"Values with their {run.confidence} over {run.units}; {few_draws(run.units)}; below it the ratio, and how the part stands to it. "
        "Shares sum to 1; paths do not, since parts go on through each other."
    )
    every = [row for role in SHOWN for row in of_role(table, role)]
    columns = (
        words("part", component_words),
        words("finder", lambda row: str(row["finder"])),
        Column("value", cell_of),
        *columns_beside(every, _beside),
    )
    return [
        *findings(str(folder.summary.get("headline", ""))),
        *figure,
        grid(every, columns, told, lambda row: SHOWN[row["role"]].capitalize(), MOST_ROWS, "rows are in its components.parquet"),
    ]


def _frame_of(rows: Sequence[Mapping[Any, Any]]) -> tuple[float, float] | tuple[None, None]:
    """Wide enough for the subspace's own values: in a control there may be next to nothing to take shares of, and its shares far off."""
    ends = [float(row[name]) for row in rows for name in ("value", "low", "high") if finite(row[name])]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    room = 0.3 * (high - low)
    return (low - room, high + room) if room else (None, None)


def _bar(row: Mapping[Any, Any], looks: Mapping[str, Look]) -> Row:
    return Row.of(component_words(dict(row)), {"subspace": row, **{name: null for name, (null, _) in row["beside"].items()}}, looks=looks)


def _beside(null: Mapping[Any, Any], against: Against) -> Cell:
    cell = cell_of(dict(null))
    return Cell(f"{cell.text}\n{ratio_words(against)}, {against.standing}", cell.exact)
