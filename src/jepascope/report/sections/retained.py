"""Retained effect: RCE against SAS, over the dose, and the table of both with their floors."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.dissociation import DISSOCIATED, judged
from jepascope.findings.numbers import Cell, count_range, finite, interval_cell, number_cell, span
from jepascope.findings.selection import DONOR_DOSE_WORDS, EDITS, FULL_DOSE_WORDS, in_order
from jepascope.findings.transfer_words import full_dose_saturated, sentences
from jepascope.findings.transfers import transfers
from jepascope.portability.retained import one_dose
from jepascope.report.blocks import Block, Figure, Finding, Grid, Paragraph
from jepascope.report.figures.retained import dose_sweep, sas_rce
from jepascope.report.sections.alignment import MOST_ROWS, Pairs

MOST_DOSES = 30  # rows of a table of every dose; of more transfers each has one


def retained_blocks(pairs: Pairs, table: pd.DataFrame, twins: bool, same: set[str]) -> list[Block]:
    """Of transfers in ``table``; finders in ``same`` have the subspace of another one, and no sentences of their own."""
    rce, moved = table[table["metric"] == "rce"], transfers(table)
    if moved.empty:
        return []
    main = "finder" if (rce["across"] == "finder").any() else str(rce["across"].iloc[0])
    told = moved[(moved["across"] == main) & ~moved["a"].isin(same) & ~moved["b"].isin(same)]
    said = sentences(told, f"across {main}") if len(told) else []
    note = full_dose_saturated(rce)
    blocks: list[Block] = [Finding(text) for text in [*said, *([note] if note else [])]]
    if (moved["sas"].notna() & moved["value"].notna()).any():
        floors = f" (dotted: their {pairs.confidence})" if moved["floor_variance_low"].notna().any() else ""
        caption = (
            "Each point: one subspace used in place of another, at the largest dose where neither effect is saturated (hollow: "
            f"saturated at every dose). n = {count_range(moved['n'])} test {pairs.units}; "
            f"lines through points: {pairs.confidence}. Control: the RCE that random and variance-matched subspaces get "
            f"in each one's place, right of its point{floors}."
        )
        blocks.append(Figure(sas_rce(moved, f"{pairs.prefix}sas-rce"), caption))
    part = rce[rce["across"] == main]
    dose = full_dose(part, twins)
    caption = (
        f"RCE across {main} over the dose. n = {count_range(part['n'])} test {pairs.units}; vertical lines: {pairs.confidence}; hollow: "
        f"saturated; {dose[:1].lower()}{dose[1:]} "
        "Control: random and variance-matched subspaces at the same dose; 1 is the native subspace's own effect."
    )
    few = rce if len(rce) <= MOST_DOSES else one_dose(rce)
    if part["value"].notna().any():
        blocks.append(Figure(dose_sweep(part, f"{pairs.prefix}rce-dose"), caption))
    else:
        blocks.append(Paragraph(f"No native effect is shown to be anything across {main}, so there is no RCE to draw."))
    whole = full_dose(rce, twins)
    blocks.append(rce_grid(pairs, few.head(MOST_ROWS), moved, whole, len(few) < len(rce), len(few) - MOST_ROWS))
    return blocks


def full_dose(rce: pd.DataFrame, twins: bool) -> str:
    """What dose 1 is, for the edits that a table holds (folders of earlier versions do not name them)."""
    words = FULL_DOSE_WORDS if twins else DONOR_DOSE_WORDS
    said = [words[edit] for edit in in_order(rce["edit"], EDITS) if edit in words]
    text = "; ".join(said) or "dose 1 is the edit in full"
    return f"{text[0].upper()}{text[1:]}."


def rce_grid(pairs: Pairs, rce: pd.DataFrame, moved: pd.DataFrame, dose: str, one_each: bool, left: int) -> Grid:
    """Every transfer and dose in ``rce``; what it shows stands at the dose at which ``moved`` judges it."""
    kinds = {_key(row): judged(row).kind for row in moved.to_dict("records")}
    rows: list[tuple[Cell | str, ...]] = []
    for across, part in rce.groupby("across", sort=False):
        rows.append((Cell(f"across {across} (n = {count_range(part['n'])} test {pairs.units})", strong=True),))
        rows += [_row(row, kinds.get(_key(row), "")) for row in part.to_dict("records")]
    caption = (
        f"RCE: effect of a over effect of b, same clips and read-out. Brackets: {pairs.confidence}. {dose} "
        "Random, variance-matched: the RCE of such subspaces. Shows: what the transfer is taken to show, at the dose where it is judged."
    )
    if rce["excess_low"].notna().any():
        caption += f" Δ: interval of RCE less that of variance-matched subspaces, paired by {pairs.units[:-1]}."
    if one_each:
        caption += " One dose for each transfer, the largest where neither effect is saturated; the others are in portability.parquet."
    if left > 0:
        caption += f" {left} more transfers are in portability.parquet."
    return Grid(("a (used)", "b (native)", "dose", "RCE", "random", "variance-matched", "shows"), tuple(rows), caption, words=2)


def _row(row: dict[Any, Any], kind: str) -> tuple[Cell | str, ...]:
    return (
        str(row["a"]),
        str(row["b"]),
        dose_cell(row),
        interval_cell(row["value"], row["low"], row["high"]),
        floor_cell(row, "floor_random"),
        variance_cell(row),
        Cell(kind.replace(" with", "\nwith").replace(", ", ",\n"), strong=kind == DISSOCIATED),
    )


def dose_cell(row: dict[Any, Any]) -> str:
    """The dose, and whether the metric is saturated there."""
    return f"{row['dose']:g}{' (saturated)' if bool(row['saturated']) else ''}"


def variance_cell(row: dict[Any, Any]) -> Cell:
    """The variance floor with its interval and, below it, the paired difference to it where that is stored."""
    cell = floor_cell(row, "floor_variance")
    if not finite(row["excess_low"]):
        return cell
    return Cell(f"{cell.text}\nΔ {span(row['excess_low'], row['excess_high'])}", cell.exact)


def floor_cell(row: dict[Any, Any], name: str) -> Cell:
    """A floor, with its interval where it is stored."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return interval_cell(row[name], low, high) if finite(low) and finite(high) else number_cell(row[name])


def _key(row: dict[Any, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("across", "a", "b", "layer", "edit", "rank", "dose"))
