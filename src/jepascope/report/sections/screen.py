"""Section of stage two: CE and its controls at every layer, as a screen."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.names import EDITS, control_name, edit_name, in_order
from jepascope.findings.numbers import count_range, shown
from jepascope.findings.selection import finders_of, of_tokens
from jepascope.intervention.control_words import CONTROLS
from jepascope.report.blocks import Block, Figure, Grid, Paragraph, section
from jepascope.report.charts.canvas import Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, layers
from jepascope.report.charts.looks import CONTROLS as LOOKS
from jepascope.report.charts.looks import numbered
from jepascope.report.folder import RunFolder
from jepascope.report.grids import grid, some_of, spread, within, words
from jepascope.stats import MIN_CORRELATION


@section("screen", "Every layer, screened", needs=("screen",), absent="one layer was edited, or the run is older than the screen")
def screen_section(run: RunFolder, table: pd.DataFrame) -> list[Block]:
    """Lines by layer for the first finder, and a table of all; nothing where one layer alone was edited."""
    table = of_tokens(run, table)
    table = table[table.groupby("edit")["layer"].transform("nunique") > 1]
    if table.empty:
        return []
    finders, edits = finders_of(run, table), in_order(table["edit"], EDITS)
    own = table[table["finder"] == finders[0]]
    caption = (
        f"{finders[0]}: CE by the edited layer, {' and '.join(map(edit_name, edits))}, n = {count_range(table['n'])} {run.tested}; bars: "
        f"{run.confidence} over {run.units}. The subspace's own CE is exact everywhere. A control: the mean of its draws, adjusted by the "
        f"first-order effects of many more. {_draws(table)}."
    )
    return [Figure(_by_layer(run, own, edits), caption), Paragraph(NO_CLAIM), _grid(run, table, edits)]


MOST_COLUMNS = 6  # layers in the table
NO_CLAIM = (
    "A screen says where to look, and makes no claim: a few draws have no place for the subspace among them. Run a layer in full (layers: "
    "all, or some) before anything is said of it."
)
ADJUSTED = (
    "r: correlation of exact and first-order effects over the draws of all controls of that layer and edit, below "
    f"{MIN_CORRELATION:g} of which means are left as they are. All layers, and first-order effects by themselves, are in screen.parquet."
)


def _grid(run: RunFolder, table: pd.DataFrame, edits: list[str]) -> Grid:
    """A column for each layer, or for some of them."""
    layers_shown = some_of(sorted({int(layer) for layer in table["layer"]}), MOST_COLUMNS)
    finders, order = finders_of(run, table), ["subspace", *CONTROLS]
    rows = spread(table, ["edit", "finder", "control"], "layer")
    rows.sort(key=lambda row: (edits.index(row["edit"]), finders.index(row["finder"]), place_in(order, row["control"])))
    followed = table.dropna(subset=["correlation"]).drop_duplicates(["edit", "layer"]).set_index(["edit", "layer"])["correlation"]

    def group(row: dict[object, object]) -> str:
        edit = str(row["edit"])
        known = [f"{shown(followed[edit, layer], 2)} at layer {layer}" for layer in layers_shown if (edit, layer) in followed.index]
        return f"{edit_name(edit)}; r {', '.join(known)}" if known else edit_name(edit)

    columns = (
        words(
            "edited", lambda row: str(row["finder"]) if row["control"] == "subspace" else f"{row['finder']}: {control_name(row['control'])}"
        ),
        *(within(f"layer {layer}", layer) for layer in layers_shown),
    )
    caption = f"CE, n = {count_range(table['n'])} {run.tested}. Brackets: {run.confidence} over {run.units}. {ADJUSTED}"
    return grid(rows, columns, caption, group)


def place_in(order: list[str], name: object) -> int:
    """Where a control stands; those on request come last."""
    return order.index(str(name)) if name in order else len(order)


def _draws(table: pd.DataFrame) -> str:
    """How many there are where a layer was screened, and where it was run in full."""
    controls = table[table["control"] != "subspace"]
    kinds = (("Hollow", controls[controls["screened"]]), ("filled", controls[~controls["screened"]]))
    return "; ".join(f"{name}: {count_range(rows['draws'])} draws" for name, rows in kinds if len(rows))


def _by_layer(run: RunFolder, own: pd.DataFrame, edits: list[str]) -> Drawing:
    """A panel for each edit: the subspace, and every control."""
    controls = ["subspace", *(name for name in CONTROLS if name in set(own["control"]))]
    panels = []
    for edit in edits:
        rows, series = own[own["edit"] == edit], []
        for at, control in enumerate(controls):
            name = str(own["finder"].iloc[0]) if control == "subspace" else control_name(control)
            look, part = LOOKS.get(control, numbered(at)), rows[rows["control"] == control]
            shift = 0.05 * (at - (len(controls) - 1) / 2)
            series.append(Series.of(part, "layer", "value", name, look, where="screened", shift=shift))
        panels.append(Panel(series, [Level(0.0, "", "-", width=0.6)], edit_name(edit)))
    return draw("screen", "Causal effect and its controls by layer", panels, layers(own["layer"], "edited at layer"), Axis("CE"))
