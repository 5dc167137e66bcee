"""How a series looks: colour, marker, dash and hatch together, so that it can be told apart in grey."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from jepascope.report.charts.canvas import BLACK, BLUE, DASHES, GREEN, GREY, MARKERS, ORANGE, PURPLE, SERIES, SKY, VERMILION

Dash = Any  # a line style of matplotlib: '-', '' for none, or (offset, (on, off, ...))
LONG: Dash = (0, (6, 2))
SHORT: Dash = (0, (2, 1.5))
DOTTED: Dash = (0, (1, 1.5))
MIXED: Dash = (0, (6, 2, 1.5, 2))


@dataclass(frozen=True)
class Look:
    """``dash`` '' joins the points by no line, ``marker`` '' leaves them out; ``hatch`` is for bars and bands."""

    color: str = BLACK
    marker: str = ""
    dash: Dash = "-"
    hollow: bool = False
    hatch: str = ""
    width: float = 1.5
    size: float = 4.5

    def line(self) -> dict[str, Any]:
        """What ``Axes.plot`` takes."""
        face = "white" if self.hollow else self.color
        shape = {"marker": self.marker or None, "mfc": face, "ms": self.size, "mew": 0.9}
        return {"color": self.color, "ls": self.dash or "none", "lw": self.width, **shape}

    def points(self, hollow: bool | None = None) -> Look:
        """The same without a line."""
        return replace(self, dash="", hollow=self.hollow if hollow is None else hollow)


CONTROLS = {
    "subspace": Look(BLUE, "o"),
    "random": Look(GREY, "s", SHORT, hollow=True, hatch="///"),
    "variance": Look(ORANGE, "^", LONG, hatch="xxx"),
    "shuffled": Look(SKY, "D", MIXED, hatch="|||"),
    "norm": Look(VERMILION, "v", (0, (8, 3)), hatch="---"),
}
"""The subspace itself and its four controls, in every chart."""

TOKENS = {"all": ("all tokens", Look(BLUE, "o")), "object": ("object tokens", Look(VERMILION, "s"))}
WITHOUT_ENCODER: dict[str, tuple[str, str, Dash]] = {
    "pixels": ("raw pixels", GREY, MIXED),
    "frame_differences": ("frame differences", GREEN, (0, (8, 3))),
}


def numbered(number: int) -> Look:
    """The look of one line among many."""
    return Look(SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)], DASHES[number % len(DASHES)])


COLOURS = (BLUE, VERMILION, GREEN, BLACK, PURPLE)
