"""Across layers: subspaces found at one layer and used at the layer of the claims."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.numbers import count_range
from jepascope.findings.transfer_words import sentences
from jepascope.findings.transfers import alignments, found_at, split, transfers
from jepascope.report.blocks import Block, Figure, Finding, Paragraph
from jepascope.report.figures.across_layers import by_layer_found
from jepascope.report.sections.alignment import Pairs


def layer_blocks(pairs: Pairs) -> list[Block]:
    """Words, and SAS and RCE against the layer where a subspace was found; nothing where none was carried between layers."""
    table = pairs.portability[pairs.portability["across"] == "layer"]
    sas, moved = placed(alignments(table)), placed(transfers(table))
    if sas.empty and moved.empty:
        return []
    blocks: list[Block] = [Finding(text) for text in sentences(moved, "across layers")] if len(moved) else []
    used = count_range((moved if len(moved) else sas)["layer"])
    tests = f"n = {count_range(moved['n'])} test {pairs.units}" if len(moved) else "no transfer was run"
    caption = (
        f"Subspaces found at each layer and used at layer {used} (vertical line), held against the one found there. Left: SAS (no unit, a "
        "property of the pair); dotted: chance, dashed: split-half reference. Right: RCE at the largest dose where neither effect is "
        f"saturated (hollow: saturated at every dose), {tests}; vertical lines: {pairs.confidence}. Control: the RCE of "
        "variance-matched (dash-dotted) and random (dotted) subspaces, mean over finders."
    )
    return [*blocks, Figure(by_layer_found(sas, moved, f"{pairs.prefix}across-layers"), caption), Paragraph(MEANING)]


MEANING = (
    "A residual stream carries a direction on unless something overwrites it, so a subspace of a near layer is expected to keep its "
    "effect; one that keeps it from far away points to a direction that the layers between leave alone."
)


def placed(rows: pd.DataFrame) -> pd.DataFrame:
    """With finder and found_at from the names; pairs that do not say a layer are left out."""
    if rows.empty:
        return rows.assign(finder="", found_at=0.0)
    where = [_place(str(row.a), str(row.b)) for row in rows.itertuples()]
    out = rows.assign(
        finder=[finder for finder, _ in where], found_at=pd.Series([layer for _, layer in where], index=rows.index, dtype=float)
    )
    return out[out["found_at"].notna()]


def _place(a: str, b: str) -> tuple[str, float | None]:
    name = a if found_at(a) is not None else b
    return split(name)[0], found_at(name)
