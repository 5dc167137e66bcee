"""Cause and isolate as a matrix: rows are edits, columns the variables that are read; each cell the share of the margin lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import ABSENT, MINUS, finite, shown
from jepascope.report.figures.canvas import GREY, VERMILION, Drawing, canvas, finish, style

Panel = tuple[str, list[tuple[str, pd.DataFrame]]]
"""A title, and rows of the matrix: their label and the table's rows, at most one for each variable that is read."""


def isolation_matrix(panels: list[Panel], read: list[str], variable: str) -> Drawing:
    """One panel an edit. Hatched: not readable; '≈ 0': shown equivalent to no effect; framed: the variable that the edit is for."""
    tall = [len(rows) for _, rows in panels]
    with style("isolation"):
        figure, axes = canvas(0.5 + sum(0.42 * many + 0.62 for many in tall), rows=len(panels))
        for place in axes[:1]:  # rows are as tall in one panel as in the other
            place.get_gridspec().set_height_ratios(tall)  # type: ignore[union-attr]
        spoken = []
        for place, (title, rows) in zip(axes, panels, strict=True):
            spoken += _panel(place, rows, read)
            place.set_title(title, fontsize=9)
        axes[-1].set_xlabel("variable that is read")
        return finish(
            figure, "isolation", f"Cause and isolate: edits of {short(variable, LABEL)} and of other variables", "; ".join(spoken) + "."
        )


def _panel(axes: Axes, rows: list[tuple[str, pd.DataFrame]], read: list[str]) -> list[str]:
    grid = np.full((len(rows), len(read)), np.nan)
    spoken = []
    for i, (label, table) in enumerate(rows):
        each = []
        for row in table.to_dict("records"):
            j = read.index(str(row["read"]))
            grid[i, j] = float(row["value"])
            note = "not readable" if not row["readable"] else "equivalent to none" if row["equivalent"] else ""
            each.append(f"{row['read']} {shown(grid[i, j])}{f' ({note})' if note else ''}")
        spoken.append(f"{label}: {', '.join(each)}")
    axes.imshow(np.clip(np.abs(grid), 0, 1), cmap="Greys", vmin=0, vmax=1.15, aspect="auto")
    for i, (_, table) in enumerate(rows):
        for row in table.to_dict("records"):
            _cell(axes, i, read.index(str(row["read"])), row)
    small = len(read) > 6
    axes.set_xticks(range(len(read)), [short(name, 14) for name in read], rotation=25 if small else 0, ha="right" if small else "center")
    axes.set_yticks(range(len(rows)), [short(label, LABEL) for label, _ in rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return spoken


def _cell(axes: Axes, i: int, j: int, row: dict[object, object]) -> None:
    value = float(str(row["value"]))
    text = f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS) if finite(value) else ABSENT
    corner, plain = (j - 0.5, i - 0.5), bool(row["readable"])
    if not plain:
        axes.add_patch(Rectangle(corner, 1, 1, fc="white", ec=GREY, hatch="/////", lw=0))
    elif row["equivalent"]:
        text += "  ≈ 0"
    if row["read"] == row["found_for"]:
        axes.add_patch(Rectangle((j - 0.46, i - 0.44), 0.92, 0.88, fill=False, ec=VERMILION, lw=1.6))
    dark = plain and finite(value) and abs(value) > 0.6
    box = None if plain else {"fc": "white", "ec": "none", "pad": 1.2}
    axes.text(j, i, text, ha="center", va="center", color="white" if dark else "black", fontsize=8, bbox=box)
