"""The L1 path: what sparsity costs in accuracy, and why one penalty gives no single number of dimensions."""

from __future__ import annotations

import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from jepascope.findings.numbers import percent, shown
from jepascope.report.figures.canvas import BLUE, GREY, PALE, VERMILION, Drawing, canvas, finish, layer_axis, legend_below, style

ROUNDING = 1e-6  # a frequency is a quotient of counts, and 45 / 50 is not below a threshold of 0.9; folders of old hold it as float32


def l1_path(path: pd.DataFrame, layer: int, stability: pd.DataFrame | None = None) -> Drawing:
    """Accuracy and support against the penalty at one layer; the one-standard-error choice is marked.

    ``stability``, where it was run, adds the middle 95 % of the support over half-samples and the support that permuted labels get.
    """
    path = path.sort_values("strength")
    most, least = percent(path["support"].max()), percent(path["support"].min())
    picked = path[path["chosen"]]
    with style("l1-path"):
        figure, (accuracy, support) = canvas(3.9, rows=2, sharex=True)
        accuracy.fill_between(path["strength"], path["low"], path["high"], color=BLUE, alpha=0.14, lw=0)
        accuracy.plot(path["strength"], path["accuracy"], color=BLUE, marker="o", label="test accuracy")
        accuracy.axhline(float(path["chance"].mean()), color="black", ls=(0, (1, 1.5)), lw=1, label="chance")
        support.plot(path["strength"], path["support"], color=VERMILION, marker="s", label="support")
        if stability is not None:
            halves = stability.sort_values("strength")
            band = (halves["strength"], halves["support_low"], halves["support_high"])
            support.fill_between(*band, color=VERMILION, alpha=0.2, lw=0, label="middle 95 % of half-samples")
            null = halves["permuted_support"]
            support.plot(halves["strength"], null, color=GREY, marker="^", mfc="white", ls=(0, (2, 1.5)), label="permuted labels")
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


def support_by_layer(chosen: pd.DataFrame, stability: pd.DataFrame | None = None) -> Drawing:
    """Support at the one-standard-error choice by layer and token selection; with the middle 95 % of half-samples where these were run."""
    with style("l1-support"):
        figure, (axes,) = canvas(2.9)
        spoken = []
        for (tokens, rows), colour, marker in zip(chosen.groupby("tokens"), (BLUE, VERMILION, GREY), "os^", strict=False):
            rows = rows.sort_values("layer")
            axes.plot(rows["layer"], rows["support"], color=colour, marker=marker, label=f"{tokens} tokens")
            spoken.append(f"{tokens} tokens: {percent(rows['support'].min())} to {percent(rows['support'].max())} of coordinates")
            if stability is None or not (stability["tokens"] == tokens).any():
                continue
            halves = stability[stability["tokens"] == tokens].sort_values("layer")
            band = (halves["layer"], halves["support_low"], halves["support_high"])
            axes.fill_between(*band, color=colour, alpha=0.2, lw=0, label=f"{tokens} tokens, middle 95 % of half-samples")
            stable, null = halves["stable"], halves["permuted_support"]
            axes.plot(halves["layer"], stable, color=colour, marker="D", mfc="white", ls=(0, (6, 2)), label=f"{tokens} tokens, stable")
            axes.plot(
                halves["layer"], null, color=GREY, marker="^", mfc="white", ls=(0, (2, 1.5)), label=f"{tokens} tokens, permuted labels"
            )
            spoken.append(f"stable at {tokens} tokens: {percent(stable.min())} to {percent(stable.max())}")
        layer_axis(axes, sorted({int(layer) for layer in chosen["layer"]}))
        axes.set_ylim(0, 1.03)
        axes.set_ylabel("share of coordinates")
        legend_below(figure, 2)
        return finish(figure, "l1-support", "L1 support by layer at the one-standard-error choice", "; ".join(spoken) + ".")


def selection_frequencies(frequency: pd.Series[float], threshold: float, layer: int) -> Drawing:
    """How often each coordinate is selected in half-samples, sorted: a plateau near 1 with a steep fall means a stable choice."""
    ordered = frequency.sort_values(ascending=False, ignore_index=True)
    stable = int((ordered >= threshold - ROUNDING).sum())
    with style("l1-frequencies"):
        figure, (axes,) = canvas(2.4)
        place = range(1, len(ordered) + 1)
        axes.fill_between(place, ordered, step="mid", color=PALE, lw=0)
        axes.step(place, ordered, where="mid", color=BLUE)
        axes.axhline(threshold, color="black", ls=(0, (6, 2)), lw=1, label=f"threshold {threshold:g}")
        axes.set_xlim(0.5, len(ordered) + 0.5)
        axes.set_ylim(0, 1.03)
        axes.set_xlabel("coordinates, most often selected first")
        axes.set_ylabel("share of half-samples")
        axes.legend(loc="center right")
        spoken = f"At layer {layer}, {stable} of {len(ordered)} coordinates are selected in at least {percent(threshold)} of half-samples, "
        spoken += f"{int((ordered > 0).sum())} in any."
        return finish(figure, "l1-frequencies", "How often each coordinate is selected", spoken)
