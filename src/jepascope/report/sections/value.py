"""Section of stage one: reading the value itself, an angle or a number, with a linear reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import ABSENT, Cell, count_range, interval_cell, shown
from jepascope.findings.selection import claim_layer, tokens_of
from jepascope.findings.values import HELD, measures_of, value_words
from jepascope.report.blocks import Block, Figure, Finding, Grid, in_turn, section
from jepascope.report.charts import compass
from jepascope.report.charts.canvas import BLUE, GREY, VERMILION, Drawing
from jepascope.report.charts.compass import Compass
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, layers
from jepascope.report.charts.looks import DOTTED, LONG, TOKENS, WITHOUT_ENCODER, Look
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, grid, more, words
from jepascope.report.sections.emergence import CLAIMED
from jepascope.schema import TABLES

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
    by_output: dict[str, list[Block]] = {}
    for number, output in enumerate(outputs[:MOST_OUTPUTS]):
        rows = values[values["output"] == output]
        circular = bool((rows["probe"] == "circular").any())
        blocks = [Finding(value_words(rows, layer, tokens, output)), *_by_layer(run, rows, output, number, circular)]
        by_output[short(output, LABEL)] = [*blocks, *(_compass(run, output, number) if circular else [])]
    blocks = [*in_turn("output", by_output), *_predicted(run, model, outputs)]
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
    return [Figure(_curves(rows, output, f"value-{number}", circular), what), _grid(run, rows, output, unit, circular)]


def _curves(values: pd.DataFrame, output: str, name: str, circular: bool) -> Drawing:
    """One output by layer: trained, with intervals; untrained twins, the range over seeds; pixels and a constant guess."""
    value, *ends = measures_of(circular)[0]
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


def _grid(run: RunFolder, rows: pd.DataFrame, output: str, unit: str, circular: bool) -> Grid:
    """``rows`` of one output by layer; error alone for angles, R^2 and error for numbers, each beside the untrained twins."""
    model, measures = rows[rows["encoder"] == "model"], measures_of(circular)
    places = [(t, h) for t in ("all", "object") for h in HELD if ((model["tokens"] == t) & (model["held_out"] == h)).any()]
    by = {key: part for key, part in rows.groupby(["layer", "tokens", "held_out", "encoder"])}

    def column(head: str, tokens: str, held: str, encoder: str, say: Callable[[pd.DataFrame], Cell | str]) -> Column:
        def cell(layer: float) -> Cell | str:
            return say(by[layer, tokens, held, encoder]) if (layer, tokens, held, encoder) in by else ABSENT

        return Column(f"{head}, {tokens} tokens, {held}", cell)

    columns, first = [words("layer", run.marked)], measures[0][0]
    for tokens, held in places:
        columns += [column(NAMES[measure[0]], tokens, held, "model", partial(_first, measure)) for measure in measures]
        if held == "clips":
            columns.append(column(f"untrained {NAMES[first]}", tokens, held, "untrained", lambda part: _seeds(part[first])))
    quantity = "error in degrees" if circular else f"R², and mean absolute error{f' in {unit}' if unit else ''}"
    chance, floor = model["chance"].dropna(), model["floor"].dropna().max()
    caption = (
        f"{output}: {quantity}. Brackets: {run.confidence}, over clips (held-out clips) or over arcs (held-out arcs). Untrained: mean, and "
        f"least to most over seeds on the same clips. Error of the best constant guess: {shown(chance.mean()) if len(chance) else ABSENT}. "
        f"{CLAIMED}"
    )
    if floor > 0.005:  # more than rounding
        caption += f" Held-out arcs of a perfect circle: {shown(floor)}°."
    plain = rows[rows["held_out"] == "clips"].drop_duplicates("encoder").set_index("encoder")
    known = [f"{who} {_cell(plain.loc[encoder], measures[0])}" for encoder, (who, *_) in WITHOUT_ENCODER.items() if encoder in plain.index]
    caption += f" Without an encoder: {'; '.join(known)}." if known else ""
    return grid(sorted(set(model["layer"])), columns, caption)


NAMES = {"error": "error", "r2": "R²"}


def _cell(row: Any, measure: tuple[str, str, str]) -> Cell:
    return interval_cell(*(row[name] for name in measure))


def _first(measure: tuple[str, str, str], rows: pd.DataFrame) -> Cell:
    return _cell(rows.iloc[0], measure)


def _seeds(twins: pd.Series[float]) -> str:
    """Untrained twins: a range over seeds is no interval and does not look like one."""
    twins = twins.dropna()
    if twins.empty:
        return ABSENT
    return f"{shown(twins.mean())} ({'1 seed' if len(twins) == 1 else f'{shown(twins.min())} to {shown(twins.max())}'})"


def _readings(run: RunFolder) -> pd.DataFrame:
    """What was read clip by clip, at the layer and tokens of the claims."""
    table = run.table("readings")
    if table is None:
        return pd.DataFrame(columns=TABLES["readings"].names)
    return table[(table["layer"] == claim_layer(run, table)) & (table["tokens"] == tokens_of(run, table))]


def _compass(run: RunFolder, output: str, number: int) -> list[Block]:
    readings = _readings(run)
    rows = readings[(readings["output"] == output) & readings["held_out"].isin(HELD)].dropna(subset=["true", "predicted"])
    if rows.empty:
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
    readings = readings[readings["held_out"] == "clips"]
    numeric = model[(model["probe"] != "circular") & model["output"].isin(readings["output"])].drop_duplicates("output")
    unit_of = dict(zip(numeric["output"], numeric["unit"], strict=True))
    units = {name: unit_of[name] for name in outputs[:MOST_OUTPUTS] if name in unit_of}
    rows = readings[readings["output"].isin(list(units))]
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
