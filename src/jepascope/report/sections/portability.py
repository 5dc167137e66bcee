"""Section of stage three: alignment, principal angles, retained effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Any

import pandas as pd

from jepascope.report.blocks import Block, Figure, Finding, Grid, Section, not_run
from jepascope.report.figures.alignment import sas_matrix
from jepascope.report.figures.angles import angle_spectrum
from jepascope.report.figures.retained import dose_sweep, sas_rce
from jepascope.report.folder import RunFolder
from jepascope.report.numbers import count, count_range, finite, interval_cell, number_cell, shown, with_interval
from jepascope.report.selection import DONOR_DOSE_WORDS, EDITS, FULL_DOSE_WORDS, coinciding, has_twins, in_order

MOST_ROWS = 60  # of transfers and doses that one table shows
KEYS = ["across", "a", "b", "layer", "rank"]


def portability(run: RunFolder) -> Section:
    """SAS with chance and ceiling, the spectrum behind it, RCE over doses, and the two against each other."""
    title, table = "Portability", run.table("portability")
    if table is None:
        return not_run("portability", title, "no transfers (stage port)")
    sas, rce = table[table["metric"] == "sas"], table[table["metric"] == "rce"]
    main = sas[sas["across"] == "finder"]
    blocks: list[Block] = []
    pairs = joined(sas, rce)
    same = _said_once(sas)
    blocks += [Finding(sentence) for sentence in same.values()]
    blocks += [Finding(sentence) for sentence in readings(pairs, set(same))]
    if not main.empty:
        caption = (
            f"SAS = |UᵀV|² / min(k) between finders at layer {count_range(main['layer'])}, rank {count_range(main['rank'])}, no unit. "
            f"Control: chance k/d = {_values(main['chance'])}; split-half reference at half the clips "
            f"{_values(main['ceiling'])}. Values in the table."
        )
        blocks.append(Figure(sas_matrix(main), caption))
    angles = run.table("angles")
    if angles is not None:
        part = angles[angles["across"] == "finder"]
        part = angles if part.empty else part
        caption = (
            f"Principal angles in degrees, layer {count_range(part['layer'])}, one line for each pair (point values, no interval). "
            "Control: random subspaces of the same ranks "
            "in the same space, dotted line the mean, grey band their range."
        )
        blocks.append(Figure(angle_spectrum(part), caption))
    if not sas.empty:
        blocks.append(_sas_grid(sas))
    if not pairs.empty:
        caption = (
            "Each point: one subspace used in place of another, at the largest dose where neither effect is saturated (hollow: "
            f"saturated at every dose). n = {count_range(pairs['n'])} "
            f"test scenes; lines through points: {run.confidence}. Control: the RCE that random and variance-matched subspaces get."
        )
        blocks.append(Figure(sas_rce(pairs), caption))
    if not rce.empty:
        across = "finder" if (rce["across"] == "finder").any() else str(rce["across"].iloc[0])
        part = rce[rce["across"] == across]
        caption = (
            f"RCE across {across} over the dose. n = {count_range(part['n'])} test scenes; vertical lines: {run.confidence}; hollow: "
            f"saturated; {full_dose(run, part)[:1].lower()}{full_dose(run, part)[1:]} "
            "Control: random and variance-matched subspaces at the same dose; 1 is the native subspace's own effect."
        )
        few = rce if len(rce) <= MOST_ROWS else one_dose(rce)
        blocks += [Figure(dose_sweep(part), caption), _rce_grid(run, few, len(few) < len(rce))]
    return Section("portability", title, tuple(blocks))


def joined(sas: pd.DataFrame, rce: pd.DataFrame) -> pd.DataFrame:
    """RCE rows (one dose each) with the SAS of their pair, which is the same in either order."""
    if sas.empty or rce.empty:
        return pd.DataFrame()
    columns = {"value": "sas", "low": "sas_low", "high": "sas_high", "chance": "sas_chance", "ceiling": "sas_ceiling"}
    geometry = sas[[*KEYS, *columns]].rename(columns=columns)
    swapped = geometry.rename(columns={"a": "b", "b": "a"})
    both = pd.concat([geometry, swapped]).drop_duplicates(KEYS)
    return one_dose(rce).drop(columns=["chance", "ceiling"]).merge(both, on=KEYS)


def one_dose(rce: pd.DataFrame) -> pd.DataFrame:
    """Each transfer at the largest dose where neither effect is saturated, or at the smallest if both are at every dose."""
    full = rce["saturated"]
    ranked = rce.assign(full=full, place=rce["dose"].where(~full, -rce["dose"]))
    picked = ranked.sort_values(["full", "place"], ascending=[True, False], kind="stable").drop_duplicates(KEYS)
    return picked.drop(columns=["full", "place"]).sort_index()


SPAN_OF_MEANS = {"diff_means", "class_pca", "lda_pattern", "leace_pattern"}


def _said_once(sas: pd.DataFrame) -> dict[str, str]:
    """A sentence for each finder whose subspace is that of an earlier one, instead of every other sentence twice."""
    said = {}
    for row in coinciding(sas):
        a, b = str(row["a"]), str(row["b"])
        said[b] = f"{b} and {a} found the same subspace here (SAS {shown(row['value'])}), so their figures agree."
        if {a, b} <= SPAN_OF_MEANS:
            said[b] += f" At rank classes - 1, {b} and {a} both span the class means and must."
    return said


MOST_SENTENCES = 8
COUNTED = {
    "more than": "keep more of the effect than a matched subspace does",
    "less than": "keep less of the effect than a matched subspace does",
    "not told apart from": "not told apart from what a matched subspace keeps",
}


def readings(pairs: pd.DataFrame, same: set[str]) -> list[str]:
    """For each transfer between finders, whether it is told apart from what a variance-matched subspace keeps.

    Finders in ``same`` have the subspace of another one and are left out. Many transfers are counted instead of listed.
    """
    rows = [row for row in pairs.to_dict("records") if row["across"] == "finder" and not same & {row["a"], row["b"]}]
    if len(rows) > MOST_SENTENCES:
        counts = Counter(_beside_floor(row)[0] for row in rows)
        said = "; ".join(f"{many} {COUNTED.get(word, word)}" for word, many in counts.most_common())
        return [f"Of {len(rows)} transfers between finders: {said} (each in the table of RCE)."]
    return [
        f"{row['a']} in place of {row['b']} has RCE {with_interval(row['value'], row['low'], row['high'])} "
        f"at SAS {shown(row['sas'])} (chance {shown(row['sas_chance'])}): {' '.join(_beside_floor(row))}."
        for row in rows
    ]


def _beside_floor(row: dict[Hashable, Any]) -> tuple[str, ...]:
    """A verdict on one transfer, and what it is held against."""
    floor, name = row["floor_variance"], "variance-matched subspace"
    if not finite(floor):
        floor, name = row["floor_random"], "random subspace"
    if bool(row["saturated"]):
        return ("saturated at every dose, so the ratio says nothing",)
    if not finite(floor) or not finite(row["low"]):
        return ("no control to read it against",)
    word = "more than" if row["low"] > floor else "less than" if row["high"] < floor else "not told apart from"
    return (word, f"{'what ' if word.startswith('not') else ''}a {name} has ({shown(floor)})")


def full_dose(run: RunFolder, rce: pd.DataFrame) -> str:
    """What dose 1 is, for the edits that a table holds (folders of earlier versions do not name them)."""
    words = FULL_DOSE_WORDS if has_twins(run) else DONOR_DOSE_WORDS
    said = [words[edit] for edit in in_order(rce["edit"], EDITS) if edit in words]
    text = "; ".join(said) or "dose 1 is the edit in full"
    return f"{text[0].upper()}{text[1:]}."


def _values(column: pd.Series[float]) -> str:
    known = sorted({shown(float(value)) for value in column if finite(float(value))})
    return "n/a" if not known else known[0] if len(known) == 1 else f"{known[0]} to {known[-1]}"


def _sas_grid(sas: pd.DataFrame) -> Grid:
    rows = tuple(
        (
            str(row["across"]),
            str(row["a"]),
            str(row["b"]),
            count(row["layer"]),
            count(row["rank"]),
            number_cell(row["value"]),
            number_cell(row["chance"]),
            number_cell(row["calibrated"]),
            number_cell(row["ceiling"]),
        )
        for row in sas.to_dict("records")
    )
    head = ("across", "a", "b", "layer", "rank", "SAS", "chance", "calibrated", "split-half")
    return Grid(
        head,
        rows,
        "SAS of two given subspaces (a property of the pair, so it has no interval; what sampling does to it shows across data seeds). "
        "Calibrated: (SAS − chance) / (1 − chance). Split-half: the same finder on two halves of its clips. "
        "Subspaces found from all clips can exceed it, and finders compared on the same clips share their noise.",
        words=3,
    )


def _rce_grid(run: RunFolder, rce: pd.DataFrame, cut: bool) -> Grid:
    rows = tuple(
        (
            str(row["across"]),
            str(row["a"]),
            str(row["b"]),
            f"{row['dose']:g}",
            interval_cell(row["value"], row["low"], row["high"]),
            number_cell(row["floor_random"]),
            number_cell(row["floor_variance"]),
            "yes" if bool(row["saturated"]) else "no",
            count(row["n"]),
        )
        for row in rce.to_dict("records")
    )
    head = ("across", "a (used)", "b (native)", "dose", "RCE", "random", "variance-matched", "saturated", "n")
    caption = (
        f"RCE: effect of a over effect of b, same clips and read-out. Brackets: {run.confidence}. {full_dose(run, rce)} "
        "Random, variance-matched: the RCE of such subspaces."
        + (
            " One dose for each transfer, the largest where neither effect is saturated; the others are in portability.parquet."
            if cut
            else ""
        )
    )
    return Grid(head, rows, caption, words=3)
