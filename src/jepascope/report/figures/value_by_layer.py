"""How well the value itself is read by layer: error or R^2 of the ridge probes, beside their baselines."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from jepascope.findings.numbers import shown
from jepascope.report.figures.canvas import PALE, Drawing, canvas, finish, layer_axis, legend_below, style
from jepascope.report.figures.emergence import TOKENS, WITHOUT_ENCODER

FLOOR = -0.5  # an R^2 far below zero is no reader at all; drawing it would hide the rest
HELD = {"clips": ("held-out clips", "-", None), "arcs": ("held-out arcs", (0, (6, 2)), "white")}
METRICS = {"error": ("error", "low", "high"), "r2": ("r2", "r2_low", "r2_high")}


def value_by_layer(values: pd.DataFrame, metric: str, label: str, name: str, title: str) -> Drawing:
    """One output of the value probes by layer: trained (with intervals), untrained (range over seeds), pixels, constant guess.

    ``values`` are the rows of one output; ``metric`` is 'error' (lower is better) or 'r2'.
    """
    value, low, high = METRICS[metric]
    model = values[values["encoder"] == "model"].sort_values("layer")
    with style(name):
        figure, (axes,) = canvas(3.6)
        spoken = []
        for tokens, (who, colour, marker, _) in TOKENS.items():
            for held, (what, dash, face) in HELD.items():
                rows = model[(model["tokens"] == tokens) & (model["held_out"] == held)]
                if rows.empty:
                    continue
                axes.fill_between(rows["layer"], rows[low], rows[high], color=colour, alpha=0.14, lw=0)
                axes.plot(rows["layer"], rows[value], color=colour, marker=marker, mfc=face, ls=dash, label=f"{who}, {what}", zorder=4)
                best = rows[value].min() if metric == "error" else rows[value].max()
                spoken.append(f"{who}, {what}: best {shown(best)}")
        spoken += _baselines(axes, values[values["held_out"] == "clips"], value)
        if metric == "error":
            chance = float(model["chance"].mean())
            axes.axhline(chance, color="black", ls=(0, (1, 1.5)), lw=1, label="best constant guess")
            axes.set_ylim(0, max(1.05 * chance, 1.05 * float(model[high].max() if model[high].notna().any() else chance)))
            spoken.append(f"best constant guess {shown(chance)}")
        else:
            axes.axhline(0, color="black", ls=(0, (1, 1.5)), lw=1, label="mean of the training clips")
            axes.set_ylim(max(FLOOR, min(0.0, 1.05 * float(axes.get_ylim()[0]))), 1.03)
        layer_axis(axes, sorted({int(layer) for layer in model["layer"]}))
        axes.set_ylabel(label)
        legend_below(figure, 2)
        return finish(figure, name, title, "; ".join(spoken) + ".")


def _baselines(axes: Axes, values: pd.DataFrame, value: str) -> list[str]:
    """Untrained twins as a band with its mean, and what no encoder at all gives, all on held-out clips."""
    spoken = []
    for tokens, (who, colour, marker, _) in TOKENS.items():
        by = values[(values["encoder"] == "untrained") & (values["tokens"] == tokens)].groupby("layer")[value]
        if not len(by):
            continue
        mean = by.mean()
        axes.fill_between(mean.index, by.min(), by.max(), color=PALE, alpha=0.8, lw=0)
        axes.plot(mean.index, mean, color=colour, marker=marker, ms=3, mfc="white", ls=(0, (1, 1)), lw=1, label=f"untrained, {who}")
        spoken.append(f"untrained twins at {who}: mean over layers {shown(float(mean.mean()))}")
    for encoder, (who, colour, gaps) in WITHOUT_ENCODER.items():
        found = values[values["encoder"] == encoder][value].dropna()
        if len(found):
            axes.axhline(float(found.iloc[0]), color=colour, ls=gaps, lw=1.2, label=who)
            spoken.append(f"{who} {shown(float(found.iloc[0]))}")
    return spoken
