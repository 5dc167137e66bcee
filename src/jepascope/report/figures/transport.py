"""A subspace carried into another model: CE there by dose, beside the native one and every floor."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from jepascope.findings.names import short
from jepascope.findings.numbers import shown, with_interval
from jepascope.report.figures.canvas import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILION,
    Drawing,
    canvas,
    finish,
    legend_below,
    style,
)

WIDE = 2
MOST_LETTERS = 34
LOOKS = {
    "native": (BLACK, "D", True),
    "carried": (BLUE, "o", True),
    "shuffled in class": (VERMILION, "s", False),
    "shuffled pairs": (PURPLE, "v", False),
    "random source": (GREEN, "X", False),
    "variance": (ORANGE, "^", False),
    "random": (GREY, "P", False),
}
WORDS = {
    "native": "native in the target",
    "carried": "carried by the map",
    "shuffled in class": "map of pairs shuffled in class",
    "shuffled pairs": "map of shuffled pairs",
    "random source": "random source, same map",
    "variance": "variance-matched in the target",
    "random": "random in the target",
}


def transport_doses(panels: list[tuple[str, str, pd.DataFrame]], name: str, edit: str) -> Drawing:
    """A panel for each (two lines of title, rows of one subspace carried by one map); doses side by side, evenly spaced."""
    across = min(WIDE, len(panels))
    down = -(-len(panels) // across)
    with style(name):
        figure, all_axes = canvas(1.2 + (2.5 if len(panels) == 1 else 2.1) * down, rows=down, columns=across, sharey=True)
        spoken = []
        for axes, (above, below, rows) in zip(all_axes, panels, strict=False):
            spoken += _panel(axes, rows, f"{above}, {below}")
            axes.set_title(f"{short(above, MOST_LETTERS)}\n{short(below, MOST_LETTERS)}", fontsize=8.5)
        for axes in all_axes[len(panels) :]:
            axes.set_axis_off()
        for number, axes in enumerate(all_axes[: len(panels)]):
            if number + across >= len(panels):
                axes.set_xlabel("dose (1 = the edit in full)")
        for axes in all_axes[::across]:
            axes.set_ylabel("CE in the target")
        legend_below(figure, 2)
        return finish(figure, name, f"Causal effect of carried subspaces in the other model ({edit})", "; ".join(spoken) + ".")


def _panel(axes: Axes, rows: pd.DataFrame, title: str) -> list[str]:
    doses = sorted({float(dose) for dose in rows["dose"]})
    spoken = []
    for number, (used, (colour, marker, filled)) in enumerate(LOOKS.items()):
        part = rows[rows["used"] == used].sort_values("dose")
        if part.empty:
            continue
        x = [doses.index(float(dose)) + 0.1 * (number - 3) for dose in part["dose"]]
        axes.vlines(x, part["low"], part["high"], color=colour, lw=1.2)
        face = colour if filled else "white"
        axes.plot(x, part["value"], color=colour, ls="-" if filled else (0, (1, 2)), lw=0.8, marker=marker, mfc=face, label=WORDS[used])
        if used in ("native", "carried"):
            steps = (f"dose {row.dose:g} {with_interval(row.value, row.low, row.high)}" for row in part.itertuples())
            spoken.append(f"{title}, {WORDS[used]}: {', '.join(steps)}")
        else:
            spoken.append(f"{WORDS[used]} {shown(part['value'].min())} to {shown(part['value'].max())}")
    axes.set_xticks(range(len(doses)), [f"{dose:g}" for dose in doses])
    axes.set_xlim(-0.5, len(doses) - 0.5)
    axes.axhline(0, color=BLACK, lw=0.7, zorder=1)
    return spoken
