"""Section of stage two: CE and its controls at every layer, as a screen."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.names import EDITS, control_name, edit_name, in_order
from jepascope.findings.numbers import count_range, shown
from jepascope.findings.selection import finders_of, of_tokens
from jepascope.intervention.control_words import CONTROLS
from jepascope.report.blocks import Block, Figure, Paragraph, section
from jepascope.report.charts.canvas import Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, layers
from jepascope.report.charts.looks import CONTROLS as LOOKS
from jepascope.report.charts.looks import numbered
from jepascope.report.folder import RunFolder
from jepascope.report.grids import declared, grid, interval, number, words


@section("screen", "Every layer, screened", needs=("screen",), absent="one layer was edited, or the run is older than the screen")
def screen_section(run: RunFolder, table: pd.DataFrame) -> list[Block]:
    """Lines by layer for the first finder, and a table of all; nothing where one layer alone was edited."""
    table = of_tokens(run, table)
    if table["layer"].nunique() < 2:
        return []
    finders, edits = finders_of(run, table), in_order(table["edit"], EDITS)
    own, looked = table[table["finder"] == finders[0]], table[table["screened"]]
    caption = (
        f"{finders[0]}: CE by the edited layer, {' and '.join(map(edit_name, edits))}, n = {count_range(table['n'])} {run.tested}; bars: "
        f"{run.confidence} over {run.units}. The subspace's own CE is exact everywhere. Hollow: the mean of {_draws(looked)} "
        f"draws of a control, adjusted by the first-order effects of many more; filled: of the {_draws(table[~table['screened']])} "
        "of the layer that claims are made for."
    )
    columns = (
        words("finder", lambda row: str(row["finder"])),
        words("control", lambda row: control_name(row["control"])),
        *declared("screen", "layer draws n"),
        interval("CE"),
        number("first order", "first_order"),
        number("correlation", "correlation"),
    )
    rows = grid(table, columns, CAPTION, lambda row: edit_name(row["edit"]), MOST_ROWS, "rows are in screen.parquet")
    return [Figure(_by_layer(run, own, edits), caption), Paragraph(NO_CLAIM), rows]


MOST_ROWS = 120
NO_CLAIM = (
    "A screen says where to look, and makes no claim: a few draws have no place for the subspace among them. Run a layer in full (layers: "
    "all, or some) before anything is said of it."
)
CAPTION = (
    "First order: the mean over many draws of slope times edit, as a share like CE; by itself biased. Correlation: of exact and "
    "first-order effects over the draws of all controls of that layer and edit; below 0.5 the mean is left as it is."
)


def _draws(rows: pd.DataFrame) -> str:
    return count_range(rows[rows["control"] != "subspace"]["draws"]) if len(rows) else shown(None)


def _by_layer(run: RunFolder, own: pd.DataFrame, edits: list[str]) -> Drawing:
    """A panel for each edit: the subspace, and every control."""
    controls = ["subspace", *(name for name in CONTROLS if name in set(own["control"]))]
    panels = []
    for edit in edits:
        rows, series = own[own["edit"] == edit], []
        if rows["layer"].nunique() < 2:
            continue
        for at, control in enumerate(controls):
            name = str(own["finder"].iloc[0]) if control == "subspace" else control_name(control)
            look, part = LOOKS.get(control, numbered(at)), rows[rows["control"] == control]
            shift = 0.05 * (at - (len(controls) - 1) / 2)
            series.append(Series.of(part, "layer", "value", name, look, where="screened", shift=shift))
        panels.append(Panel(series, [Level(0.0, "", "-", width=0.6)], edit_name(edit)))
    return draw("screen", "Causal effect and its controls by layer", panels, layers(own["layer"], "edited at layer"), Axis("CE"))
