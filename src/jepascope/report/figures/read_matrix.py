"""Edit layer against read layer: causal effect of one edit as probes at every later layer see it, with a control beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jepascope.findings.numbers import MINUS, shown, with_interval
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.report.figures.canvas import Drawing, canvas, finish, style

MOST_NUMBERED = 9  # layers of a panel whose cells still have room for numbers


def read_matrix(reads: pd.DataFrame, finder: str, edit_words: str) -> Drawing:
    """``reads`` are the rows of one finder, edit and judge; a panel for the subspace and one for its control."""
    kinds = [kind for kind in ("subspace", "random") if (reads["control"] == kind).any()]
    edited, read = sorted({int(layer) for layer in reads["layer"]}), sorted({int(layer) for layer in reads["read_layer"]})
    known = reads["value"].dropna()
    bottom, top = float(min([0.0, *known])), float(max([1.0, *known]))
    with style("read-matrix"):
        figure, panels = canvas(1.15 + min(0.34 * len(edited), 4.2), columns=len(kinds), sharey=True)
        spoken = []
        for axes, kind in zip(panels, kinds, strict=True):
            rows = reads[reads["control"] == kind]
            values = rows.pivot_table(index="layer", columns="read_layer", values="value", aggfunc="first")
            grid = values.reindex(index=edited, columns=read).to_numpy(dtype=float)
            image = axes.imshow(grid, cmap="Greys", vmin=bottom, vmax=top * 1.15, aspect="auto")
            if len(read) <= MOST_NUMBERED:
                _numbers(axes, grid, bottom, top * 1.15)
            axes.set_title(f"{finder}" if kind == "subspace" else CONTROL_WORDS[kind], fontsize=9)
            step = -(-len(read) // 12)
            axes.set_xticks(range(0, len(read), step), [str(layer) for layer in read[::step]])
            axes.set_yticks(range(0, len(edited), -(-len(edited) // 24)), [str(layer) for layer in edited[:: -(-len(edited) // 24)]])
            axes.set_xlabel("read at layer")
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
            last = rows[rows["read_layer"] == read[-1]].sort_values("layer")
            each = (f"edited at {int(row.layer)} {with_interval(row.value, row.low, row.high)}" for row in last.itertuples())  # type: ignore[arg-type]
            spoken.append(f"{CONTROL_WORDS[kind]}, read at layer {read[-1]}: {', '.join(each)}")
        panels[0].set_ylabel("edited at layer")
        if len(read) > MOST_NUMBERED:
            figure.colorbar(image, ax=panels, shrink=0.8, aspect=30, pad=0.015, label="causal effect")
        return finish(
            figure,
            "read-matrix",
            f"Causal effect of {edit_words} by edit layer and read layer",
            f"{'; '.join(spoken)}. Least {shown(float(known.min()) if len(known) else None)}.",
        )


def _numbers(axes: object, grid: np.ndarray, low: float, high: float) -> None:
    for (row, column), value in np.ndenumerate(grid):
        if np.isfinite(value):
            text = f"{round(float(value), 2) + 0.0:.2f}".replace("-", MINUS)
            dark = (value - low) / (high - low) > 0.55
            axes.text(column, row, text, ha="center", va="center", color="white" if dark else "black", fontsize=7.5)  # type: ignore[attr-defined]
