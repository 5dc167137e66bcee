"""Names of lines at their right ends, in place of a legend: moved apart where they would touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb

from jepascope.report.charts.canvas import GREY

MOST, CONTRAST = 9, 4.5
APART = 0.068  # of a panel's height that a name takes


@dataclass(frozen=True)
class End:
    """Where a line ends, and its name."""

    y: float
    label: str
    color: str


def name_ends(axes: Axes, ends: Sequence[End]) -> bool:
    """Write them right of the panel, each tied to its line; False where there are none, or more than find room."""
    if not 0 < len(ends) <= MOST:
        return False
    low, high = axes.get_ylim()
    places = [(end.y - low) / (high - low) for end in ends]
    for end, at, to in zip(ends, places, moved_apart(places, APART), strict=True):
        axes.plot([1.0, 1.02], [at, to], color=GREY, lw=0.5, transform=axes.transAxes, clip_on=False)
        axes.text(1.025, to, end.label, color=readable(end.color), transform=axes.transAxes, va="center", fontsize=8.5)
    return True


def readable(color: str) -> str:
    """The colour, darkened until text in it stands out from white (contrast 4.5, WCAG 2.2, criterion 1.4.3)."""
    shade = np.array(to_rgb(color))
    while 1.05 / (_luminance(shade) + 0.05) < CONTRAST:
        shade = 0.95 * shade
    red, green, blue = map(float, shade)
    return str(to_hex((red, green, blue)))


def _luminance(shade: np.ndarray) -> float:
    """Relative luminance of sRGB (WCAG 2.2)."""
    linear = np.where(shade <= 0.04045, shade / 12.92, ((shade + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


def moved_apart(places: Sequence[float], least: float) -> list[float]:
    """Places in their order, each at least so far from the next, as near to where they were as that allows: least squares under an order,
    by pooling neighbours that would cross (Barlow et al. 1972, Statistical Inference under Order Restrictions)."""
    order = np.argsort(places, kind="stable")
    steps = least * np.arange(len(order))
    pools: list[tuple[float, int]] = []
    for value in np.asarray(places, dtype=float)[order] - steps:
        pools.append((float(value), 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean, many), (last, count) = pools[-2:]
            pools[-2:] = [((mean * many + last * count) / (many + count), many + count)]
    apart = np.empty(len(order))
    apart[order] = np.concatenate([np.full(many, mean) for mean, many in pools]) + steps
    return [float(place) for place in apart]
