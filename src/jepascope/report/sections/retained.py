"""Retained effect: RCE against SAS, over the dose, and the table of both with their floors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from jepascope.findings.dissociation import DISSOCIATED, NORM_NULLS, judged
from jepascope.findings.names import EDITS, in_order
from jepascope.findings.numbers import Cell, cell_of, count_range, finite, interval_words, number_cell, p_text, shown, span, stacked
from jepascope.findings.selection import dose_words
from jepascope.findings.transfer_words import full_dose_saturated, sentences
from jepascope.findings.transfers import transfers
from jepascope.portability.retained import one_dose
from jepascope.report.blocks import Block, Figure, Grid, Paragraph, findings
from jepascope.report.charts.canvas import BLACK, GREY, ORANGE, PURPLE, SKY, Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw
from jepascope.report.charts.looks import COLOURS, DOTTED, LONG, Look, numbered
from jepascope.report.grids import Column, beneath, declared, grid, interval, left_out
from jepascope.report.sections.alignment import MOST_ROWS, Pairs, panels

MOST_SPOKEN = 24  # transfers that the description of the figure lists
MOST_DOSES = 30  # rows of a table of every dose; of more transfers each has one
KEY = ["across", "a", "b", "layer", "edit", "rank", "dose"]
FLOORS = {"floor_random": ("random subspaces", (0, (2, 3))), "floor_variance": ("variance-matched subspaces", (0, (8, 2, 1, 2)))}


NORM_LOOKS = {
    "norm_floor_variance": ("variance-matched, equal norm", Look(ORANGE, "_", "", size=7)),
    "norm_floor_shuffled": ("permuted labels, equal norm", Look(SKY, "_", "", size=7)),
    "norm_floor_pca": ("PCA, equal norm", Look(PURPLE, "_", "", size=7)),
}


def retained_blocks(pairs: Pairs, table: pd.DataFrame, same: set[str]) -> list[Block]:
    """Of transfers in ``table``; finders in ``same`` have the subspace of another one, and no sentences of their own."""
    rce, moved = table[table["metric"] == "rce"], transfers(table)
    if moved.empty:
        return []
    main = "finder" if (rce["across"] == "finder").any() else str(rce["across"].iloc[0])
    told = moved[(moved["across"] == main) & ~moved["a"].isin(same) & ~moved["b"].isin(same)]
    blocks = findings(*(sentences(told, f"across {main}") if len(told) else []), full_dose_saturated(rce))
    if (moved["sas"].notna() & moved["value"].notna()).any():
        floors = f" (dotted: their {pairs.run.confidence})" if moved["floor_variance_low"].notna().any() else ""
        caption = (
            "Each point: one subspace used in place of another, at the largest dose where neither effect is saturated (hollow: "
            f"saturated at every dose). n = {count_range(moved['n'])} test {pairs.run.units}; "
            f"lines through points: {pairs.run.confidence}{_over(moved)}. Control: the RCE that random and variance-matched subspaces get "
            f"in each one's place, right of its point{floors}."
        )
        if _normed(moved):
            caption += (
                " Equal token norm: every token's edit has the norm of the native one's; there the controls are variance-matched "
                "directions, the same finder on permuted labels (mean of 2 draws each) and as many principal axes."
            )
        blocks.append(Figure(_against_sas(moved, f"{pairs.prefix}sas-rce"), caption))
    part = rce[rce["across"] == main]
    if part["value"].notna().any():
        dose = full_dose(pairs, part)
        caption = (
            f"RCE across {main} over the dose. n = {count_range(part['n'])} test {pairs.run.units}; vertical lines: "
            f"{pairs.run.confidence}; hollow: saturated; {dose[:1].lower()}{dose[1:]} "
            "Control: random and variance-matched subspaces at the same dose; 1 is the native subspace's own effect."
        )
        blocks.append(Figure(_doses(part, f"{pairs.prefix}rce-dose"), caption))
    else:
        blocks.append(Paragraph(f"No native effect is shown to be anything across {main}, so there is no RCE to draw."))
    return [*blocks, _grid(pairs, rce, moved)]


def _against_sas(moved: pd.DataFrame, name: str) -> Drawing:
    """RCE over SAS, a point for each transfer a -> b, its own floors beside it; chance and ceiling of SAS as lines."""
    series = []
    for number, (across, rows) in enumerate(moved.groupby("across", sort=False)):
        look = Look(COLOURS[number % len(COLOURS)], numbered(number).marker, "", size=6)
        for saturated, part in rows.groupby(rows["saturated"]):
            label = f"across {across}" + (", saturated" if saturated else "")
            series.append(Series.of(part, "sas", "value", label, look.points(hollow=bool(saturated)), says=""))
    beside = ((0.016, Look(GREY, ".", "", size=8, width=1)), (0.008, Look(BLACK, "_", "", size=8, width=1)))
    for (column, (label, _)), (shift, look) in zip(FLOORS.items(), beside, strict=True):
        known = moved[moved[column].notna() & moved["sas"].notna()]  # of each its own: they differ too much for one line
        series += [Series.of(known, "sas", column, f"RCE of {label}", look, shift=shift, says="range")] if len(known) else []
    levels = [
        Level(moved["sas_chance"].mean(), "SAS chance", DOTTED, GREY, upright=True),
        Level(moved["sas_ceiling"].mean(), "SAS split-half reference", LONG, GREY, upright=True),
        Level(1.0, "RCE of the native subspace", "-", GREY),
    ]
    each = [
        f"{row['a']} used in place of {row['b']}: SAS {shown(row['sas'])}, RCE {interval_words(row)}" for row in moved.to_dict("records")
    ]
    also = "; ".join(each[:MOST_SPOKEN]) + left_out(len(each), MOST_SPOKEN, "transfers are in portability.parquet").rstrip(".")
    x, y = Axis("SAS (alignment as geometry)", limits=(0, 1.02)), Axis("RCE (effect retained)")
    drawn = [Panel(series, levels, "equal dose" if _normed(moved) else ""), *_at_norm(moved, levels)]
    return draw(name, "Retained causal effect against alignment", drawn, x, y, legend=2, also=also)


def _normed(moved: pd.DataFrame) -> bool:
    """Whether transfers were run at equal token norm: not in folders of earlier versions."""
    return bool(moved["norm"].notna().any())


def _at_norm(moved: pd.DataFrame, levels: list[Level]) -> list[Panel]:
    """The same points at equal token norm, beside what variance-matched directions, permuted labels and PCA keep there."""
    if not _normed(moved):
        return []
    known = moved[moved["norm"].notna() & moved["sas"].notna()]
    series = []
    for number, (_, rows) in enumerate(known.groupby("across", sort=False)):
        look = Look(COLOURS[number % len(COLOURS)], numbered(number).marker, "", size=6)
        series.append(Series.of(rows, "sas", "norm", "", look, says="range", spoken_label="equal norm"))
    for place, (column, (label, look)) in enumerate(NORM_LOOKS.items()):
        there = known[known[column].notna()]
        series += [Series.of(there, "sas", column, label, look, (), shift=0.008 * (place + 1), says="range")] if len(there) else []
    return [Panel(series, levels, "equal token norm")]


def _doses(rce: pd.DataFrame, name: str) -> Drawing:
    """RCE over dose for each transfer; hollow where either effect is saturated and the ratio says nothing."""
    drawn = panels(rce, _transfer, _floors, "for", either=False)
    alone = len(drawn) == 1
    x, y = Axis("dose (1 = the edit in full)" if alone else "dose", "dose"), Axis("RCE (effect retained)" if alone else "RCE")
    return draw(name, "Retained causal effect over the dose", drawn, x, y, legend=2 if alone else 3, also="Hollow markers: saturated")


def _transfer(rows: pd.DataFrame, label: str, look: Look) -> Series:
    return Series.of(rows, "dose", "value", label, look, where="saturated")


def _floors(rce: pd.DataFrame) -> tuple[list[Series], list[Level]]:
    mean = rce.groupby("dose")[list(FLOORS)].mean().reset_index()
    known = [column for column in FLOORS if mean[column].notna().any()]
    lines = [Series.of(mean, "dose", at, FLOORS[at][0], Look(BLACK, dash=FLOORS[at][1], width=1.1), ends=(), says="range") for at in known]
    return lines, [Level(1.0, "", "-", GREY, width=0.9)]


def _over(rce: pd.DataFrame) -> str:
    """What intervals are over: fits too where both subspaces were found anew (never in folders of earlier versions)."""
    anew = rce["one_low"].notna()
    if not anew.any():
        return ""
    kinds = " and ".join(f"across {kind}" for kind in rce.loc[anew, "across"].unique())
    return f" ({kinds} over fits, read-outs and scenes where both were found anew; else of these subspaces, over scenes)"


def full_dose(pairs: Pairs, rce: pd.DataFrame) -> str:
    """What dose 1 is, for the edits that a table holds (folders of earlier versions do not name them)."""
    edits = [edit for edit in in_order(rce["edit"], EDITS) if edit in EDITS] or [""]
    text = "; ".join(dose_words(pairs.run, edit) for edit in edits)
    return f"{text[0].upper()}{text[1:]}."


def _grid(pairs: Pairs, rce: pd.DataFrame, moved: pd.DataFrame) -> Grid:
    """Every transfer and dose in ``rce`` while they are few; what it shows stands at the dose at which ``moved`` judges it."""
    rows = rce if len(rce) <= MOST_DOSES else one_dose(rce)
    kinds = {_key(row): judged(row).kind for row in moved.to_dict("records")}
    counts = {across: count_range(part["n"]) for across, part in rows.groupby("across")}

    at_norm = {_key(row): row for row in moved.to_dict("records")}

    def shows(row: Any) -> Cell:
        kind = kinds.get(_key(row), "")
        return Cell(kind.replace(" with", "\nwith").replace(", ", ",\n"), strong=kind == DISSOCIATED)

    caption = (
        f"RCE: effect of a over effect of b, same clips and read-out. Brackets: {pairs.run.confidence}{_over(rows)}. "
        f"{full_dose(pairs, rce)} "
        "Random, variance-matched: the RCE of such subspaces. Shows: what the transfer is taken to show, at the dose where it is judged."
    )
    if rows["excess_low"].notna().any():
        caption += f" Δ: interval of RCE less that of variance-matched subspaces, paired by {pairs.run.units[:-1]}."
    if len(rows) < len(rce):
        caption += " One dose for each transfer, the largest where neither effect is saturated; the others are in portability.parquet."
    columns = (
        *declared("portability", a="a (used)", b="b (native)"),
        Column("dose", dose_cell),
        interval("RCE"),
        Column("random", lambda row: floor_cell(row, "floor_random")),
        Column("variance-matched", variance_cell),
        *(norm_columns(at_norm, _key) if _normed(moved) else ()),
        Column("shows", shows),
    )
    if _normed(moved):
        caption += NORM_CAPTION
    return grid(
        rows,
        columns,
        caption,
        lambda row: f"across {row['across']} (n = {counts[row['across']]} test {pairs.run.units})",
        MOST_ROWS,
        "transfers are in portability.parquet",
    )


NORM_CAPTION = (
    " Equal norm: RCE where every token's edit has the norm of the native one's, and below it the largest that variance-matched "
    "directions, the same finder on permuted labels or as many principal axes keep there; p: that no dissociation is there, corrected "
    "(Holm) for all transfers that were looked at."
)


def norm_columns(at_norm: Mapping[tuple[str, ...], Mapping[Any, Any]], key: Callable[[Any], tuple[str, ...]]) -> list[Column]:
    """RCE at equal token norm with the floor that comes closest, and the corrected p, at the dose at which a transfer is judged."""

    def kept(row: Any) -> Cell | str:
        there = at_norm.get(key(row), {})
        if not finite(there.get("norm")):
            return ""
        null = {name: there[column] for column, name in NORM_NULLS.items() if finite(there.get(column))}
        worst = max(null, key=lambda name: float(null[name]), default="")
        return beneath(stacked(cell_of(there, "norm")), worst, shown(null[worst]) if worst else "")

    def corrected(row: Any) -> str:
        p = at_norm.get(key(row), {}).get("p_holm")
        return p_text(p) if finite(p) else ""

    return [Column("equal norm", kept), Column("p, corrected", corrected)]


def dose_cell(row: Any) -> str:
    """The dose, and whether the metric is saturated there."""
    return f"{row['dose']:g}{' (saturated)' if bool(row['saturated']) else ''}"


def floor_cell(row: Any, name: str) -> Cell:
    """A floor, with its interval where it is stored."""
    return cell_of(row, name) if finite(row[f"{name}_low"]) and finite(row[f"{name}_high"]) else number_cell(row[name])


def variance_cell(row: Any) -> Cell:
    """The variance floor with its interval and, below it, the paired difference to it where that is stored."""
    return beneath(floor_cell(row, "floor_variance"), "Δ", span(row["excess_low"], row["excess_high"]) if finite(row["excess_low"]) else "")


def _key(row: Any) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in KEY)
