"""Section of stage two: edits that were run beside the study's own, a line for each."""

from __future__ import annotations

from typing import Any

from jepascope.findings.beside import of_controls, readings_by, rows_beside
from jepascope.findings.effect import Against
from jepascope.findings.judges import judge_words
from jepascope.findings.names import short
from jepascope.findings.numbers import Cell, count, shown
from jepascope.findings.selection import in_order
from jepascope.findings.verdict import ratio_words
from jepascope.intervention.control_words import CONTROL_WORDS, CONTROLS
from jepascope.report.blocks import Block, Paragraph
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, counted, grid, interval, words
from jepascope.report.inside import INTERVENED, Inside
from jepascope.report.sections.declared import section

MOST_ROWS = 60  # of one folder


@section("further", "Further edits", absent="no other edit of this run was made (jepascope intervene RUN --edit ...)")
def further_section(run: RunFolder) -> list[Block]:
    """CE of every edit, dose, judge and finder of every intervene folder, beside its controls."""
    blocks = [_table(run, one) for one in INTERVENED.read(run.path)]
    return [*blocks, *INTERVENED.left_out(run.path)]


def _table(run: RunFolder, one: Inside) -> Block:
    ce = one.tables.get("ce")
    if ce is None:
        return Paragraph(f"{one.name} cannot be read: {one.reason}")
    controls = in_order(ce[ce["control"] != "subspace"]["control"], CONTROLS)
    judges = readings_by(run)
    caption = (
        f"{one.name}: {_what(one.summary)}. CE with its {run.confidence} over {run.units}; of each control the mean CE and, after it, the "
        "ratio to it with its interval (≥: a lower bound, where the control's effect cannot be told from zero; none with fewer than 10 "
        "draws, unless nothing in the control is random: largest axes, axes within classes; none of an effect that is not shown to do "
        "anything, or by a judge that is not shown to read the variable)."
    )

    def control(name: str) -> Column:
        def cell(row: Any) -> Cell | str:
            null = of_controls(row, ce).set_index("control")["value"]
            return _against(float(null[name]), rows_beside(row, ce, judges)[name]) if name in null else ""

        return Column(CONTROL_WORDS.get(name, name), cell)

    columns = (
        words("edit", "edit"),
        words("dose", made=lambda row: f"{row['dose']:g}"),
        words("judge", made=lambda row: judge_words(str(row["judge"]))),
        words("finder (rank)", made=lambda row: f"{row['finder']} ({count(row['rank'])})"),
        counted("n", "n"),
        interval("CE"),
        *map(control, controls),
    )
    return grid(ce[ce["control"] == "subspace"], columns, caption, None, MOST_ROWS, "rows are in its ce.parquet")


def _what(summary: dict[str, Any]) -> str:
    """Where and how: "layer 2, background tokens, ablation to zero"."""
    said = [f"layer {short(summary.get('best_layer'))}", f"{short(summary.get('scope', 'all'))} tokens edited"]
    if summary.get("ablate_to") not in (None, "mean"):
        said.append(f"ablation to {short(summary['ablate_to'])}")
    if summary.get("swap_donor") == "class":
        said.append("swaps from donors")
    return ", ".join(said)


def _against(value: float, beside: Against) -> Cell:
    return Cell(shown(value, 2) + (f" ({ratio_words(beside)})" if beside.has_ratio else ""), str(value))
