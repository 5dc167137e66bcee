"""Geometry against effect: does a subspace that points elsewhere keep the causal effect? And does the dose decide?"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import finite, shown, with_interval
from jepascope.report.figures.canvas import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    MARKERS,
    PURPLE,
    VERMILION,
    Drawing,
    canvas,
    finish,
    legend_below,
    style,
)
from jepascope.report.figures.pairs import ACROSS, MOST_LINES, look, one_a_finder

FLOORS = (("floor_random", "random subspaces", (0, (2, 3))), ("floor_variance", "variance-matched subspaces", (0, (8, 2, 1, 2))))
MOST_SPOKEN = 24  # transfers that the description of the figure lists
COLOURS = (BLUE, VERMILION, GREEN, BLACK, PURPLE)


def sas_rce(pairs: pd.DataFrame, name: str = "sas-rce") -> Drawing:
    """RCE over SAS, a point for each transfer a -> b, its own floors beside it; chance and ceiling of SAS as lines.

    ``pairs`` has across, a, b, sas, sas_chance, sas_ceiling and the RCE columns of portability.
    """
    with style(name):
        figure, (axes,) = canvas(3.6)
        spoken = []
        for number, (across, rows) in enumerate(pairs.groupby("across", sort=False)):
            colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
            for saturated, part in rows.groupby(rows["saturated"]):
                label = f"across {across}" + (", saturated" if saturated else "")
                axes.vlines(part["sas"], part["low"], part["high"], color=colour, lw=1)
                axes.plot(
                    part["sas"],
                    part["value"],
                    ls="none",
                    marker=marker,
                    ms=6,
                    mec=colour,
                    mfc="white" if saturated else colour,
                    label=label,
                )
            for row in rows.itertuples():
                spoken.append(f"{row.a} used in place of {row.b}: SAS {shown(row.sas)}, RCE {with_interval(row.value, row.low, row.high)}")
        _line(axes.axvline, float(pairs["sas_chance"].mean()), "SAS chance", (0, (1, 1.5)), GREY)
        _line(axes.axvline, float(pairs["sas_ceiling"].mean()), "SAS split-half reference", (0, (6, 2)), GREY)
        _line(axes.axhline, 1.0, "RCE of the native subspace", "-", GREY)
        _floor_marks(axes, pairs)
        axes.set_xlim(0, 1.02)
        axes.set_xlabel("SAS (alignment as geometry)")
        axes.set_ylabel("RCE (effect retained)")
        legend_below(figure, 2)
        if len(spoken) > MOST_SPOKEN:
            spoken = [*spoken[:MOST_SPOKEN], f"{len(spoken) - MOST_SPOKEN} more transfers are in portability.parquet"]
        return finish(figure, name, "Retained causal effect against alignment", "; ".join(spoken) + ".")


def _floor_marks(axes: Axes, pairs: pd.DataFrame) -> None:
    """Each transfer's own floors, a little to the right of its point: they differ too much between transfers for one line."""
    for (column, label, _), (marker, colour, shift) in zip(FLOORS, ((".", GREY, 0.016), ("_", BLACK, 0.008)), strict=True):
        known = pairs[pairs[column].notna() & pairs["sas"].notna()]
        if known.empty:
            continue
        axes.vlines(known["sas"] + shift, known[f"{column}_low"], known[f"{column}_high"], color=colour, lw=0.7, ls=(0, (1, 1)))
        axes.plot(known["sas"] + shift, known[column], ls="none", marker=marker, ms=8, color=colour, label=f"RCE of {label}")


def _line(draw: object, value: float, label: str, dash: object, colour: str) -> None:
    if finite(value) and callable(draw):
        draw(value, color=colour, ls=dash, lw=1.1, label=label, zorder=1)


def dose_sweep(rce: pd.DataFrame, name: str = "rce-dose") -> Drawing:
    """RCE over dose for each transfer; hollow where either effect is saturated and the ratio says nothing.

    More transfers than one panel holds get a panel for each native subspace, in which the lines are those used in its place.
    """
    pairs = list(rce.groupby(["a", "b"], sort=False))
    with style(name):
        if len(pairs) <= MOST_LINES:
            figure, panels = canvas(3.6)
            panels[0].set_xlabel("dose (1 = the edit in full)")
            for number, ((a, b), rows) in enumerate(pairs):
                _transfer(panels[0], rows, number, f"{short(a, LABEL)} for {short(b, LABEL)}")
            _floors(panels[0], rce)
        else:
            used = list(dict.fromkeys([*rce["a"], *rce["b"]]))
            natives = [name for name in used if (rce["b"] == name).any()]
            figure, panels = one_a_finder([f"for {native}" for native in natives], used, "dose")
            for axes, native in zip(panels, natives, strict=False):
                own = rce[rce["b"] == native]
                for a, rows in own.groupby("a", sort=False):
                    _transfer(axes, rows, used.index(a), short(a, LABEL))
                _floors(axes, own)
        for axes in panels[::ACROSS]:
            axes.set_ylabel("RCE (effect retained)" if len(panels) == 1 else "RCE")
        legend_below(figure, 2 if len(panels) == 1 else 3)
        spoken = "; ".join(f"{a} for {b}: {_reach(rows)}" for (a, b), rows in pairs)
        return finish(figure, name, "Retained causal effect over the dose", f"{spoken}. Hollow markers: saturated.")


def _transfer(axes: Axes, rows: pd.DataFrame, number: int, label: str) -> None:
    rows = rows.sort_values("dose")
    drawn, full = look(number), rows["saturated"]
    axes.plot(rows["dose"], rows["value"], label=label, **drawn)
    axes.vlines(rows["dose"], rows["low"], rows["high"], color=drawn["color"], lw=1)
    axes.plot(rows["dose"][full], rows["value"][full], ls="none", marker=drawn["marker"], mec=drawn["color"], mfc="white", zorder=5)


def _reach(rows: pd.DataFrame) -> str:
    clear = rows[~rows["saturated"]]
    return f"{shown(clear['value'].min())} to {shown(clear['value'].max())} where not saturated" if len(clear) else "saturated"


def _floors(axes: Axes, rce: pd.DataFrame) -> None:
    floors = rce.groupby("dose")[["floor_random", "floor_variance"]].mean()
    for column, label, dash in FLOORS:
        if floors[column].notna().any():
            axes.plot(floors.index, floors[column], color=BLACK, ls=dash, lw=1.1, label=label)
    axes.axhline(1, color=GREY, lw=0.9)
