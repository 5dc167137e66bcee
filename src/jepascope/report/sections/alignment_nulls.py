"""SAS beside what reaches as much for nothing: the same finder on permuted labels, and PCA; with the interval of finding both anew."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import ABSENT, Cell, exact, finite, shown, span
from jepascope.findings.transfers import split
from jepascope.report.blocks import Block, Figure
from jepascope.report.charts.beside_controls import Mark, Panel, draw
from jepascope.report.charts.beside_controls import Row as Line
from jepascope.report.charts.canvas import BLUE, GREY, ORANGE, SKY
from jepascope.report.charts.looks import Look
from jepascope.report.grids import Column, Row, beneath, left_out

MOST_LINES = 30
LOOKS = {
    "permuted labels": Look(SKY, "D", ""),
    "PCA": Look(ORANGE, "s", ""),
    "chance": Look(GREY, "|", "", size=7),
}


def null_columns(sas: pd.DataFrame) -> list[Column]:
    """Columns of the table of SAS; none in folders of earlier versions."""
    if not _known(sas):
        return []
    return [
        Column("with the fit", lambda row: span(row["fit_low"], row["fit_high"]) if finite(row["fit_low"]) else ABSENT),
        Column("permuted labels", _permuted),
        Column("PCA", _pca),
    ]


def null_words(sas: pd.DataFrame) -> str:
    """What the caption says of them."""
    if not _known(sas):
        return ""
    return (
        " With the fit: the interval of SAS that finding both anew in other scenes gives (jackknife over tenths of the scenes; none for "
        "finders that search). Permuted labels: SAS with b of a's finder on permuted labels of a's clips, mean of 20 draws, and what one "
        "more draw exceeds in 5 % of cases. PCA: SAS with b of as many principal axes of a's clips; Δ: interval of SAS less that, with the "
        "fit. Bold: SAS lies above it. What does not lie above both says nothing about the variable."
    )


def null_blocks(sas: pd.DataFrame, prefix: str) -> list[Block]:
    """The figure: every pair's SAS beside the two, and chance."""
    if not _known(sas):
        return []
    shown_rows = sas[sas["null_pca"].notna()]
    panels = [
        Panel([_line(row) for row in rows.to_dict("records")], title=f"across {across}", limits=(0.0, 1.0))
        for across, rows in shown_rows.head(MOST_LINES).groupby("across", sort=False)
    ]
    caption = (
        "SAS of two given subspaces (filled circle; line: the interval that finding both anew in other scenes gives, for finders without "
        "search), beside what reaches as much for nothing: the same finder on permuted labels (mean of 20 draws, line to what one more "
        "draw exceeds in 5 % of cases) and as many principal axes, both of the clips that a was found in, and chance k/d."
    )
    caption += left_out(len(shown_rows), MOST_LINES, "pairs are in the table")
    drawing = draw(f"{prefix}sas-nulls", "SAS beside permuted labels and PCA", panels, "SAS", across=2)
    return [Figure(drawing, caption)]


def _line(row: Row) -> Line:
    drawn = Mark("permuted labels", LOOKS["permuted labels"], row["null_shuffled"], row["null_shuffled"], row["null_shuffled_high"])
    return Line(
        _pair(row),
        [
            Mark("SAS", Look(BLUE, "o", ""), row["value"], row["fit_low"], row["fit_high"]),
            drawn if finite(row["null_shuffled"]) else None,
            Mark("PCA", LOOKS["PCA"], row["null_pca"]),
            Mark("chance", LOOKS["chance"], row["chance"]),
        ],
    )


def _pair(row: Row) -> str:
    """Both finders; of one finder's, the one that was found elsewhere."""
    elsewhere = [name for name in (row["a"], row["b"]) if split(str(name))[1]]
    return short(elsewhere[0], LABEL) if elsewhere else f"{short(row['a'], LABEL)}, {short(row['b'], LABEL)}"


def _known(sas: pd.DataFrame) -> bool:
    return "null_pca" in sas and bool(sas["null_pca"].notna().any())


def _permuted(row: Row) -> Cell:
    bound = row["null_shuffled_high"]
    above = bool(finite(bound) and row["value"] > bound)
    return beneath(Cell(shown(row["null_shuffled"]), exact(row["null_shuffled"]), above), "95 %", shown(bound) if finite(bound) else "")


def _pca(row: Row) -> Cell:
    low, known = row["pca_low"], finite(row["pca_low"])
    above = bool(low > 0 if known else row["value"] > row["null_pca"])
    return beneath(Cell(shown(row["null_pca"]), exact(row["null_pca"]), above), "Δ", span(low, row["pca_high"]) if known else "")
