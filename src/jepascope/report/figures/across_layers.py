"""SAS and RCE against the layer where a subspace was found."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import finite, shown, with_interval
from jepascope.report.figures.canvas import BLACK, GREY, Drawing, canvas, finish, layer_axis, legend_below, style
from jepascope.report.figures.pairs import look


def by_layer_found(sas: pd.DataFrame, moved: pd.DataFrame, name: str = "across-layers") -> Drawing:
    """``sas`` and ``moved`` (RCE, one dose each) have finder and found_at beside their columns; a line for each finder."""
    finders = list(dict.fromkeys([*sas["finder"], *moved["finder"]]))
    layers = sorted({int(layer) for rows in (sas, moved) for layer in [*rows["found_at"], *rows["layer"]]})
    used = sorted({int(layer) for rows in (sas, moved) for layer in rows["layer"]})
    spoken: list[str] = []
    with style(name):
        figure, (left, right) = canvas(3.2, columns=2)
        for number, finder in enumerate(finders):
            shift = 0.06 * (number - (len(finders) - 1) / 2)
            own = sas[sas["finder"] == finder].sort_values("found_at")
            for part in _sides(own):
                left.plot(part["found_at"] + shift, part["value"], label=short(finder, LABEL), **look(number))
            kept = moved[moved["finder"] == finder].sort_values("found_at")
            _retained(right, kept, shift, number, finder)
            parts = [f"SAS {shown(row.value)} from layer {int(row.found_at)}" for row in own.itertuples()]
            parts += [f"RCE {with_interval(row.value, row.low, row.high)} from layer {int(row.found_at)}" for row in kept.itertuples()]
            spoken.append(f"{finder}: {', '.join(parts)}")
        if len(sas):
            _level(left, sas["chance"].mean(), (0, (1, 1.5)), GREY, "SAS chance")
            _level(left, sas["ceiling"].mean(), (0, (6, 2)), GREY, "SAS split-half")
        if len(moved):
            _level(right, 1.0, "-", GREY, "RCE of the native subspace")
            _level(right, moved["floor_random"].mean(), (0, (2, 3)), BLACK, "RCE, random")
            _level(right, moved["floor_variance"].mean(), (0, (8, 2, 1, 2)), BLACK, "RCE, variance-matched")
        for axes, title in ((left, "SAS (alignment)"), (right, "RCE (effect retained)")):
            layer_axis(axes, layers)
            axes.set_xlabel("found at layer")
            axes.set_ylabel(title)
            for layer in used:
                axes.axvline(layer, color=BLACK, lw=0.8, zorder=0)
                axes.plot([layer], [1], ls="none", marker="*", ms=9, color=BLACK, label="itself (1 by definition)")
        if not moved["value"].notna().any():
            right.text(0.25, 0.5, "no ratio", transform=right.transAxes, ha="center", va="center")
        right.set_xlim(left.get_xlim() if len(sas) else right.get_xlim())
        left.set_ylim(0, 1.05)
        right.set_ylim(bottom=min(0.0, right.get_ylim()[0]))
        legend_below(figure, 3)
        return finish(figure, name, "Alignment and retained effect by the layer where a subspace was found", "; ".join(spoken) + ".")


def _retained(axes: Axes, rows: pd.DataFrame, shift: float, number: int, finder: str) -> None:
    drawn = look(number)
    axes.vlines(rows["found_at"] + shift, rows["low"], rows["high"], color=drawn["color"], lw=1)
    for part in _sides(rows):
        axes.plot(part["found_at"] + shift, part["value"], label=short(finder, LABEL), **drawn)
    full = rows[rows["saturated"]]
    axes.plot(full["found_at"] + shift, full["value"], ls="none", marker=drawn["marker"], mec=drawn["color"], mfc="white", zorder=5)


def _sides(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Layers before and after the one where the subspaces are used: no line leads across it, where the value is 1 by definition."""
    sides = (rows[rows["found_at"] < rows["layer"]], rows[rows["found_at"] > rows["layer"]])
    return [part for part in sides if len(part)]


def _level(axes: Axes, value: float, dash: object, colour: str, label: str) -> None:
    if finite(float(value)):
        axes.axhline(value, color=colour, ls=dash, lw=1.1, label=label, zorder=1)
