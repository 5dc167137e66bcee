"""True against decoded: every test clip as a point, and for angles a compass of the mean reading of each true value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import shown
from jepascope.report.figures.canvas import BLUE, GREY, PALE, VERMILION, Drawing, canvas, finish, style
from jepascope.report.figures.value_by_layer import HELD

TURN = 360
SPOKES = 16  # true angles are gathered into at most so many directions of the compass
DOT: dict[str, Any] = {"ls": "none", "marker": "o", "ms": 3, "mfc": "none", "mew": 0.6}
LOOK = {"clips": BLUE, "arcs": VERMILION}


def compass(readings: pd.DataFrame, layer: int, name: str, title: str) -> Drawing:
    """Above: decoded over true angle. Below: from each true angle on the ring, an arrow's head at the mean of what is decoded there.

    The arrow from the centre has the length of the mean resultant: 1 when all clips of a true value agree.
    """
    held = [kind for kind in HELD if (readings["held_out"] == kind).any()]
    with style(name):
        figure, panels = canvas(6.0 if len(held) > 1 else 6.4, rows=2, columns=max(len(held), 1))
        spoken = []
        for column, kind in enumerate(held):
            rows = readings[readings["held_out"] == kind]
            true, read = np.degrees(rows["true"].to_numpy()), np.degrees(rows["predicted"].to_numpy())
            _angles(panels[column], true, read, LOOK[kind])
            panels[column].set_title(HELD[kind][0])
            means = draw_compass(panels[len(held) + column], true, read, LOOK[kind])
            spoken.append(
                f"{HELD[kind][0]}: " + ", ".join(f"{shown(at)}° read as {shown(to)}° (length {shown(r, 2)})" for at, to, r in means)
            )
        panels[0].set_ylabel("decoded angle, degrees")
        return finish(figure, name, title, f"Layer {layer}. " + "; ".join(spoken) + ".")


def _angles(axes: Axes, true: np.ndarray, read: np.ndarray, colour: str) -> None:
    """Decoded over true angle, both from 0 to 360 degrees; equal angles lie on the lines."""
    for shift in (-TURN, 0, TURN):
        axes.plot([0, TURN], [shift, TURN + shift], color=PALE, lw=1.2, zorder=1)
    places = np.unique(np.round(true % TURN, 3))
    gap = np.diff([*places, TURN]).min() if len(places) > 1 else TURN
    spread = (np.arange(len(true)) % 9 - 4) / 4 * min(6.0, gap / 4)  # by order, so that equal readings do not hide each other
    axes.plot(true % TURN + spread, read % TURN, color=colour, **DOT)
    axes.set_xlim(-10, TURN + 5)
    axes.set_ylim(-5, TURN + 5)
    axes.set_aspect("equal")
    axes.set_xticks(range(0, TURN + 1, 90))
    axes.set_yticks(range(0, TURN + 1, 90))
    axes.set_xlabel("true angle, degrees")


def mean_angles(true: np.ndarray, read: np.ndarray) -> list[tuple[float, float, float]]:
    """(true angle, circular mean of what is decoded, mean resultant length) for each true angle, in degrees.

    Circular mean and resultant: Mardia & Jupp (2000), Directional Statistics, section 2.2.
    """
    places = np.unique(np.round(true % TURN, 3))
    if len(places) > SPOKES:
        places = np.arange(SPOKES) * TURN / SPOKES
    nearest = np.abs((true[:, None] - places[None] + TURN / 2) % TURN - TURN / 2).argmin(1)
    means = []
    for index, place in enumerate(places):
        vector = np.exp(1j * np.radians(read[nearest == index]))
        if len(vector):
            mean = vector.mean()
            means.append((float(place), float(np.degrees(np.angle(mean)) % TURN), float(abs(mean))))
    return means


def draw_compass(axes: Axes, true: np.ndarray, read: np.ndarray, colour: str) -> list[tuple[float, float, float]]:
    """True angles (degrees) on the ring, each tied to the head of the arrow of what is decoded there; returns ``mean_angles``."""
    means = mean_angles(true, read)
    ring = np.radians(np.arange(TURN + 1))
    axes.plot(np.cos(ring), np.sin(ring), color=GREY, lw=0.8)
    for place, mean, length in means:
        at, to = np.radians(place), np.radians(mean)
        tip = (length * np.cos(to), length * np.sin(to))
        axes.plot([np.cos(at), tip[0]], [np.sin(at), tip[1]], color=GREY, lw=0.8, ls=(0, (1, 1.5)))
        axes.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.2, "shrinkA": 0, "shrinkB": 0})
        axes.plot(np.cos(at), np.sin(at), marker="o", ms=4, mfc="white", mec="black", mew=0.9)
        axes.text(1.17 * np.cos(at), 1.17 * np.sin(at), f"{place:.0f}°", ha="center", va="center", fontsize=8)
    axes.set_xlim(-1.35, 1.35)
    axes.set_ylim(-1.3, 1.3)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return means


def predicted(readings: pd.DataFrame, units: dict[str, str], layer: int, name: str, title: str) -> Drawing:
    """Predicted over true value, a panel for each output of a numeric variable."""
    outputs = list(units)
    with style(name):
        figure, panels = canvas(3.2 if len(outputs) > 1 else 3.8, columns=max(len(outputs), 1))
        spoken = []
        for axes, output in zip(panels, outputs, strict=False):
            rows = readings[(readings["output"] == output) & (readings["held_out"] == "clips")]
            both = rows[["true", "predicted"]].to_numpy()
            if np.isfinite(both).any():
                ends = [float(np.nanmin(both)), float(np.nanmax(both))]
                axes.plot(ends, ends, color=GREY, lw=1, ls=(0, (1, 1.5)))
            axes.plot(rows["true"], rows["predicted"], color=BLUE, **DOT)
            unit = f", {short(units[output], LABEL)}" if units[output] else ""
            axes.set_xlabel(f"true {short(output, LABEL)}{unit}")
            spoken.append(
                f"{output}: {len(rows)} clips, predicted from {shown(rows['predicted'].min())} to {shown(rows['predicted'].max())}"
            )
        panels[0].set_ylabel("predicted")
        return finish(figure, name, title, f"Layer {layer}. " + "; ".join(spoken) + ".")
