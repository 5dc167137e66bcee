"""Section of stage one: reading the value itself, an angle or a number, with a linear reader."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.circle import Error, HeldArcs, circle_words
from jepascope.findings.names import short
from jepascope.findings.numbers import count_range, finite, shown, span, with_interval
from jepascope.findings.selection import claim_layer, tokens_of
from jepascope.report.blocks import Block, Figure, Finding, Paragraph, Section, not_run
from jepascope.report.figures.decoded import compass, predicted
from jepascope.report.figures.value_by_layer import FLOOR, value_by_layer
from jepascope.report.folder import RunFolder
from jepascope.report.sections.value_table import ERROR, HELD, R2, value_grid

MOST_OUTPUTS = 4  # outputs drawn; a numeric variable of more is read in values.parquet


def value_section(run: RunFolder) -> Section:
    """Error or R^2 by layer, and true against decoded at the layer of the claims."""
    title, values = "Reading the value", run.table("values")
    model = None if values is None else values[values["encoder"] == "model"]
    if values is None or model is None or model.empty:
        return not_run("value", title, f"no value probes (stage discover; {run.variable} may have classes only)")
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
    if len(outputs) > MOST_OUTPUTS:
        blocks.append(Paragraph(f"{len(outputs) - MOST_OUTPUTS} more outputs are in values.parquet."))
    return Section("value", title, tuple(blocks))


def value_words(values: pd.DataFrame, layer: int, tokens: str, output: str) -> str:
    """What the value probes of one output say at one layer."""
    at = values[(values["encoder"] == "model") & (values["layer"] == layer) & (values["tokens"] == tokens)]
    clips, arcs = (at[at["held_out"] == kind] for kind in HELD)
    where = f"At layer {layer} ({tokens} tokens)"
    if clips.empty:
        return f"{where} {output} was not read from held-out clips."
    row = clips.iloc[0]
    error = _error(row, ERROR)
    if row["probe"] == "circular":
        held = None if arcs.empty else _held_arcs(arcs.iloc[0])
        return f"{where}, {output}: {circle_words(error, held, float(row['chance']))}"
    low, high = float(row["r2_low"]), float(row["r2_high"])
    # each measure has its own best constant, so that neither alone says that a constant would do better
    worse = high < 0 and error.beside(float(row["chance"])) == "worse"
    if not (finite(low) and finite(high)):
        said = f"{where}, {output}: R² {shown(row['r2'])}, without an interval"
    elif low > 0:
        said = f"{where} a linear reader reads {output}: R² {with_interval(row['r2'], low, high)}"
    else:
        word = "is worse at" if worse else "is not told apart from the best constant guess at"
        said = f"{where} a linear reader {word} {output}{' than the best constant guess' if worse else ''}: R² "
        said += with_interval(row["r2"], low, high)
    size = with_interval(error.value, error.low, error.high) + (f" {row['unit']}" if row["unit"] else "")
    return f"{said}, mean absolute error {size} where the best constant guess has {shown(row['chance'])}{_over_untrained(values, row)}."


def _error(row: pd.Series[float], names: tuple[str, str, str]) -> Error:
    return Error(*(float(row[name]) for name in names))


def _held_arcs(row: pd.Series[float]) -> HeldArcs:
    return HeldArcs(_error(row, ERROR), _error(row, ("gap", "gap_low", "gap_high")), float(row["floor"]), float(row["p_order"]))


def _over_untrained(values: pd.DataFrame, row: pd.Series[float]) -> str:
    """Beside every twin's own interval, not its bare value."""
    same = (values["layer"] == row["layer"]) & (values["tokens"] == row["tokens"]) & (values["held_out"] == "clips")
    fresh = values[same & (values["encoder"] == "untrained")].dropna(subset=list(R2))
    if fresh.empty or not finite(float(row["r2_low"])):
        return ""
    least, most = float(fresh["r2_low"].min()), float(fresh["r2_high"].max())
    word = "more than" if row["r2_low"] > most else "less than" if row["r2_high"] < least else "not told apart from"
    if len(fresh) == 1:
        twin = f"the one untrained twin of the same architecture reads (R² {with_interval(*(fresh.iloc[0][name] for name in R2))})"
        return f"; {word} {twin}"
    values_of = f"{shown(fresh['r2'].min())} to {shown(fresh['r2'].max())} over {len(fresh)} seed{'' if len(fresh) == 1 else 's'}"
    return (
        f"; {word} untrained twins of the same architecture read (R² {values_of} on the same clips, their intervals within "
        f"{span(least, most)})"
    )


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
        label, name, title = "error, degrees", f"value-{number}", f"Error of the decoded {output} by layer"
    else:
        what = f"R² of a ridge probe to {output}{f' ({unit})' if unit else ''}, by layer. {common}; 0 is the mean of the training clips."
        if (model["r2"] < FLOOR).any():
            what += f" The axis ends at {shown(FLOOR)}; lower values are in the table."
        label, name, title = "R² on test clips", f"value-{number}", f"R² of {output} by layer"
    if arcs:
        what += " Dashed, hollow: the arc that holds the clip was left out of the training clips; clips of an arc share one probe."
    metric = "error" if circular else "r2"
    return [Figure(value_by_layer(rows, metric, label, name, title), what), value_grid(run, rows, output, unit, circular)]


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
    return [Figure(compass(rows, layer, f"compass-{number}", f"True and decoded {output}"), caption)]


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
    return [Figure(predicted(rows, units, layer, "predicted", f"True and predicted {names}"), caption)]
