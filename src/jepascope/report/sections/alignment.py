"""Alignment: SAS with chance and split-half reference, what two subspaces read, and the angles behind SAS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from jepascope.discovery.finder_entry import FINDERS
from jepascope.findings.beside import portability_of
from jepascope.findings.dissociation import SAME_NUMBERS
from jepascope.findings.numbers import ABSENT, Cell, count, count_range, finite, interval_cell, number_cell, shown
from jepascope.findings.selection import coinciding
from jepascope.findings.transfers import alignments
from jepascope.report.blocks import Block, Figure, Finding, Grid
from jepascope.report.figures.alignment import sas_matrix
from jepascope.report.figures.angles import angle_spectrum, angles_elsewhere
from jepascope.report.figures.pairs import MOST_LINES
from jepascope.report.folder import RunFolder

MOST_ROWS = 60  # of one table


@dataclass(frozen=True)
class Pairs:
    """The tables of one folder whose pairs are shown, how its intervals are called, the beginning of its drawings' names, and
    what n counts."""

    portability: pd.DataFrame
    angles: pd.DataFrame | None
    confidence: str
    prefix: str = ""
    units: str = "scenes"

    @property
    def exact_angles(self) -> bool:
        """Whether the random reference is the exact law: folders from before readings were measured hold a simulated one."""
        return bool((self.portability["metric"] == "readings").any())


def pairs_of(run: RunFolder) -> Pairs | None:
    """The run's own; None where no transfers were run."""
    table = portability_of(run)
    return None if table is None else Pairs(table, run.table("angles"), run.confidence, units=run.units)


def alignment_blocks(pairs: Pairs) -> list[Block]:
    """Which subspaces coincide, the SAS matrix of the pairs that the folder has most to say about, angles, and the table."""
    sas = alignments(pairs.portability)
    blocks: list[Block] = [Finding(sentence) for sentence in [*said_once(sas).values(), *_same_numbers(sas)]]
    main = sas[sas["across"] == "finder"]
    if not main.empty:
        caption = (
            f"SAS = |UᵀV|² / min(k) between finders at layer {count_range(main['layer'])}, rank {count_range(main['rank'])}, no unit. "
            f"Control: chance k/d = {values(main['chance'])}; split-half reference at half the clips "
            f"{values(main['ceiling'])}. Values in the table."
        )
        blocks.append(Figure(sas_matrix(main, f"{pairs.prefix}sas-matrix"), caption))
    blocks += _spectra(pairs)
    if not sas.empty:
        blocks.append(_grid(sas, pairs.confidence))
    return blocks


def _spectra(pairs: Pairs) -> list[Block]:
    if pairs.angles is None or pairs.angles.empty:
        return []
    found: list[Block] = []
    law = "grey band their central 95 % (exact law of random subspaces, no simulation)" if pairs.exact_angles else "grey band their range"
    control = f"Control: random subspaces of the same ranks in the same space, dotted line the mean, {law}."
    main = pairs.angles[pairs.angles["across"] == "finder"]
    rest = pairs.angles[pairs.angles["across"] != "finder"]
    if main.empty:
        main, rest = rest, main
    caption = (
        f"Principal angles in degrees, layer {count_range(main['layer'])}, one line for each pair (point values, no interval). {control}"
    )
    found.append(Figure(angle_spectrum(main, f"{pairs.prefix}angles"), caption))
    if not rest.empty:
        caption = (
            "Principal angles in degrees between each finder's subspace and the one it finds elsewhere; a line for each pair, one look for "
            f"each finder (point values, no interval). {control}"
        )
        few = rest["across"].nunique() == 1 and len(rest.drop_duplicates(["a", "b"])) <= MOST_LINES
        draw = angle_spectrum if few else angles_elsewhere
        found.append(Figure(draw(rest, f"{pairs.prefix}angles-elsewhere"), caption))
    return found


