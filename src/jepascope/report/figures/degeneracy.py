"""Two subspaces: what each does when the other one is gone, and what both do together, beside controls that lie outside both."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from jepascope.findings.names import short
from jepascope.findings.numbers import shown, with_interval
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.report.figures.canvas import BLACK, BLUE, GREY, ORANGE, Drawing, canvas, finish, legend_below, style

WIDE = 2  # panels side by side
MOST_LETTERS = 30  # of a name above a panel
LOOKS = {"subspace": (BLUE, "o", 0.0), "random": (GREY, "s", 0.18), "variance": (ORANGE, "^", 0.36)}
PARTS = ("a", "a without b", "b", "b without a", "whole")
LABELS = {"whole": "a and b"}


@dataclass(frozen=True)
class PairParts:
    """The rows of one pair: ``parts`` has the names of PARTS as seen from (a, b), whatever the order in which they were stored."""

    a: str
    b: str
    parts: dict[str, pd.DataFrame]


def pair_parts(table: pd.DataFrame, a: str, b: str) -> PairParts:
    """Parts of a pair from the degeneracy table, which stores "a without b" of either order, and the rest once."""
    forward = table[(table["a"] == a) & (table["b"] == b)]
    back = table[(table["a"] == b) & (table["b"] == a)]
    mirrored = {"a without b": "b without a", "b without a": "a without b", "a": "b", "b": "a", "whole": "whole"}
    found = {}
    for part, other in mirrored.items():
        own, theirs = forward[forward["part"] == part], back[back["part"] == other]
        found[part] = own if len(own) else theirs
    for part, name in (("a", a), ("b", b)):
        if found[part].empty:  # alone, nothing ablated: it may stand without a partner
            found[part] = table[(table["a"] == name) & (table["part"] == "a")].drop_duplicates("control")
    return PairParts(a, b, {part: found[part] for part in PARTS if len(found[part])})


def degeneracy_parts(pairs: list[PairParts], name: str = "degeneracy") -> Drawing:
    """A panel for each pair; CE of the swap from left to right with its interval, controls below it in hollow markers."""
    down = -(-len(pairs) // WIDE)
    with style(name):
        figure, panels = canvas(1.0 + 1.75 * down, rows=down, columns=min(WIDE, len(pairs)), sharex=True)
        spoken = []
        for axes, pair in zip(panels, pairs, strict=False):
            _panel(axes, pair)
            own = {part: rows[rows["control"] == "subspace"] for part, rows in pair.parts.items()}
            said = (
                f"{LABELS.get(part, part)} {with_interval(rows.iloc[0]['value'], rows.iloc[0]['low'], rows.iloc[0]['high'])}"
                for part, rows in own.items()
                if len(rows)
            )
            drawn = pd.concat(pair.parts.values())
            nulls = drawn[drawn["control"] != "subspace"]["value"]
            spoken.append(f"a {pair.a}, b {pair.b}: {', '.join(said)}; controls {shown(nulls.min())} to {shown(nulls.max())}")
        for axes in panels[len(pairs) :]:
            axes.set_axis_off()
        for number, axes in enumerate(panels[: len(pairs)]):
            if number + WIDE >= len(pairs):
                axes.set_xlabel("CE of the swap")
                axes.tick_params(labelbottom=True)
        legend_below(figure, 3)
        return finish(figure, name, "Each subspace with the other one gone", "; ".join(spoken) + ".")


def _panel(axes: Axes, pair: PairParts) -> None:
    parts = list(pair.parts)
    for place, part in enumerate(parts):
        for control, (colour, marker, shift) in LOOKS.items():
            rows = pair.parts[part][pair.parts[part]["control"] == control]
            y = [place + shift] * len(rows)
            face = colour if control == "subspace" else "white"
            axes.hlines(y, rows["low"], rows["high"], color=colour, lw=1.2)
            axes.plot(rows["value"], y, ls="none", marker=marker, mec=colour, mfc=face, label=CONTROL_WORDS[control])
    axes.set_yticks(range(len(parts)), [LABELS.get(part, part) for part in parts])
    axes.set_ylim(len(parts) - 0.4, -0.5)
    axes.axvline(0, color=BLACK, lw=0.7, zorder=0)
    axes.axvline(1, color=GREY, lw=0.8, ls=(0, (1, 1.5)), zorder=0)
    axes.set_title(f"a: {short(pair.a, MOST_LETTERS)}\nb: {short(pair.b, MOST_LETTERS)}", fontsize=8.5)
