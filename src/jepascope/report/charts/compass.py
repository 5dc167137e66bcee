"""Compasses: what is decoded for each angle on the ring, as an arrow to the mean; and decoded angles over true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from jepascope.findings.numbers import shown
from jepascope.report.charts.canvas import BLUE, GREY, PALE, Drawing, canvas, finish, style

TURN = 360
SPOKES = 16  # true angles are gathered into at most so many directions of the compass
MOST_STEP = 9  # points of one angle are set side by side, in so many steps


@dataclass(frozen=True)
class Compass:
    """Angles in degrees, what was decoded for each, and the arrows' colour; ``points``: above it every single one, decoded over true."""

    title: str
    true: np.ndarray
    read: np.ndarray
    color: str = BLUE
    points: bool = False


def draw(name: str, title: str, rows: Sequence[Sequence[Compass | None]], also: str = "") -> Drawing:
    """Compasses in rows; a place of None, or without angles, stays blank."""
    across = max(len(row) for row in rows)
    lines: list[tuple[Sequence[Compass | None], bool]] = []
    for row in rows:
        if any(place is not None and place.points for place in row):
            lines.append((row, True))
        lines.append((row, False))
    with style(name):
        figure, axes = canvas(0.2 + min(6.6 / across, 3.1) * len(lines), len(lines), across)
        spoken = [also] if also else []
        for line, (row, points) in enumerate(lines):
            for place in range(across):
                at, compass = axes[line * across + place], row[place] if place < len(row) else None
                if compass is None or not len(compass.true):
                    at.set_axis_off()
                elif points:
                    _points(at, compass)
                    at.set_title(compass.title)
                    at.set_ylabel("decoded angle, degrees" if place == 0 else "")
                else:
                    means = _arrows(at, compass)
                    if not compass.points:
                        at.set_title(compass.title, fontsize=9)
                    each = ", ".join(f"{shown(true)}° read as {shown(to)}° (length {shown(length, 2)})" for true, to, length in means)
                    spoken.append(f"{compass.title}: {each}")
        compasses = [place for row in rows for place in row if place is not None]
        read = [(one.title, float(true), float(to)) for one in compasses for true, to in zip(one.true, one.read, strict=True)]
        return finish(figure, name, title, "; ".join(spoken) + ".", (("panel", "true angle", "decoded angle"), *read))


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


def _points(axes: Axes, compass: Compass) -> None:
    """Decoded over true angle, both from 0 to 360 degrees; equal angles lie on the lines."""
    for shift in (-TURN, 0, TURN):
        axes.plot([0, TURN], [shift, TURN + shift], color=PALE, lw=1.2, zorder=1)
    places = np.unique(np.round(compass.true % TURN, 3))
    gap = np.diff([*places, TURN]).min() if len(places) > 1 else TURN
    spread = (np.arange(len(compass.true)) % MOST_STEP - 4) / 4 * min(6.0, gap / 4)  # by order: equal readings do not hide each other
    axes.plot(compass.true % TURN + spread, compass.read % TURN, color=compass.color, ls="none", marker="o", ms=3, mfc="none", mew=0.6)
    axes.set_aspect("equal")
    axes.set(xlim=(-10, TURN + 5), ylim=(-5, TURN + 5), xlabel="true angle, degrees")
    axes.set_xticks(range(0, TURN + 1, 90))
    axes.set_yticks(range(0, TURN + 1, 90))


def _arrows(axes: Axes, compass: Compass) -> list[tuple[float, float, float]]:
    """Angles on the ring, each tied to the head of the arrow of what is decoded there, as long as the mean resultant; the means."""
    means = mean_angles(compass.true, compass.read)
    ring = np.radians(np.arange(TURN + 1))
    axes.plot(np.cos(ring), np.sin(ring), color=GREY, lw=0.8)
    for place, mean, length in means:
        at, to = np.radians(place), np.radians(mean)
        tip = (length * np.cos(to), length * np.sin(to))
        axes.plot([np.cos(at), tip[0]], [np.sin(at), tip[1]], color=GREY, lw=0.8, ls=(0, (1, 1.5)))
        axes.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": compass.color, "lw": 1.2, "shrinkA": 0, "shrinkB": 0})
        axes.plot(np.cos(at), np.sin(at), marker="o", ms=4, mfc="white", mec="black", mew=0.9)
        axes.text(1.17 * np.cos(at), 1.17 * np.sin(at), f"{place:.0f}°", ha="center", va="center", fontsize=8)
    axes.set(xlim=(-1.35, 1.35), ylim=(-1.3, 1.3))
    axes.set_aspect("equal")
    axes.set_axis_off()
    return means
