"""Section of stage one: reading the value itself, an angle or a number, with a linear reader."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import count_range, shown
from jepascope.findings.selection import claim_layer, tokens_of
from jepascope.findings.values import ERROR, HELD, R2, value_words
from jepascope.report.blocks import Block, Figure, Finding
from jepascope.report.charts import compass
from jepascope.report.charts.canvas import BLUE, GREY, VERMILION, Drawing
from jepascope.report.charts.compass import Compass
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, layers
from jepascope.report.charts.looks import DOTTED, LONG, TOKENS, WITHOUT_ENCODER, Look
from jepascope.report.folder import RunFolder
from jepascope.report.grids import more
from jepascope.report.sections.declared import section
from jepascope.report.sections.value_table import value_grid

FLOOR = -0.5  # an R² far below zero is no reader at all; drawing it would hide the rest
MOST_OUTPUTS = 4  # outputs drawn; a numeric variable of more is read in values.parquet


def _absent(run: RunFolder) -> str:
    return f"no value probes (stage discover; {run.variable} may have classes only)"


@section("value", "Reading the value", needs=("values",), absent=_absent)
def value_section(run: RunFolder, values: pd.DataFrame) -> list[Block]:
    """Error or R^2 by layer, and true against decoded at the layer of the claims."""
    model = values[values["encoder"] == "model"]
    if model.empty:
        return []
    tokens, layer = tokens_of(run, model), claim_layer(run, model)
    outputs = list(dict.fromkeys(model["output"]))
    blocks: list[Block] = []
    for number, output in enumerate(outputs[:MOST_OUTPUTS]):
        rows = values[values["output"] == output]
        circular = bool((rows["probe"] == "circular").any())
        blocks += [Finding(value_words(rows, layer, tokens, output)), *_by_layer(run, rows, output, number, circular)]
        if circular:
            blocks += _compass(run, output, number)
    blocks += _predicted(run, model, outputs)
    return [*blocks, *more(len(outputs), MOST_OUTPUTS, "outputs are in values.parquet")]


def _by_layer(run: RunFolder, rows: pd.DataFrame, output: str, number: int, circular: bool) -> list[Block]:
    unit = str(rows["unit"].iloc[0])
    seeds = rows[rows["encoder"] == "untrained"]["seed"].nunique()
    model = rows[rows["encoder"] == "model"]
    arcs = bool((model["held_out"] == "arcs").any())
    twins = "1 seed, dotted" if seeds == 1 else f"{seeds} seeds, dotted; grey: their range, same clips"
    common = (
        f"n = {count_range(model['n'])} test clips; bands: {run.confidence} over clips{', of held-out arcs over arcs' if arcs else ''}. "
        f"Control: untrained twins ({twins}), raw pixels and frame differences where measured"
    )
    if circular:
        what = (
            f"Mean absolute error in degrees of a ridge probe to the cosine and sine of {output}, by layer; lower is better. {common}, and "
            "the best constant guess."
        )
    else:
        what = f"R² of a ridge probe to {output}{f' ({unit})' if unit else ''}, by layer. {common}; 0 is the mean of the training clips."
        if (model["r2"] < FLOOR).any():
            what += f" The axis ends at {shown(FLOOR)}; lower values are in the table."
    if arcs:
        what += " Dashed, hollow: the arc that holds the clip was left out of the training clips; clips of an arc share one probe."
    return [Figure(_curves(rows, output, f"value-{number}", circular), what), value_grid(run, rows, output, unit, circular)]


def _curves(values: pd.DataFrame, output: str, name: str, circular: bool) -> Drawing:
    """One output by layer: trained, with intervals; untrained twins, the range over seeds; pixels and a constant guess."""
    value, *ends = ERROR if circular else R2
    model, clips = values[values["encoder"] == "model"], values[values["held_out"] == "clips"]
    fresh = clips[clips["encoder"] == "untrained"]
    series = []
    for tokens, (who, look) in TOKENS.items():
        for held, dash in zip(HELD, ("-", LONG), strict=True):
            rows = model[(model["tokens"] == tokens) & (model["held_out"] == held)]
            own = replace(look, dash=dash, hollow=held == "arcs")
            says = "range" if circular else "top"
            if len(rows):
                series.append(Series.of(rows, "layer", value, f"{who}, held-out {held}", own, ends, around="band", says=says))
    for tokens, (who, look) in TOKENS.items():
        if (fresh["tokens"] == tokens).any():
            thin = replace(look, dash=DOTTED, hollow=True, width=1.0, size=3)
            series.append(Series.spread(fresh[fresh["tokens"] == tokens], "layer", value, f"untrained, {who}", thin))
    levels = []
    for encoder, (who, color, dash) in WITHOUT_ENCODER.items():
        known = clips[clips["encoder"] == encoder][value].dropna()
        levels += [Level(float(known.iloc[0]), who, dash, color)] if len(known) else []
    if circular:
        chance, title = float(model["chance"].mean()), f"Error of the decoded {output} by layer"
        most = model[ends[1]].max() if model[ends[1]].notna().any() else chance
        y, level = Axis("error, degrees", limits=(0, 1.05 * max(chance, float(most)))), Level(chance, "best constant guess")
    else:
        least, title = float(np.nanmin([0.0, *values[value], *model[ends[0]]])), f"R² of {output} by layer"
        y, level = Axis("R² on test clips", limits=(max(FLOOR, 1.05 * least), 1.03)), Level(0.0, "mean of the training clips")
    return draw(name, title, [Panel(series, [*levels, level])], layers(model["layer"]), y, legend=2)


def _readings(run: RunFolder) -> pd.DataFrame | None:
    table = run.table("readings")
    if table is None:
        return None
    tokens, layer = tokens_of(run, table), claim_layer(run, table)
    return table[(table["layer"] == layer) & (table["tokens"] == tokens)]


def _compass(run: RunFolder, output: str, number: int) -> list[Block]:
    readings = _readings(run)
    rows = None if readings is None else readings[readings["output"] == output].dropna(subset=["true", "predicted"])
    rows = None if rows is None else rows[rows["held_out"].isin(HELD)]
    if rows is None or rows.empty:
        return []
    layer, tokens = int(rows["layer"].iloc[0]), rows["tokens"].iloc[0]
    each = ", ".join(f"{(rows['held_out'] == kind).sum()} {kind}" for kind in HELD if (rows["held_out"] == kind).any())
    caption = (
        f"Layer {layer}, {tokens} tokens; each point a test clip (n = {each.replace('arcs', 'of held-out arcs')}). Above: decoded over "
        "true angle in degrees; grey lines: read without error. Below: true angles on the ring; each arrow is the mean of the decoded "
        "directions of one true angle (length 1 when all clips agree, no interval), tied by a dotted line to where it belongs. Control: "
        "the error of the best constant guess, in the figure above."
    )
    angles = [(kind, np.degrees(rows[rows["held_out"] == kind][["true", "predicted"]].to_numpy())) for kind in HELD]
    both = [Compass(f"held-out {kind}", at[:, 0], at[:, 1], VERMILION if kind == "arcs" else BLUE, True) for kind, at in angles if len(at)]
    return [Figure(compass.draw(f"compass-{number}", f"True and decoded {output}", [both], f"Layer {layer}"), caption)]


def _predicted(run: RunFolder, model: pd.DataFrame, outputs: list[str]) -> list[Block]:
    readings = _readings(run)
    if readings is None:
        return []
    numeric = model[model["probe"] != "circular"].drop_duplicates("output")
    known = set(readings[readings["held_out"] == "clips"]["output"])
    units = {str(row["output"]): str(row["unit"]) for row in numeric.to_dict("records") if row["output"] in known}
    units = {name: units[name] for name in outputs[:MOST_OUTPUTS] if name in units}
    rows = readings[readings["output"].isin(list(units)) & (readings["held_out"] == "clips")]
    if rows.empty:
        return []
    layer, tokens = int(rows["layer"].iloc[0]), rows["tokens"].iloc[0]
    caption = (
        f"Layer {layer}, {tokens} tokens; each point a test clip (n = {count_range(rows.groupby('output').size())}, single readings, no "
        "interval). Dotted: read without error. Control: the best constant guess would be a horizontal line."
    )
    names = ", ".join(short(name, 24) for name in units)
    panels = []
    for output, unit in units.items():
        own = rows[rows["output"] == output]
        both = own[["true", "predicted"]].to_numpy()
        ends = [np.nanmin(both), np.nanmax(both)] if np.isfinite(both).any() else []
        dots = Series(output, own["true"], own["predicted"], Look(BLUE, "o", "", hollow=True, size=3), says="range")
        axis = Axis(f"true {short(output, LABEL)}{f', {short(unit, LABEL)}' if unit else ''}")
        panels.append(Panel([Series("", ends, ends, Look(GREY, dash=DOTTED, width=1), says=""), dots], x=axis))
    height = 3.2 if len(units) > 1 else 3.8
    drawing = draw("predicted", f"True and predicted {names}", panels, Axis(), Axis("predicted"), MOST_OUTPUTS, height, 0, f"layer {layer}")
    return [Figure(drawing, caption)]
