"""The predictor's forecasts after an edit: recovery of the twin's future, and which future the forecast is nearer to."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import finite, shown, with_interval
from jepascope.findings.selection import EDIT_WORDS
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.report.figures.canvas import BLACK, BLUE, GREY, ORANGE, SKY, VERMILION, Drawing, canvas, finish, legend_below, style

LOOKS = {
    "subspace": (BLUE, "o", BLUE),
    "random": (BLACK, "s", "white"),
    "variance": (ORANGE, "^", ORANGE),
    "shuffled": (SKY, "D", "white"),
    "norm": (VERMILION, "v", "white"),
}
LINES = {
    "natural": ("the twin's own beginning", (0, (6, 2))),
    "none": ("unedited", "-"),
    "persistence": ("last latents repeated", (0, (1, 1.5))),
}
QUANTITIES = (("recovery", "recovery R"), ("identified", "share identified"))


def forecast_points(rows: pd.DataFrame, references: pd.DataFrame, finders: list[str], edits: list[str]) -> Drawing:
    """One row of panels an edit: recovery on the left, identification on the right, all controls beside the subspace."""
    with style("forecasts"):
        height = 0.9 + len(edits) * (0.55 + 0.42 * len(finders))
        figure, panels = canvas(height, rows=len(edits), columns=len(QUANTITIES), sharey=True)
        spoken = []
        for number, edit in enumerate(edits):
            for column, (quantity, label) in enumerate(QUANTITIES):
                axes = panels[number * len(QUANTITIES) + column]
                spoken += _points(axes, rows[rows["edit"] == edit], finders, quantity, f"{edit}, {label}")
                _lines(axes, references, quantity, edit)
                axes.set_title(EDIT_WORDS.get(edit, edit) if column == 0 else "", fontsize=9)
                axes.set_xlabel(label if number == len(edits) - 1 else "")
                axes.set_yticks(range(len(finders)), [short(finder, LABEL) for finder in finders])
                axes.set_ylim(len(finders) - 0.45, -0.55)
                axes.tick_params(axis="y", length=0)
                if quantity == "identified":
                    axes.set_xlim(-0.02, 1.02)
        natural = references[references["control"] == "natural"]["recovery"]
        if len(natural):
            spoken.append(f"natural recovery {shown(natural.iloc[0])}")
        legend_below(figure, 3)
        return finish(figure, "forecasts", "Forecasts by the encoder's own predictor", "; ".join(spoken) + ".")


def _points(axes: Axes, rows: pd.DataFrame, finders: list[str], quantity: str, name: str) -> list[str]:
    spoken = []
    for place, finder in enumerate(finders):
        for order, (control, (colour, marker, face)) in enumerate(LOOKS.items()):
            found = rows[(rows["finder"] == finder) & (rows["control"] == control)]
            if found.empty or not finite(float(found.iloc[0][quantity])):
                continue
            value, low, high = (float(found.iloc[0][f"{quantity}{end}"]) for end in ("", "_low", "_high"))
            y = place + (order - 2) * 0.15
            axes.plot([low, high], [y, y], color=colour, lw=1.4)
            axes.plot(value, y, color=colour, mfc=face, marker=marker, ls="none", label=CONTROL_WORDS[control])
            if control == "subspace":
                spoken.append(f"{name}, {finder}: {with_interval(value, low, high)}")
    return spoken


def _lines(axes: Axes, references: pd.DataFrame, quantity: str, edit: str) -> None:
    """What the same forecast gives without an edit. An ablation asks for the clip's own future, the others for the twin's."""
    for control, (label, dash) in LINES.items():
        found = references[references["control"] == control]
        value = float(found.iloc[0][quantity]) if len(found) else float("nan")
        if quantity == "identified" and edit == "ablate":
            value = 1 - value if control == "none" else float("nan")
        if finite(value):
            axes.axvline(value, color=GREY, ls=dash, lw=1.1, label=label, zorder=1)
