"""The L1 path: what sparsity costs in accuracy, and why one penalty gives no single number of dimensions."""

from __future__ import annotations

import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from jepascope.report.figures.canvas import BLUE, GREY, VERMILION, Drawing, canvas, finish, layer_axis, style
from jepascope.report.numbers import percent, shown


def l1_path(path: pd.DataFrame, layer: int) -> Drawing:
    """Accuracy and support against the penalty at one layer; the one-standard-error choice is marked."""
    path = path.sort_values("strength")
    most, least = percent(path["support"].max()), percent(path["support"].min())
    picked = path[path["chosen"]]
    with style("l1-path"):
        figure, (accuracy, support) = canvas(3.9, rows=2, sharex=True)
        accuracy.fill_between(path["strength"], path["low"], path["high"], color=BLUE, alpha=0.14, lw=0)
        accuracy.plot(path["strength"], path["accuracy"], color=BLUE, marker="o", label="test accuracy")
        accuracy.axhline(float(path["chance"].mean()), color="black", ls=(0, (1, 1.5)), lw=1, label="chance")
        support.plot(path["strength"], path["support"], color=VERMILION, marker="s", label="support")
        for axes in (accuracy, support):
            for strength in picked["strength"]:
                axes.axvline(strength, color=GREY, ls=(0, (6, 2)), lw=1, label="one-standard-error choice")
            axes.set_ylim(0, 1.03)
            axes.legend(loc="best")
        support.set_xscale("log")
        support.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        support.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        support.xaxis.set_minor_formatter(NullFormatter())
        support.set_xlabel("L1 strength (logarithmic; sparser to the right)")
        accuracy.set_ylabel("probe accuracy")
        support.set_ylabel("share of coordinates")
        spoken = f"At layer {layer}, support runs from {most} to {least} of coordinates along the path"
        if not picked.empty:
            row = picked.iloc[0]
            spoken += f"; the one-standard-error choice, strength {shown(row['strength'])}, has accuracy {percent(row['accuracy'])}"
            spoken += f" and support {percent(row['support'])}"
        return finish(figure, "l1-path", "L1 path: accuracy and support against strength", spoken + ".")


def support_by_layer(chosen: pd.DataFrame) -> Drawing:
    """Support at the one-standard-error choice by layer, for each token selection."""
    with style("l1-support"):
        figure, (axes,) = canvas(2.5)
        spoken = []
        for (tokens, rows), colour, marker in zip(chosen.groupby("tokens"), (BLUE, VERMILION, GREY), "os^", strict=False):
            rows = rows.sort_values("layer")
            axes.plot(rows["layer"], rows["support"], color=colour, marker=marker, label=f"{tokens} tokens")
            spoken.append(f"{tokens} tokens: {percent(rows['support'].min())} to {percent(rows['support'].max())} of coordinates")
        layer_axis(axes, sorted({int(layer) for layer in chosen["layer"]}))
        axes.set_ylim(0, 1.03)
        axes.set_ylabel("share of coordinates")
        axes.legend(loc="best")
        return finish(figure, "l1-support", "L1 support by layer at the one-standard-error choice", "; ".join(spoken) + ".")
