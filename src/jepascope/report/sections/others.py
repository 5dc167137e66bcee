"""Section of stage one: other variables of the same run, one line each."""

from __future__ import annotations

import pandas as pd

from jepascope.discovery.probes.readings import chosen_probes
from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import ABSENT, Cell, count, count_range, finite, interval_cell, percent, percent_span, shown, span
from jepascope.findings.selection import tokens_of
from jepascope.findings.selectivity import reading
from jepascope.report.blocks import Block, Grid, Paragraph
from jepascope.report.folder import RunFolder
from jepascope.report.inside import PROBED, Inside
from jepascope.report.sections.declared import section
from jepascope.report.sections.emergence import accuracy_cell, mean_range, same_figure, selectivity_cell

CLASSES_HEAD = ("variable", "classes", "layer", "tokens", "accuracy", "chance", "untrained", "selectivity, points")
VALUES_HEAD = ("variable", "what is read", "held out", "measure", "value", "untrained", "chance")
MOST_OUTPUTS = 8
Row = tuple[Cell | str, ...]


@section("others", "Other variables", absent="no other variable of this run was probed (jepascope probe RUN --variable V)")
def others_section(run: RunFolder) -> list[Block]:
    """The study's variable and those that were probed beside it: as classes, and as values where they have any."""
    probed = PROBED.read(run.path)
    if not probed:
        return []
    named = {f"{run.variable} (this study)": run, **{_name(other): other for other in probed if not other.reason}}
    rows = [_classes(name, folder) for name, folder in named.items()]
    rows += [(f"{_name(other)} cannot be read: {other.reason}",) for other in probed if other.reason]
    counts = [table["n"] for folder in named.values() if (table := folder.table("probes")) is not None]
    caption = (
        "Each variable read by a dense probe at the earliest inner layer within one standard error of the best inner one, "
        "cross-validated on fit clips (layers 0 and L are no candidates; for the study's own variable the layer that its spec names, "
        f"where it does). n = {count_range(pd.concat(counts)) if counts else ABSENT} test clips; brackets: {run.confidence} over clips "
        "(accuracy, selectivity), range over seeds only, same clips (untrained). Control: untrained twins, and the control task that "
        "selectivity is measured against."
    )
    blocks: list[Block] = [Grid(CLASSES_HEAD, tuple(rows), caption)]
    better = [said for name, folder in named.items() if (said := _better(name, folder))]
    blocks += [Paragraph(" ".join(better))] if better else []
    values = [row for name, folder in named.items() for row in _values(name, folder)]
    if values:
        caption = (
            f"The same variables read as values by a ridge probe, where they have any. Brackets: {run.confidence}, range over seeds only, "
            "same clips (untrained). Chance: error of the best constant guess."
        )
        blocks.append(Grid(VALUES_HEAD, tuple(values), caption, words=4))
    return [*blocks, *PROBED.left_out(run.path)]


def _name(other: Inside) -> str:
    return short(other.summary.get("variable", other.name.removeprefix(PROBED.prefix)))


def _layer(run: RunFolder, probes: pd.DataFrame) -> tuple[int, str] | None:
    """Layer and tokens of a variable's row: its best layer, or that of the highest cross-validated accuracy."""
    model = chosen_probes(probes, encoder="model")
    if model.empty:
        return None
    tokens = tokens_of(run, model)
    model = model[model["tokens"] == tokens].sort_values("cv_accuracy", kind="stable", na_position="first")
    layers = {int(layer) for layer in model["layer"]}
    return (run.best_layer if run.best_layer in layers else int(model["layer"].iloc[-1])), tokens


def _better(name: str, run: RunFolder) -> str:
    """The layer of all, first and last included, that cross-validation puts first, where its test accuracy lies above the interval."""
    probes = run.table("probes")
    where = None if probes is None else _layer(run, probes)
    if probes is None or where is None:
        return ""
    dense = chosen_probes(probes, encoder="model", tokens=where[1])
    at, top = reading(probes, *where), dense.sort_values("cv_accuracy", kind="stable", na_position="first").iloc[-1]
    if at is None or not top["accuracy"] > at.high:
        return ""
    return (
        f"{name}: the best of all layers by cross-validation, layer {count(top['layer'])}, reads {percent(top['accuracy'])} "
        f"{percent_span(top['low'], top['high'])}, more than layer {where[0]} of the table."
    )


def _classes(name: str, run: RunFolder) -> Row:
    probes = run.table("probes")
    where = None if probes is None else _layer(run, probes)
    at = None if probes is None or where is None else reading(probes, *where)
    if where is None or at is None:
        return (f"{name}: no dense probe of the model in {run.path.name}; run 'jepascope probe' for it again.",)
    classes = run.summary.get("classes")
    return (
        name,
        count(classes if finite(classes) else None),
        count(where[0]),
        where[1],
        accuracy_cell(at),
        percent(at.chance),
        mean_range(at.untrained),
        selectivity_cell(at),
    )


def _over_seeds(fresh: pd.Series[float]) -> str:
    if fresh.empty:
        return ABSENT
    return f"{shown(fresh.mean())} {same_figure(tuple(fresh), shown) or span(fresh.min(), fresh.max())}"


def _values(name: str, run: RunFolder) -> list[Row]:
    """Error in degrees, or R^2, of every output at the variable's layer."""
    values, probes = run.table("values"), run.table("probes")
    where = None if probes is None else _layer(run, probes)
    if values is None or where is None:
        return []
    at = values[(values["layer"] == where[0]) & (values["tokens"] == where[1])]
    rows: list[Row] = []
    for row in at[at["encoder"] == "model"].head(MOST_OUTPUTS).to_dict("records"):
        circular = row["probe"] == "circular"
        value, low, high = ("error", "low", "high") if circular else ("r2", "r2_low", "r2_high")
        same = (at["encoder"] == "untrained") & (at["output"] == row["output"]) & (at["held_out"] == row["held_out"])
        fresh = at[same][value].dropna()
        rows.append(
            (
                name,
                short(row["output"], LABEL),
                str(row["held_out"]),
                "error, degrees" if circular else "R²",
                interval_cell(row[value], row[low], row[high]),
                _over_seeds(fresh),
                f"{shown(row['chance'])}" if circular else "0",
            )
        )
    return rows
