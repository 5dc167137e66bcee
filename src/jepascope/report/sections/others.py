"""Section of stage one: other variables of the same run, one line each."""

from __future__ import annotations

import pandas as pd

from jepascope.report.blocks import Block, Grid, Paragraph, Section, not_run
from jepascope.report.folder import RunFolder
from jepascope.report.names import short
from jepascope.report.numbers import ABSENT, Cell, count, count_range, finite, percent, with_interval
from jepascope.report.probe_folder import probed_variables
from jepascope.report.sections.emergence import accuracy_cell, mean_range, selectivity_cell
from jepascope.report.selection import tokens_of
from jepascope.report.selectivity import reading

TITLE = "Other variables"
HEAD = ("variable", "classes", "layer", "accuracy", "chance", "untrained", "selectivity, points", "the value itself")
MOST_OUTPUTS = 4


def others_section(run: RunFolder) -> Section:
    """The study's variable and those that were probed beside it."""
    found, more = probed_variables(run.path)
    if not found:
        return not_run("others", TITLE, "no other variable of this run was probed (jepascope probe RUN --variable V)")
    rows: list[tuple[Cell | str, ...]] = []
    if (own := run.table("probes")) is not None:
        rows.append(_row(run, f"{run.variable} (this study)", own))
    counts: list[float] = []
    for other in found:
        probes = None if other.run is None else other.run.table("probes")
        if other.run is None:
            rows.append((f"{other.name} cannot be read: {other.reason}",))
        elif probes is None:
            rows.append((f"{other.name}: its folder holds no probes; run 'jepascope probe' for it again.",))
        else:
            rows.append(_row(other.run, other.name, probes))
            counts += list(probes["n"])
    caption = (
        f"Each variable at its own best layer, read by a dense probe and, where it has values, by a ridge probe. n = {count_range(counts)} "
        f"test clips; brackets: {run.confidence}, range over seeds (untrained, selectivity). Control: untrained twins, and the control "
        "task that selectivity is measured against. Layers are chosen by cross-validation on fit clips."
    )
    blocks: list[Block] = [Grid(HEAD, tuple(rows), caption)]
    if more:
        blocks.append(Paragraph(f"{more} more probe folders of this run are not shown."))
    return Section("others", TITLE, tuple(blocks))


def _row(run: RunFolder, name: str, probes: pd.DataFrame) -> tuple[Cell | str, ...]:
    model = probes[(probes["encoder"] == "model") & (probes["probe"] == "dense") & probes["chosen"]]
    if model.empty:
        return (f"{name}: no dense probe of the model.",)
    tokens = tokens_of(run, model)
    model = model[model["tokens"] == tokens]
    layers = {int(layer) for layer in model["layer"]}
    ranked = model.sort_values("cv_accuracy", kind="stable", na_position="first")
    layer = run.best_layer if run.best_layer in layers else int(ranked["layer"].iloc[-1])
    at = reading(probes, layer, tokens)
    assert at is not None  # the layer is one of the model's
    classes = run.summary.get("classes")
    return (
        name,
        count(classes if finite(classes) else None),
        f"{layer}, {tokens} tokens",
        accuracy_cell(at),
        percent(at.chance),
        mean_range(at.untrained),
        selectivity_cell(at),
        _value(run, layer, tokens),
    )


def _value(run: RunFolder, layer: int, tokens: str) -> str:
    """Error in degrees, or R^2 of each output, from held-out clips (and arcs)."""
    values = run.table("values")
    if values is None:
        return ABSENT
    same = (values["encoder"] == "model") & (values["layer"] == layer) & (values["tokens"] == tokens)
    said = []
    rows = values[same].to_dict("records")
    for row in rows:
        output, held = short(row["output"], 24), "" if row["held_out"] == "clips" else f", held-out {row['held_out']}"
        if row["probe"] == "circular":
            said.append(f"{output}{held}: {with_interval(row['error'], row['low'], row['high'])}° (chance {row['chance']:g}°)")
        else:
            said.append(f"{output}{held}: R² {with_interval(row['r2'], row['r2_low'], row['r2_high'])}")
    return "; ".join(said[:MOST_OUTPUTS]) + (f"; {len(said) - MOST_OUTPUTS} more" if len(said) > MOST_OUTPUTS else "") or ABSENT
