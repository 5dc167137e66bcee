"""Frozen against refitted: what is read after an ablation by the probe of before, and by one trained on ablated clips."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd

from jepascope.findings.judges import JUDGES, judge_words
from jepascope.findings.numbers import ABSENT, count_range, finite, percent, percent_span
from jepascope.findings.selection import claim_layer, finders_of, in_order, main_ranks, of_tokens
from jepascope.report.blocks import Block, Figure, findings
from jepascope.report.charts.canvas import BLACK, BLUE, GREY, VERMILION, Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, layers
from jepascope.report.charts.looks import LONG, SHORT, Look
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, grid, words
from jepascope.stats import wilson


@dataclass(frozen=True)
class Share:
    """An accuracy with its interval (NaN where it was not measured)."""

    value: float = nan
    low: float = nan
    high: float = nan

    def __str__(self) -> str:
        return f"{percent(self.value)} {percent_span(self.low, self.high)}" if finite(self.value) else ABSENT

    def below(self, other: Share) -> str:
        """'below', 'above' or 'not told apart from' as two intervals lie apart or not; 'unknown' without both."""
        if not all(finite(end) for end in (self.low, self.high, other.low, other.high)):
            return "unknown"
        return "below" if self.high < other.low else "above" if self.low > other.high else "not told apart from"


def refit_blocks(run: RunFolder) -> list[Block]:
    """Words, lines by read layer, and a table at the last layer; nothing where no probe was refitted."""
    table = run.table("refits")
    if table is None or not (table["control"] == "subspace").any():
        return []
    layer = claim_layer(run, table)
    table = table[table["layer"] == layer]
    own = table[table["control"] == "subspace"]
    finders, last = finders_of(run, own), int(table["read_layer"].max())
    table = table[(table["control"] == "clean") | (table["rank"] == table["finder"].map(main_ranks(own)))]
    judges = in_order(table["judge"], JUDGES)
    frozen = _frozen(run, layer)
    end = table[table["read_layer"] == last]
    rows, said = [], []
    for judge in judges:
        part = end[end["judge"] == judge]
        clean, chance = _share(part[part["control"] == "clean"]), float(part["chance"].mean())
        above = f"{judge_words(judge)}: unedited {clean}; chance {percent(chance)}"
        for finder in finders:
            fresh = _share(part[(part["finder"] == finder) & (part["control"] == "subspace")])
            held = _share(frozen[(frozen["finder"] == finder) & (frozen["judge"] == judge) & (frozen["read_layer"] == last)])
            null = part[(part["finder"] == finder) & (part["control"] == "random")]["accuracy"].dropna()
            rows.append({"above": above, "finder": finder, "frozen": held, "fresh": fresh, "null": _range(null)})
            if finder == finders[0]:
                said.append(refit_words(f"{finder}, {judge_words(judge)}", held, fresh, clean, chance, null))
    shown = judges[0]
    caption = (
        f"Ablation at layer {layer}, read by {judge_words(shown)} at that and later layers: accuracy on test clips, n = "
        f"{count_range(own['n'])}. Frozen: trained on unedited clips. Fresh: trained on ablated clips of the judge's split and scored on "
        f"ablated test clips; vertical lines {run.confidence} (Wilson). Controls: random directions ablated (mean, band from the least to "
        "the largest draw), unedited clips, chance."
    )
    figure = Figure(_curves(table[table["judge"] == shown], frozen[frozen["judge"] == shown], finders), caption)
    columns = (
        words("finder", "finder"),
        Column("frozen", lambda row: str(row["frozen"])),
        Column("fresh", lambda row: str(row["fresh"])),
        Column("fresh, random ablated", lambda row: str(row["null"])),
    )
    caption = (
        f"Accuracy at layer {last} after ablation at layer {layer}, n = {count_range(end['n'])} test clips. Brackets: {run.confidence} "
        "(Wilson); of random directions the least and the largest draw."
    )
    return [*findings(*said), figure, grid(rows, columns, caption, lambda row: str(row["above"]))]


def _curves(refits: pd.DataFrame, frozen: pd.DataFrame, finders: list[str]) -> Drawing:
    """A panel for each finder: unedited clips, then frozen and fresh probes after the ablation, and fresh ones after random ablations."""
    clean = refits[refits["control"] == "clean"].drop_duplicates("read_layer")
    chance, at = Level(float(refits["chance"].mean()), "chance", share=True), ("read_layer", "accuracy")
    panels = []
    for finder in finders:
        own = refits[refits["finder"] == finder]
        null = own[own["control"] == "random"]
        series = [
            Series.of(own[own["control"] == "subspace"], *at, "fresh, subspace ablated", Look(BLUE, "o"), share=True),
            Series.of(frozen[frozen["finder"] == finder], *at, "frozen", Look(VERMILION, "^", LONG, hollow=True), ends=(), share=True),
            Series.of(clean, *at, "unedited", Look(BLACK, "D", size=3.5), ends=(), share=True),
        ]
        if len(null):
            series.append(Series.spread(null, *at, "fresh, random ablated", Look(GREY, "s", SHORT, hollow=True), share=True))
        panels.append(Panel(series, [chance], finder))
    y = Axis("accuracy", limits=(0, 1.03))
    return draw("refits", "What a frozen and a fresh probe read after ablation", panels, layers(refits["read_layer"], "read at layer"), y)


def refit_words(name: str, frozen: Share, fresh: Share, clean: Share, chance: float, null: Any = ()) -> str:
    """What a fresh probe still finds, beside chance and beside the unedited clips."""
    said = (
        f"{name}: after ablation the frozen read-out is right for {frozen} of the clips, "
        if finite(frozen.value)
        else f"{name}: after ablation "
    )
    said += f"a fresh one for {fresh} (unedited {clean}, chance {percent(chance)}"
    said += f"; random directions ablated {percent(sum(null) / len(null))})" if len(null) else ")"
    if not (finite(fresh.low) and finite(chance)):
        return f"{said}; nothing can be said without an interval."
    word = fresh.below(clean)
    if fresh.low <= chance:
        if clean.low <= chance:
            return f"{said}. It is not read above chance from unedited clips either, so nothing can be said of what ablation leaves."
        if word == "below":
            return f"{said}. A fresh one finds nothing that can be told from chance: as far as it can read, the variable is gone."
        return f"{said}. A fresh one is told apart neither from chance nor from unedited clips: whether the variable is gone stays open."
    left = "Less than before, but above chance" if word == "below" else "Above chance"
    shown = ", and no loss to a fresh one is shown" if word == "not told apart from" else ""
    way = " Part of what the frozen one lost was its way of reading, not the variable." if frozen.below(fresh) == "below" else ""
    return f"{said}. {left}: the variable is still there to be read, outside the subspace{shown}.{way}"


def _share(rows: pd.DataFrame) -> Share:
    if rows.empty:
        return Share()
    return Share(*(float(rows.iloc[0][name]) for name in ("accuracy", "low", "high")))


def _range(null: pd.Series[float]) -> str:
    return f"{percent(null.mean())} {percent_span(null.min(), null.max())} ({len(null)} draws)" if len(null) else ABSENT


def _frozen(run: RunFolder, layer: int) -> pd.DataFrame:
    """Accuracies of the probes trained on unedited clips, after ablation at ``layer``, with Wilson intervals."""
    reads = run.table("reads")
    columns = ["finder", "judge", "read_layer", "accuracy", "low", "high"]
    if reads is None:
        return pd.DataFrame(columns=columns).astype({"accuracy": float})
    rows = of_tokens(run, reads)
    rows = rows[(rows["layer"] == layer) & (rows["edit"] == "ablate") & (rows["control"] == "subspace")].dropna(subset=["accuracy", "n"])
    rows = rows[rows["rank"] == rows["finder"].map(main_ranks(rows))]
    ends = [wilson(float(row["accuracy"]), float(row["n"])) for row in rows.to_dict("records")]
    return rows.assign(low=[low for low, _ in ends], high=[high for _, high in ends])[columns]
