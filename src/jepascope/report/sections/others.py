"""Section of stage one: other variables of the same run, one line each."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.discovery.probes.readings import chosen_probes
from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import ABSENT, count, count_range, interval_cell, percent, share_words, shown, span
from jepascope.findings.selection import tokens_of
from jepascope.findings.selectivity import Reading, reading
from jepascope.findings.values import measures_of
from jepascope.report.blocks import Block, Paragraph, section
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, grid, words
from jepascope.report.inside import PROBED, Inside
from jepascope.report.sections.emergence import accuracy_cell, mean_range, selectivity_cell

MOST_OUTPUTS = 8


@section("others", "Other variables", absent="no other variable of this run was probed (jepascope probe RUN --variable V)")
def others_section(run: RunFolder) -> list[Block]:
    """The study's variable and those that were probed beside it: as classes, and as values where they have any."""
    probed = PROBED.read(run.path)
    if not probed:
        return []
    named = {f"{run.variable} (this study)": run, **{_name(other): other for other in probed if not other.reason}}
    rows = [(name, folder, _read(folder)) for name, folder in named.items()]
    bad = [f"{_name(other)} cannot be read: {other.reason}" for other in probed if other.reason]
    counts = [table["n"] for folder in named.values() if (table := folder.table("probes")) is not None]
    caption = (
        "Each variable read by a dense probe at the earliest inner layer within one standard error of the best inner one, "
        "cross-validated on fit clips (layers 0 and L are no candidates; for the study's own variable the layer that its spec names, "
        f"where it does). n = {count_range(pd.concat(counts)) if counts else ABSENT} test clips; brackets: {run.confidence} over clips "
        "(accuracy, selectivity), range over seeds only, same clips (untrained). Control: untrained twins, and the control task that "
        "selectivity is measured against."
    )
    columns = (
        words("variable", lambda row: row[0]),
        Column("classes", lambda row: count(row[1].summary.get("classes"))),
        Column("layer", lambda row: count(row[2][0])),
        Column("tokens", lambda row: row[2][1]),
        Column("accuracy", lambda row: accuracy_cell(row[2][2])),
        Column("chance", lambda row: percent(row[2][2].chance)),
        Column("untrained", lambda row: mean_range(row[2][2].untrained)),
        Column("selectivity, points", lambda row: selectivity_cell(row[2][2])),
    )
    none = "{}: no dense probe of the model in {}; run 'jepascope probe' for it again."
    told = [row if row[2] is not None else none.format(row[0], row[1].path.name) for row in rows]
    blocks: list[Block] = [grid([*told, *bad], columns, caption)]
    better = [text for name, folder, read in rows if read is not None and (text := _better(name, folder, *read))]
    blocks += [Paragraph(" ".join(better))] if better else []
    values = [value for name, folder, read in rows if read is not None for value in _values(name, folder, *read[:2])]
    return [*blocks, *([_values_grid(run, values)] if values else []), *PROBED.left_out(run.path)]


def _name(other: Inside) -> str:
    return short(other.summary.get("variable", other.name.removeprefix(PROBED.prefix)))


def _read(run: RunFolder) -> tuple[int, str, Reading] | None:
    """Layer, tokens and reading of a variable's row: its best layer, or that of the highest cross-validated accuracy."""
    probes = run.table("probes")
    model = None if probes is None else chosen_probes(probes, encoder="model")
    if probes is None or model is None or model.empty:
        return None
    tokens = tokens_of(run, model)
    model = _by_validation(model[model["tokens"] == tokens])
    layer = run.best_layer if run.best_layer in {int(at) for at in model["layer"]} else int(model["layer"].iloc[-1])
    assert layer is not None  # it is one of the table's
    read = reading(probes, layer, tokens)
    return None if read is None else (layer, tokens, read)


def _by_validation(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("cv_accuracy", kind="stable", na_position="first")


def _better(name: str, run: RunFolder, layer: int, tokens: str, read: Reading) -> str:
    """The layer of all, first and last included, that cross-validation puts first, where its test accuracy lies above the interval."""
    probes = run.table("probes")
    assert probes is not None  # they were just read
    top = _by_validation(chosen_probes(probes, encoder="model", tokens=tokens)).iloc[-1]
    if not top["accuracy"] > read.high:
        return ""
    return (
        f"{name}: the best of all layers by cross-validation, layer {count(top['layer'])}, reads "
        f"{share_words(top['accuracy'], top['low'], top['high'])}, more than layer {layer} of the table."
    )


def _values(name: str, run: RunFolder, layer: int, tokens: str) -> list[dict[Any, Any]]:
    """Error in degrees, or R^2, of every output at the variable's layer."""
    values = run.table("values")
    if values is None:
        return []
    at = values[(values["layer"] == layer) & (values["tokens"] == tokens)]
    rows: list[dict[Any, Any]] = []
    for row in at[at["encoder"] == "model"].head(MOST_OUTPUTS).to_dict("records"):
        same = (at["encoder"] == "untrained") & (at["output"] == row["output"]) & (at["held_out"] == row["held_out"])
        circular = row["probe"] == "circular"
        rows.append({"variable": name, "circular": circular, "untrained": at[same][measures_of(circular)[0][0]].dropna(), **row})
    return rows


def _values_grid(run: RunFolder, values: list[dict[Any, Any]]) -> Block:
    columns = (
        words("variable", lambda row: row["variable"]),
        words("what is read", lambda row: short(row["output"], LABEL)),
        words("held out", lambda row: str(row["held_out"])),
        words("measure", lambda row: "error, degrees" if row["circular"] else "R²"),
        Column("value", lambda row: interval_cell(*(row[column] for column in measures_of(row["circular"])[0]))),
        Column("untrained", lambda row: mean_range(tuple(row["untrained"]), shown, span)),
        Column("chance", lambda row: shown(row["chance"]) if row["circular"] else "0"),
    )
    caption = (
        f"The same variables read as values by a ridge probe, where they have any. Brackets: {run.confidence}, range over seeds only, "
        "same clips (untrained). Chance: error of the best constant guess."
    )
    return grid(values, columns, caption)
