"""Many pairs of finders: a panel for each finder, in which the lines are the others, each with one look in all panels."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jepascope.findings.names import LABEL, short
from jepascope.report.figures.canvas import DASHES, MARKERS, SERIES, canvas

MOST_LINES = 6  # pairs that one panel can hold and a reader still tell apart
ACROSS = 3


def look(number: int) -> dict[str, Any]:
    """Colour, marker and dash of one line."""
    return {"color": SERIES[number % len(SERIES)], "marker": MARKERS[number % len(MARKERS)], "ls": DASHES[number % len(DASHES)]}


def one_a_finder(titles: list[str], lines: list[str], below: str) -> tuple[Figure, list[Axes]]:
    """A panel for each title, in rows of ACROSS with common axes, ``below`` at the lowest; the legend has ``lines`` in their order."""
    down = -(-len(titles) // ACROSS)
    figure, panels = canvas(1.3 + 1.7 * down, rows=down, columns=ACROSS, sharey=True)
    for number, line in enumerate(lines):
        panels[0].plot([], [], label=short(line, LABEL), **look(number))
    for number, axes in enumerate(panels):
        if number >= len(titles):
            axes.set_axis_off()
            continue
        axes.set_title(short(titles[number], LABEL), fontsize=8.5)
        if number + ACROSS >= len(titles):
            axes.set_xlabel(below, fontsize=8.5)
    return figure, panels[: len(titles)]
