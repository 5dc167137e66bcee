"""Section of stage two: edits that were run beside the study's own, a line for each."""

from __future__ import annotations

from typing import Any

from jepascope.encoders.part_names import PARTS, RESIDUAL, part_of_block
from jepascope.findings.beside import readings_by, with_controls
from jepascope.findings.effect import Against
from jepascope.findings.names import judge_words, short
from jepascope.findings.numbers import Cell, count, shown
from jepascope.findings.verdict import ratio_words
from jepascope.report.blocks import Block, section
from jepascope.report.folder import RunFolder
from jepascope.report.grids import beside_controls, declared, grid, interval, words
from jepascope.report.inside import INTERVENED, Inside

MOST_ROWS = 60  # of one folder


@section("further", "Further edits", absent="no other edit of this run was made (jepascope intervene RUN --edit ...)")
def further_section(run: RunFolder) -> list[Block]:
    """CE of every edit, dose, judge and finder of every intervene folder, beside its controls."""
    return [*(_table(run, folder) for folder in INTERVENED.read(run.path)), *INTERVENED.left_out(run.path)]


def _table(run: RunFolder, folder: Inside) -> Block:
    ce = folder.tables.get("ce")
    if ce is None:
        return folder.unreadable
    rows = with_controls(ce, readings_by(run))
    caption = (
        f"{folder.name}: {_what(folder.summary)}. CE with its {run.confidence} over {run.units}; of each control the mean CE and, after "
        "it, the ratio to it with its interval (≥: a lower bound, where the control's effect cannot be told from zero; none with fewer "
        "than 10 draws, unless nothing in the control is random: largest axes, axes within classes; none of an effect that is not shown "
        "to do anything, or by a judge that is not shown to read the variable)."
    )
    columns = (
        *declared("ce", "edit"),
        words("dose", lambda row: f"{row['dose']:g}"),
        words("judge", lambda row: judge_words(row["judge"])),
        words("finder (rank)", lambda row: f"{row['finder']} ({count(row['rank'])})"),
        *declared("ce", "n"),
        interval("CE"),
        *beside_controls(rows, _against, absent=""),
    )
    return grid(rows, columns, caption, None, MOST_ROWS, "rows are in its ce.parquet")


def _what(summary: dict[str, Any]) -> str:
    """Where and how: "layer 2, background tokens, ablation to zero"."""
    layer, part = short(summary.get("best_layer")), str(summary.get("part", RESIDUAL))
    parts = [
        f"what {part_of_block(part, layer)} adds" if part in PARTS else f"layer {layer}",
        f"{short(summary.get('scope', 'all'))} tokens edited",
    ]
    if summary.get("ablate_to") not in (None, "mean"):
        parts.append(f"ablation to {short(summary['ablate_to'])}")
    if summary.get("swap_donor") == "class":
        parts.append("swaps from donors")
    return ", ".join(parts)


def _against(null: dict[Any, Any], beside: Against) -> Cell:
    return Cell(shown(null["value"], 2) + (f" ({ratio_words(beside)})" if beside.has_ratio else ""), str(null["value"]))
