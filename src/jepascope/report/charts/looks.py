"""How a series looks: colour, marker, dash and hatch together, so that it can be told apart in grey."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from jepascope.intervention.control_entry import CONTROLS as CATALOG
from jepascope.intervention.control_entry import MATCHED
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


COLOURS_BY_NAME = {"grey": GREY, "orange": ORANGE, "sky": SKY, "vermilion": VERMILION, "purple": PURPLE, "green": GREEN, "black": BLACK}
DASHES_BY_NAME: dict[str, Dash] = {"short": SHORT, "long": LONG, "longer": (0, (8, 3)), "mixed": MIXED, "dotted": DOTTED}


def of_control(name: str) -> Look:
    """As the control declares it; a grey one is hollow."""
    colour, marker, dash, hatch = CATALOG.look_up(name).look
    return Look(COLOURS_BY_NAME[colour], marker, DASHES_BY_NAME[dash], hollow=colour == "grey", hatch=hatch)


CONTROLS = {"subspace": Look(BLUE, "o"), **{name: of_control(name) for name in MATCHED}}
"""The subspace itself and its controls, in every chart."""

TOKENS = {"all": ("all tokens", Look(BLUE, "o")), "object": ("object tokens", Look(VERMILION, "s"))}
WITHOUT_ENCODER: dict[str, tuple[str, str, Dash]] = {
    "pixels": ("raw pixels", GREY, MIXED),
    "frame_differences": ("frame differences", GREEN, (0, (8, 3))),
}


def numbered(number: int) -> Look:
    """The look of one line among many."""
    return Look(SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)], DASHES[number % len(DASHES)])


COLOURS = (BLUE, VERMILION, GREEN, BLACK, PURPLE)
