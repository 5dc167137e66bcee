"""Section of stage two: where an ablation has its effect, by layer and finder."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.numbers import count_range
from jepascope.findings.selection import comparable, finders_of, main_ranks
from jepascope.report.blocks import Figure, Section, not_run
from jepascope.report.figures.effect_map import effect_map
from jepascope.report.folder import RunFolder
from jepascope.report.sections.intervention import MEASURE, NOT_RUN


def map_section(run: RunFolder) -> Section:
    """Layer x finder."""
    title, ce = "Where the effect is", run.table("ce")
    own = None if ce is None else ce[(ce["control"] == "subspace") & (ce["edit"] == "ablate")]
    if own is None or own.empty:
        return not_run("map", title, NOT_RUN)
    own = comparable(run, own)
    ranks = ", ".join(f"{finder} {rank}" for finder, rank in main_ranks(own).items())
    caption = (
        f"Causal effect of ablation, {MEASURE['ablate']}, by layer and finder. n = {count_range(own['n'])} {run.tested}; "
        f"{own['tokens'].iloc[0]} tokens; "
        f"judge: {own['judge'].iloc[0]}; ranks: {ranks}. Intervals and controls at the marked layer follow below{_elsewhere(run, ce)}."
    )
    return Section("map", title, (Figure(effect_map(own, finders_of(run, own), run.best_layer), caption),))


def _elsewhere(run: RunFolder, ce: pd.DataFrame | None) -> str:
    """What was run at the layers that no claim is made for."""
    if ce is None:
        return ""
    layers = run.summary.get("full_layers")
    full = sorted({int(layer) for layer in layers if layer != run.best_layer}) if isinstance(layers, list) else []
    other = ce[(ce["control"] == "random") & (ce["layer"] != run.best_layer) & ~ce["layer"].isin(full)]
    said = f"; layers with every edit and control as well (ce.parquet): {', '.join(map(str, full))}" if full else ""
    if other.empty:
        return said
    return f"{said}; at the others only ablation was run, against {count_range(other['draws'])} draws of the random control (ce.parquet)"
