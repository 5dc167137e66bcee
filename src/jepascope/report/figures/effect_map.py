"""Where an ablation bites: causal effect by layer and finder."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jepascope.findings.numbers import ABSENT, MINUS, finite, shown
from jepascope.report.figures.canvas import Drawing, canvas, finish, style


def effect_map(ce: pd.DataFrame, finders: list[str], best_layer: int | None) -> Drawing:
    """A map of CE (ablate) with the number in every cell; layers from left to right, the best layer marked."""
    grid = ce.pivot_table(index="finder", columns="layer", values="value", aggfunc="first", dropna=False).reindex(finders)
    layers = [int(layer) for layer in grid.columns]
    values = grid.to_numpy(dtype=float)
    known = values[np.isfinite(values)]
    bottom, top = float(min([0.0, *known])), float(max([1.0, *known]))
    with style("effect-map"):
        figure, (axes,) = canvas(1.15 + 0.42 * len(finders))
        image = axes.imshow(values, cmap="Greys", vmin=bottom, vmax=top * 1.15, aspect="auto")
        low, high = image.get_clim()
        small = 8.5 if len(layers) <= 14 else 6
        for (row, column), value in np.ndenumerate(values):
            cell = f"{round(float(value), 2) + 0.0:.2f}".replace("-", MINUS) if finite(float(value)) else ABSENT
            dark = finite(float(value)) and (value - low) / (high - low) > 0.55
            axes.text(column, row, cell, ha="center", va="center", color="white" if dark else "black", fontsize=small)
        axes.set_xticks(range(len(layers)), [f"{layer}*" if layer == best_layer else str(layer) for layer in layers])
        axes.set_yticks(range(len(finders)), finders)
        axes.set_xlabel("layer (* where claims are made)")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        spoken = []
        for name, row in zip(finders, values, strict=True):
            if np.isfinite(row).any():
                at = int(np.nanargmax(row))
                spoken.append(f"{name}: largest {shown(float(row[at]))} at layer {layers[at]}")
        return finish(figure, "effect-map", "Causal effect of ablation by layer and finder", "; ".join(spoken) + ".")