def said_once(sas: pd.DataFrame) -> dict[str, str]:
    """A sentence for each finder whose subspace is that of an earlier one, instead of every other sentence twice."""
    said = {}
    for row in coinciding(sas):
        a, b = str(row["a"]), str(row["b"])
        said[b] = f"{b} and {a} found the same subspace here (SAS {shown(row['value'])}), so their figures agree."
        if FINDERS.look_up(a).spans_means and FINDERS.look_up(b).spans_means:
            said[b] += f" At rank classes - 1, {b} and {a} both span the class means and must."
    return said


def _same_numbers(sas: pd.DataFrame) -> list[str]:
    """Pairs that lie apart and read the same numbers: filter and pattern, not two copies."""
    known = sas[sas["readings"].notna() & sas["value"].notna()]
    if known.empty:
        return []
    reach = (known["chance"] + known["ceiling"].fillna(1.0)) / 2
    apart = known[known["value"] < reach]
    same = apart[apart["readings_low"] >= SAME_NUMBERS]
    if apart.empty:
        return ["No pair lies far apart: every SAS is at least half of the way from chance to its split-half reference."]
    far = "that lie apart (SAS below half of the way from chance to the split-half reference)"
    numbers = f"nearly the same numbers (readings at least {SAME_NUMBERS:g})"
    if same.empty:
        return [f"Of {len(apart)} pairs {far}, none reads {numbers}: low SAS is not explained by filter and pattern here."]
    text = f"Of {len(apart)} pairs {far}, {len(same)} read{'s' if len(same) == 1 else ''} {numbers}"
    lowest = same.sort_values("value", kind="stable").iloc[0]
    return [
        f"{text}: one reads the variable where another carries it (filter and pattern), so their low SAS is no sign of two copies. Lowest: "
        f"{lowest['a']} and {lowest['b']}, SAS {shown(lowest['value'])}, readings {shown(lowest['readings'])} (chance "
        f"{shown(lowest['readings_chance'])})."
    ]


def values(column: pd.Series[float]) -> str:
    """'0.1 to 0.3', of what is known."""
    known = [shown(value) for value in sorted({float(value) for value in column if finite(float(value))})]
    return ABSENT if not known else known[0] if known[0] == known[-1] else f"{known[0]} to {known[-1]}"


def _grid(sas: pd.DataFrame, confidence: str) -> Grid:
    read = bool(sas["readings"].notna().any())
    rows: list[tuple[Cell | str, ...]] = []
    for across, part in sas.head(MOST_ROWS).groupby("across", sort=False):
        rows.append((Cell(f"across {across}", strong=True),))
        rows += [_row(row, read) for row in part.to_dict("records")]
    caption = (
        "SAS of two given subspaces (a property of the pair, so it has no interval; what sampling does to it shows across data seeds). "
        "Calibrated: (SAS − chance) / (1 − chance). Split-half: the same finder on two halves of its clips. "
        "Subspaces found from all clips can exceed it, and finders compared on the same clips share their noise."
    )
    head: tuple[str, ...] = ("a", "b", "layer", "rank", "SAS", "chance", "calibrated", "split-half")
    if read:
        head = (*head, "readings", "readings, chance")
        caption += (
            " Readings: mean squared canonical correlation between what the two read (Uᵀh, pooled) on held-out test clips, n = "
            f"{count_range(sas['readings_n'])}; 1: the same numbers, however far apart the subspaces lie. Brackets: {confidence}; chance: "
            "clips paired at random."
        )
    if len(sas) > MOST_ROWS:
        caption += f" {len(sas) - MOST_ROWS} more pairs are in portability.parquet."
    return Grid(head, tuple(rows), caption, words=2)


def _row(row: dict[Any, Any], read: bool) -> tuple[Cell | str, ...]:
    readings = (interval_cell(row["readings"], row["readings_low"], row["readings_high"]), number_cell(row["readings_chance"]))
    return (
        str(row["a"]),
        str(row["b"]),
        count(row["layer"]),
        count(row["rank"]),
        *(number_cell(row[name]) for name in ("value", "chance", "calibrated", "ceiling")),
        *(readings if read else ()),
    )
