"""The effects of an ``intervene`` folder as a table for the terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.table import Table

from jepascope.report.numbers import count, p_text, ratio_text, shown, with_interval
from jepascope.report.selection import CONTROL_WORDS, CONTROLS, in_order
from jepascope.report.tables import read_table
from jepascope.report.verdict import row_verdict
from jepascope.schema import TABLES

HEAD = ("edit at dose, judge", "against", "CE", "ratio", "p", "reading", "draws")


def effect_table(folder: Path, layer: int | None = None, judge: str | None = None) -> Table:
    """Every edit, dose, judge and finder (or those of one layer and judge): its CE with its interval, and a line for each control. From
    ce.parquet alone."""
    table = Table(*HEAD, box=None, pad_edge=False, header_style="bold")
    ce = read_table(folder / "ce.parquet", TABLES["ce"], {"ce": True})
    assert ce is not None  # its evidence was just claimed
    ce = ce[(ce["layer"] == (ce["layer"] if layer is None else layer)) & (ce["judge"] == (ce["judge"] if judge is None else judge))]
    order = ("subspace", *CONTROLS)
    place = ce["control"].map({name: i for i, name in enumerate(in_order(ce["control"], order))})
    block = (ce["control"] == "subspace").cumsum()
    for row in ce.iloc[np.lexsort((place, block))].to_dict("records"):
        if row["control"] == "subspace":
            what = f"{row['edit']} {row['finder']} (rank {count(row['rank'])}) at {row['dose']:g}, {row['judge']}"
            table.add_row(what, f"n = {count(row['n'])}", with_interval(row["value"], row["low"], row["high"]), style="bold")
            continue
        asked = ("difference_low", "difference_high", "excess_low", "excess_high", "percentile", "draws")
        enough = row_verdict(*(float(row[name]) for name in asked))
        table.add_row(
            "",
            CONTROL_WORDS.get(row["control"], row["control"]),
            with_interval(row["value"], row["low"], row["high"]),
            "" if enough == "too few draws" else ratio_text(row["ratio"], row["ratio_low"], row["ratio_high"], bool(row["ratio_is_bound"])),
            "" if enough == "too few draws" else p_text(row["p"]),
            enough,
            shown(row["draws"], 0),
        )
    return table
