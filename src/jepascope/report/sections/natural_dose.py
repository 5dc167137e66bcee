"""What dose 1 is in natural units: beside the change that the real twin makes inside the subspace."""

from __future__ import annotations

from math import nan

import pandas as pd

from jepascope.findings.numbers import Cell, count, count_range, finite, interval_cell, number_cell, shown, with_interval
from jepascope.findings.selection import EDIT_WORDS, EDITS, claim_layer, finders_of, has_twins, in_order, main_ranks
from jepascope.report.blocks import Block, Finding, Grid
from jepascope.report.folder import RunFolder

EXACT = 1e-4  # a shift this close to 1 is a swap's own, up to the rounding of float32


def shift_words(value: float, low: float, high: float) -> str:
    """An edit's pooled step beside the twin's own change inside the subspace (1 = the same)."""
    if not (finite(value) and finite(low) and finite(high)):
        return "no natural dose to compare with"
    if max(abs(low - 1), abs(high - 1)) < EXACT:
        return "the twin's change itself"
    if low <= 0 <= high:
        return "no step along the twin's change that is told from zero"
    if high < 0:
        return "a step against the twin's change"
    return (
        "less than the twin's change" if high < 1 else "more than the twin's change" if low > 1 else "not told apart from the twin's change"
    )


def natural_doses(run: RunFolder) -> list[Block]:
    """What dose 1 is, in units of the twin's own change."""
    doses = run.table("doses")
    if doses is None:
        return []
    doses = doses[doses["layer"] == claim_layer(run, doses)]
    doses = doses[doses["rank"] == doses["finder"].map(main_ranks(doses))]
    rows: list[tuple[Cell | str, ...]] = []
    finders = finders_of(run, doses)
    for edit in in_order(doses["edit"], EDITS):
        rows.append((Cell(f"dose 1 of {EDIT_WORDS.get(edit, edit)}", strong=True),))
        for row in doses[doses["edit"] == edit].set_index("finder").reindex(finders).dropna(how="all").reset_index().to_dict("records"):
            shift = (float(row["shift"]), float(row["shift_low"]), float(row["shift_high"]))
            norm, twin = float(row["norm"]), float(row["norm_twin"])
            share = number_cell(norm / twin if twin else nan)
            cells = (shift_words(*shift), interval_cell(*shift), number_cell(norm), number_cell(twin), share, count(row["n"]))
            rows.append((str(row["finder"]), *cells))
    head = ("finder", "reading", "shift", "edit norm", "twin's norm", "edit / twin", "n")
    caption = (
        f"What dose 1 is in natural units, layer {count_range(doses['layer'])}. Norms: mean length of a token's edit, and of the twin's "
        f"own change, inside the subspace (latent units, means over tokens and {run.units}, no interval). Shift: the pooled edit along "
        f"the twin's pooled change inside the subspace, over its length (1 = the natural dose). Brackets: {run.confidence} over "
        f"{run.units}; n: {run.tested}. Control: the twin itself.{_donors(run)}"
    )
    return [*(Finding(sentence) for sentence in _dose_words(doses, finders[:1])), Grid(head, tuple(rows), caption, words=2)]


def _donors(run: RunFolder) -> str:
    return "" if has_twins(run) else " No twin exists here: the change to the donor, another clip of the target class, stands in."


def _dose_words(doses: pd.DataFrame, finders: list[str]) -> list[str]:
    said = []
    for finder in finders:
        own = doses[doses["finder"] == finder]
        parts = []
        for edit in in_order(own["edit"], EDITS):
            row = own[own["edit"] == edit].iloc[0]
            value, low, high = (float(row[f"shift{end}"]) for end in ("", "_low", "_high"))
            size = with_interval(value, low, high) if finite(value) else shown(value)
            parts.append(f"{EDIT_WORDS.get(edit, edit)} {size}, {shift_words(value, low, high)}")
        said.append(f"In natural units dose 1 of {finder} shifts pooled activations, 1 being the natural dose: {'; '.join(parts)}.")
    return said
