"""What pictures of clips have in common: pairs of frames on a sheet, and arrows of motion."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARROW = 0.3  # of a frame's side, from its middle each way


def sheet_of_pairs(
    count: int, across: int, cell: tuple[float, float], above: float, between: float
) -> tuple[Figure, list[tuple[Any, Any]]]:
    """A figure and, for each of ``count`` pairs of frames, its two axes. ``cell``: inches of a pair, ``above`` of which are for its title
    in the first row; ``between``: room between rows, as a share of a frame."""
    from matplotlib.figure import Figure

    rows = max(1, math.ceil(count / across))
    figure = Figure(figsize=(across * cell[0], rows * cell[1]), dpi=120)
    grid = figure.subplots(rows, 2 * across, squeeze=False, gridspec_kw={"wspace": 0.04, "hspace": between})
    for axes in grid.flat:
        axes.set_axis_off()
    figure.subplots_adjust(left=0.005, right=0.995, top=1 - above / (rows * cell[1]), bottom=0.005)
    places = (divmod(place, across) for place in range(count))
    return figure, [(grid[row, 2 * column], grid[row, 2 * column + 1]) for row, column in places]


def arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], width: float = 1.4) -> None:
    """White with a black rim, to be seen on any ground; in pixels."""
    from matplotlib.patheffects import withStroke

    look = {"arrowstyle": "-|>", "color": "white", "lw": width, "shrinkA": 0, "shrinkB": 0}
    drawn = axes.annotate("", xy=end, xytext=start, arrowprops=look)
    drawn.arrow_patch.set_path_effects([withStroke(linewidth=width + 1, foreground="black")])


def arrow_through(axes: Any, middle: tuple[float, float], angle: float, side: float) -> None:
    """Through the middle of a frame, along an angle (radians, counter-clockwise from the right)."""
    right, up = ARROW * side * math.cos(angle), ARROW * side * math.sin(angle)
    arrow(axes, (middle[0] - right, middle[1] + up), (middle[0] + right, middle[1] - up))
