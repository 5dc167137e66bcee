"""Frozen against refitted: what is read after an ablation by the probe of before, and by one trained on ablated clips."""

from __future__ import annotations

from jepascope.findings.fresh import frozen_rows, refit_of, refit_rows
from jepascope.findings.judges import JUDGES, judge_words
from jepascope.findings.numbers import ABSENT, Cell, count_range, percent, percent_span
from jepascope.findings.selection import claim_layer, finders_of, in_order
from jepascope.report.blocks import Block, Figure, Finding, Grid
from jepascope.report.figures.refits import refit_lines
from jepascope.report.folder import RunFolder


def refit_blocks(run: RunFolder) -> list[Block]:
    """Words, lines by read layer, and a table at the last layer; nothing where no probe was refitted."""
    table = refit_rows(run)
    if table is None:
        return []
    layer = claim_layer(run, table)
    own = table[table["control"] == "subspace"]
    finders, last = finders_of(run, own), int(table["read_layer"].max())
    judges = in_order(table["judge"], JUDGES)
    frozen = frozen_rows(run, layer)
    end = table[table["read_layer"] == last]
    said: list[str] = []
    rows: list[tuple[Cell | str, ...]] = []
    for judge in judges:
        refits = [refit_of(table, frozen, finder, judge) for finder in finders]
        said.append(refits[0].sentence)
        rows.append((Cell(f"{judge_words(judge)}: unedited {refits[0].clean}; chance {percent(refits[0].chance)}", strong=True),))
        rows += [(refit.finder, str(refit.frozen), str(refit.fresh), _range(refit.random)) for refit in refits]
    shown = judges[0]
    caption = (
        f"Ablation at layer {layer}, read by {judge_words(shown)} at that and later layers: accuracy on test clips, n = "
        f"{count_range(own['n'])}. Frozen: trained on unedited clips. Fresh: trained on ablated clips of the judge's split and scored on "
        f"ablated test clips; vertical lines {run.confidence} (Wilson). Controls: random directions ablated (mean, band from the least to "
        "the largest draw), unedited clips, chance."
    )
    lines = refit_lines(table[table["judge"] == shown], frozen[frozen["judge"] == shown], finders)
    grid = Grid(
        ("finder", "frozen", "fresh", "fresh, random ablated"),
        tuple(rows),
        f"Accuracy at layer {last} after ablation at layer {layer}, n = {count_range(end['n'])} test clips. Brackets: {run.confidence} "
        "(Wilson); of random directions the least and the largest draw.",
    )
    return [*(Finding(sentence) for sentence in said), Figure(lines, caption), grid]


def _range(null: tuple[float, ...]) -> str:
    return f"{percent(sum(null) / len(null))} {percent_span(min(null), max(null))} ({len(null)} draws)" if null else ABSENT
