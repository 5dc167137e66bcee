"""Two models layer by layer: linear CKA, with the layer pairs that subspaces were carried between."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import finite, shown
from jepascope.report.figures.canvas import BLACK, BLUE, VERMILION, Drawing, canvas, finish, legend_below, style

MOST_NUMBERED = 13  # layers of either model up to which every cell has room for its number
CHOICES = {"relative depth": "-", "best match": (0, (3, 1.5)), "both": "-"}


def cka_map(cka: pd.DataFrame, pairs: pd.DataFrame, name: str) -> Drawing:
    """``cka``: the rows of one pair of models. ``pairs``: source, target, source_layer, target_layer, choice, of either direction."""
    source, target = str(cka["source"].iloc[0]), str(cka["target"].iloc[0])
    grid = cka.pivot_table(index="source_layer", columns="target_layer", values="value", aggfunc="first", dropna=False)
    down, across = [int(layer) for layer in grid.index], [int(layer) for layer in grid.columns]
    values = grid.to_numpy(dtype=float)
    with style(name):
        figure, (axes,) = canvas(1.5 + min(0.3 * len(down), 4.5))
        image = axes.imshow(values, cmap="Greys", vmin=0, vmax=1.15, aspect="auto")
        if max(len(down), len(across)) <= MOST_NUMBERED:
            for (i, j), value in np.ndenumerate(values):
                text = shown(round(float(value), 2), 2) if finite(float(value)) else ""
                axes.text(j, i, text, ha="center", va="center", color="white" if value > 0.62 else "black", fontsize=7)
        else:
            figure.colorbar(image, ax=axes, shrink=0.8, aspect=30, pad=0.015, label="CKA")
        axes.plot(
            [0, len(across) - 1], [0, len(down) - 1], color=VERMILION, ls=(0, (1, 2)), lw=1.6, label="same relative depth", scalex=False
        )
        spoken = _marks(axes, pairs, source, target, down, across)
        for ticks, layers in ((axes.set_xticks, across), (axes.set_yticks, down)):
            step = -(-len(layers) // 14)
            ticks(range(0, len(layers), step), [str(layer) for layer in layers[::step]])
        axes.set_xlabel(f"layer of {short(target, LABEL)}")
        axes.set_ylabel(f"layer of {short(source, LABEL)}")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlim(-0.5, len(across) - 0.5)
        axes.set_ylim(len(down) - 0.5, -0.5)
        legend_below(figure, 2)
        known = values[np.isfinite(values)]
        reach = f"CKA {shown(float(known.min()))} to {shown(float(known.max()))} over all layer pairs" if len(known) else "no CKA"
        title = f"CKA between {short(source, LABEL)} and {short(target, LABEL)}, layer by layer"
        return finish(figure, name, title, "; ".join([reach, *spoken]) + ".")


def _marks(axes: Axes, pairs: pd.DataFrame, source: str, target: str, down: list[int], across: list[int]) -> list[str]:
    """A frame around each chosen pair: wide for source to target, narrow for the way back."""
    spoken = []
    for row in pairs.to_dict("records"):
        there = row["source"] == source and row["target"] == target
        one, other, choice = int(row["source_layer"]), int(row["target_layer"]), str(row["choice"])
        i, j = (one, other) if there else (other, one)
        if i not in down or j not in across or {row["source"], row["target"]} != {source, target}:
            continue
        inset = 0.04 if there else 0.13
        corner = (across.index(j) - 0.5 + inset, down.index(i) - 0.5 + inset)
        label = f"{choice or 'chosen'}, {'to' if there else 'from'} {short(target, LABEL)}"
        look = {"ec": BLUE if there else BLACK, "ls": CHOICES.get(choice, (0, (1, 1))), "lw": 2.2 if there else 1.6}
        axes.add_patch(Rectangle(corner, 1 - 2 * inset, 1 - 2 * inset, fill=False, zorder=4, label=label, **look))  # type: ignore[arg-type]
        spoken.append(f"{row['source']} layer {one} to {row['target']} layer {other} chosen ({choice})")
    return spoken
