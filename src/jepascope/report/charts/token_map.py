"""Where in the clip the variable can be read: one map a time step, a cell for each token position."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize

from jepascope.findings.numbers import percent, shown
from jepascope.findings.tokens import bar_of
from jepascope.report.charts.canvas import BLACK, GREY, WIDTH, Drawing, canvas, finish, style

MOST_ACROSS = 8
COLOURS = "cividis_r"  # lightness falls evenly, for every kind of colour vision and in greyscale


def token_map(tokens: pd.DataFrame, layer: int) -> Drawing:
    """Accuracy or R^2 of a reader of each token alone; hatched where it does not exceed what counts (``bar_of``).

    ``tokens`` has t, row, column, accuracy, chance, null and metric, one row a token of one layer.
    """
    times = sorted({int(t) for t in tokens["t"]})
    grid = grids(tokens)
    null, chance = float(tokens["null"].max()), float(tokens["chance"].mean())
    values = tokens["accuracy"]
    say = percent if tokens["metric"].iloc[0] == "accuracy" else shown
    bottom = float(np.nanmin([chance, null, values.min()]))
    top = float(max(values.max(), null, chance, bottom + 1e-6))
    across = min(len(times), MOST_ACROSS if len(times) > 2 * MOST_ACROSS else 4 if len(times) <= 8 else 6)
    down = -(-len(times) // across)
    counts = bar_of(tokens)
    start = counts if np.isfinite(counts) else bottom  # colours begin where a token begins to count
    levels = [(chance, "chance", (0, (1, 1)))] if chance >= null else [(chance, "chance", (0, (1, 1))), (null, "max-null", "-")]
    with style("token-map"):
        side = (WIDTH - 0.9) / across
        tall = min(max(grid.shape[1] / grid.shape[2], 0.4), 1.6)
        figure, panels = canvas(0.35 + down * (side * tall + 0.12), rows=down, columns=across)
        above = []
        for index, axes in enumerate(panels):
            axes.set_xticks([])
            axes.set_yticks([])
            if index >= len(times):
                axes.set_axis_off()
                continue
            cells = grid[index]
            seen = np.where(cells > counts, cells, np.nan) if np.isfinite(counts) else cells
            above.append(int(np.isfinite(seen).sum()))
            axes.patch.set(hatch="//////", edgecolor=GREY, facecolor="white")
            axes.imshow(seen, cmap=COLOURS, vmin=start, vmax=top, aspect="auto")
            axes.spines[:].set_visible(True)
            axes.set_title(f"t = {times[index]} ({above[-1]})", fontsize=8, fontweight="normal", pad=2)
        colours = ScalarMappable(Normalize(bottom, top), _from(start, bottom, top))
        bar = figure.colorbar(colours, ax=panels, shrink=0.9, aspect=30, pad=0.015)
        bar.ax.axhspan(bottom, start, facecolor="white", hatch="//////", edgecolor=GREY, lw=0)
        for level, words, dash in levels:
            if np.isfinite(level):
                bar.ax.axhline(level, color=BLACK, ls=dash, lw=1.6)
                bar.ax.text(-0.25, level, words, ha="right", va="center", fontsize=7, rotation=90, transform=bar.ax.get_yaxis_transform())
        bar.ax.tick_params(labelsize=8)
        best = tokens.iloc[int(values.argmax())] if values.notna().any() else None
        what = "above what counts" if np.isfinite(counts) else "read"
        spoken = f"Layer {layer}. " + "; ".join(f"t {t}: {n} tokens {what}" for t, n in zip(times, above, strict=True))
        if best is not None:
            spoken += f". Best {say(best['accuracy'])} at t {int(best['t'])}, row {int(best['row'])}, column {int(best['column'])}"
        columns = ("t", "row", "column", "accuracy")
        cells = tuple(tuple(map(float, row)) for row in tokens[list(columns)].to_numpy(dtype=float))
        told = f"{spoken}; max-null {say(null)}, chance {say(chance)}."
        return finish(figure, "token-map", "What each token alone tells", told, (columns, *cells))


def _from(start: float, bottom: float, top: float) -> ListedColormap:
    """The colours of a bar from ``bottom`` to ``top`` that are white below ``start``."""
    steps = 256
    empty = min(round(steps * (start - bottom) / (top - bottom)), steps - 1)
    ramp = colormaps[COLOURS](np.linspace(0, 1, steps - empty))
    return ListedColormap(np.vstack([np.ones((empty, 4)), ramp]))


def grids(tokens: pd.DataFrame) -> np.ndarray:
    """(times, rows, columns) of values; NaN where a token was not read."""
    times = {t: index for index, t in enumerate(sorted({int(t) for t in tokens["t"]}))}
    grid = np.full((len(times), int(tokens["row"].max()) + 1, int(tokens["column"].max()) + 1), np.nan)
    places = ([times[int(t)] for t in tokens["t"]], tokens["row"].astype(int), tokens["column"].astype(int))
    grid[places] = tokens["accuracy"]
    return grid
