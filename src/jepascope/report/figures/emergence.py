"""Where in depth the variable becomes decodable: dense probe by layer, beside its baselines and controls."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from jepascope.discovery.probes.readings import chosen_probes
from jepascope.findings.numbers import percent
from jepascope.report.figures.canvas import (
    BLUE,
    GREEN,
    GREY,
    PALE,
    PURPLE,
    VERMILION,
    Drawing,
    canvas,
    finish,
    layer_axis,
    legend_below,
    style,
)

TOKENS = {"all": ("all tokens", BLUE, "o", "-"), "object": ("object tokens", VERMILION, "s", "-")}

WITHOUT_ENCODER = {
    "pixels": ("raw pixels", GREY, (0, (6, 2, 1.5, 2))),
    "frame_differences": ("frame differences", GREEN, (0, (8, 3))),
}


def emergence(probes: pd.DataFrame) -> Drawing:
    """Accuracy of the dense probe by layer: trained (with intervals), untrained twins, control task and permuted labels (each the range
    over seeds), pixels and their differences."""
    dense = chosen_probes(probes)
    model = dense[dense["encoder"] == "model"].sort_values("layer")
    with style("emergence"):
        figure, (axes,) = canvas(3.6)
        spoken = []
        for tokens, (label, colour, marker, dash) in TOKENS.items():
            rows = model[model["tokens"] == tokens]
            if rows.empty:
                continue
            axes.fill_between(rows["layer"], rows["low"], rows["high"], color=colour, alpha=0.14, lw=0)
            axes.plot(rows["layer"], rows["accuracy"], color=colour, marker=marker, ls=dash, label=f"trained, {label}", zorder=4)
            top = rows.sort_values("accuracy", kind="stable", na_position="first").iloc[-1]
            spoken.append(f"trained encoder at {label}: highest {percent(top['accuracy'])} at layer {int(top['layer'])}")
        for tokens, (label, colour, marker, _) in TOKENS.items():
            rows = dense[(dense["encoder"] == "untrained") & (dense["tokens"] == tokens)]
            if rows.empty:
                continue
            by = rows.groupby("layer")["accuracy"]
            axes.fill_between(by.mean().index, by.min(), by.max(), color=PALE, alpha=0.8, lw=0)
            axes.plot(
                by.mean().index,
                by.mean(),
                color=colour,
                marker=marker,
                mfc="white",
                ls=(0, (2, 1.5)),
                lw=1.1,
                label=f"untrained, {label}",
                zorder=3,
            )
            spoken.append(f"untrained twins at {label}: mean over layers {percent(float(by.mean().mean()))}")
        spoken += _controls(axes, dense)
        for encoder, (label, colour, gaps) in WITHOUT_ENCODER.items():
            rows = dense[dense["encoder"] == encoder]
            if rows.empty:
                continue
            value = float(rows["accuracy"].max())
            axes.axhline(value, color=colour, ls=gaps, lw=1.2, label=label)
            spoken.append(f"{label} {percent(value)}")
        chance = float((dense if model.empty else model)["chance"].mean())
        axes.axhline(chance, color="black", ls=(0, (1, 1.5)), lw=1, label="chance")
        spoken.append(f"chance {percent(chance)}")
        layer_axis(axes, sorted({int(layer) for layer in model["layer"]}))
        axes.set_ylim(0, 1.03)
        axes.set_ylabel("probe accuracy")
        legend_below(figure, 3)
        return finish(figure, "emergence", "Dense-probe accuracy by layer", "; ".join(spoken) + ".")


def _controls(axes: Axes, dense: pd.DataFrame) -> list[str]:
    """Mean and range of the control tasks; the range alone of permuted labels, hatched, for it lies around chance."""
    spoken = []
    task = dense[dense["encoder"] == "control_task"].groupby("layer")["accuracy"]
    if len(task):
        mean = task.mean()
        axes.fill_between(mean.index, task.min(), task.max(), color=PURPLE, alpha=0.25, lw=0)
        axes.plot(mean.index, mean, color=PURPLE, marker="x", ls=(0, (6, 2, 1.5, 2)), lw=1.2, label="control task", zorder=3)
        spoken.append(f"control tasks: mean over layers {percent(float(mean.mean()))}")
    permuted = dense[dense["encoder"] == "permuted"].groupby("layer")["accuracy"]
    if len(permuted):
        low, high = permuted.min(), permuted.max()
        axes.fill_between(low.index, low, high, facecolor="none", hatch="/////", edgecolor=GREY, lw=0, label="permuted labels")
        spoken.append(f"permuted labels: {percent(float(low.min()))} to {percent(float(high.max()))}")
    return spoken
