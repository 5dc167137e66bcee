"""Section of stage two: where an ablation has its effect, by layer and finder."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.numbers import count_range
from jepascope.findings.selection import comparable, finders_of, main_ranks
from jepascope.report.blocks import Block, Figure
from jepascope.report.charts.heat_map import Map, draw
from jepascope.report.folder import RunFolder
from jepascope.report.sections.declared import section
from jepascope.report.sections.intervention import MEASURE, NOT_RUN


@section("map", "Where the effect is", needs=("ce",), absent=NOT_RUN)
def map_section(run: RunFolder, ce: pd.DataFrame) -> list[Block]:
    """Layer x finder."""
    own = ce[(ce["control"] == "subspace") & (ce["edit"] == "ablate")]
    if own.empty:
        return []
    own = comparable(run, own)
    ranks, finders = ", ".join(f"{finder} {rank}" for finder, rank in main_ranks(own).items()), finders_of(run, own)
    caption = (
        f"Causal effect of ablation, {MEASURE['ablate']}, by layer and finder. n = {count_range(own['n'])} {run.tested}; "
        f"{own['tokens'].iloc[0]} tokens; "
        f"judge: {own['judge'].iloc[0]}; ranks: {ranks}. Intervals and controls at the marked layer follow below{_elsewhere(run, ce)}."
    )
    cells = own.pivot_table(index="finder", columns="layer", values="value", aggfunc="first", dropna=False).reindex(finders)
    layers = [f"{layer}*" if layer == run.best_layer else str(layer) for layer in map(int, cells.columns)]
    one = Map(cells.to_numpy(dtype=float), finders, layers)
    title, label = "Causal effect of ablation by layer and finder", "layer (* where claims are made)"
    return [Figure(draw("effect-map", title, [one], label, most_numbered=40, also="Columns: layers"), caption)]


def _elsewhere(run: RunFolder, ce: pd.DataFrame) -> str:
    """What was run at the layers that no claim is made for."""
    layers = run.summary.get("full_layers")
    full = sorted({int(layer) for layer in layers if layer != run.best_layer}) if isinstance(layers, list) else []
    other = ce[(ce["control"] == "random") & (ce["layer"] != run.best_layer) & ~ce["layer"].isin(full)]
    said = f"; layers with every edit and control as well (ce.parquet): {', '.join(map(str, full))}" if full else ""
    if other.empty:
        return said
    return f"{said}; at the others only ablation was run, against {count_range(other['draws'])} draws of the random control (ce.parquet)"
