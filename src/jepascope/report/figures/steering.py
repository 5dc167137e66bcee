"""Steering to an angle: what is decoded when an angle is requested, as compasses side by side."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.numbers import shown
from jepascope.report.figures.canvas import BLACK, BLUE, GREY, VERMILION, Drawing, canvas, finish, style
from jepascope.report.figures.decoded import draw_compass

COLOURS = {"none": BLACK, "steer": BLUE, "rotate": VERMILION, "random": GREY}


def steering(panels: list[list[tuple[str, str, pd.DataFrame]]]) -> Drawing:
    """Rows of panels: title, look (a key of COLOURS), and rows with requested and decoded angles in degrees; empty ones stay blank."""
    across = max(len(row) for row in panels)
    with style("steering"):
        figure, axes = canvas(0.2 + (6.6 / across) * len(panels), rows=len(panels), columns=across)
        spoken = []
        for number, place in enumerate(axes):
            row = panels[number // across]
            title, look, rows = row[number % across] if number % across < len(row) else ("", "", pd.DataFrame())
            if rows.empty:
                place.set_axis_off()
                continue
            means = draw_compass(place, rows["requested"].to_numpy(), rows["decoded"].to_numpy(), COLOURS.get(look, BLUE))
            place.set_title(title, fontsize=9)
            each = ", ".join(f"{shown(at)}° read as {shown(to)}° (length {shown(length, 2)})" for at, to, length in means)
            spoken.append(f"{title}: {each}")
        return finish(figure, "steering", "Requested and decoded angle", "; ".join(spoken) + ".")
