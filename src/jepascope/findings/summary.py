"""summary.json: a run's figures under stable keys, made from its tables and plain facts of the study. Keys are added, never renamed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from math import nan
from typing import Any

import pandas as pd

from jepascope.discovery.probes.readings import VariableReading, chosen_probes, variable_reading
from jepascope.findings.distances import distanced
from jepascope.findings.effect import judge_readings
from jepascope.findings.heterogeneity import heterogeneous
from jepascope.findings.layer_choice import layer_shares
from jepascope.findings.numbers import json_number
from jepascope.findings.selection import at_full_dose
from jepascope.findings.sparsity import determined
from jepascope.intervention.circle import angle_errors, mean_error
from jepascope.portability.retained import one_dose
from jepascope.stats import LEVEL

SCHEMA = 1
ENDS = ("value", "low", "high")
ONE = ("one_low", "one_high")  # of one subspace, where low and high are said of the encoder
BESIDE = ("difference_low", "difference_high", "percentile", "p_holm", "excess_low", "excess_high", "draws", "difference")
Tables = Mapping[str, pd.DataFrame]
Rows = Iterable[dict[Any, Any]]


def figure(row: Mapping[Any, Any], prefix: str = "", columns: Iterable[str] = ENDS) -> dict[str, float | None]:
    """Numbers of a row by the names of columns; ``prefix``: of another column than ``value``, whose ends are named by it."""
    named = {name: name for name in columns} if not prefix else {"value": prefix, "low": f"{prefix}_low", "high": f"{prefix}_high"}
    return {name: json_number(row[column]) for name, column in named.items() if column in row or column not in ONE}


def probed(studied: Mapping[str, Any], best: int, probes: pd.DataFrame, values: pd.DataFrame, splits: dict[str, int]) -> dict[str, Any]:
    """What was studied (``studied``: plain facts), the layer that claims are made for, and what the probes read at every layer.

    ``selectivity``: accuracy less the mean accuracy on control tasks. ``values``: mean absolute error (and R^2) of every output.
    """
    tokens = studied["tokens"]
    dense, sparse = chosen_probes(probes, tokens=tokens), chosen_probes(probes, "l1", "model", tokens=tokens)
    own = dense[dense["encoder"] == "model"]
    reading = variable_reading(studied["kind"], probes, values, best, tokens)
    assert reading is not None  # the layer was chosen by these probes
    accuracy, tasks = _by_layer(own, "accuracy"), _by_layer(_mean(dense, "control_task"), "accuracy")
    both = {layer: (value, tasks.get(layer)) for layer, value in accuracy.items()}
    return {
        **{"schema": SCHEMA, "headline": "", "confidence": LEVEL, **studied, "splits": splits, "best_layer": best},
        "chance": json_number(own["chance"].max()),
        "layer_choice": layer_shares(probes, tokens),
        "reading": reading_entry(reading),
        "probe": {
            "dense": accuracy,
            "dense_untrained": _by_layer(_mean(dense, "untrained"), "accuracy"),
            "l1": _by_layer(sparse, "accuracy"),
            "l1_support": _by_layer(determined(sparse), "support"),
            "selectivity": {layer: value - less for layer, (value, less) in both.items() if value is not None and less is not None},
            "permuted": _by_layer(_mean(dense, "permuted"), "accuracy"),
        },
        "values": _values(values[(values["encoder"] == "model") & (values["tokens"] == tokens)].to_dict("records")),
    }


def reading_entry(read: VariableReading) -> dict[str, Any]:
    """Whether the variable is read, by which measures, and what reads it as well."""
    measures = [{**asdict(measure), "read": measure.read} for measure in (read.classes, *read.values)]
    return {
        **{"read": read.read, "kind": read.kind, "layer": read.layer},
        "decided_by": [{"measure": measure.name, "output": measure.output} for measure in read.deciding],
        "as_good": {name: list(outputs) for name, outputs in read.as_good.items()},
        "measures": [_plain(measure) for measure in measures],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return json_number(value) if isinstance(value, float) else value


def _mean(dense: pd.DataFrame, encoder: str) -> pd.DataFrame:
    """Mean accuracy over seeds or draws, by layer."""
    return dense[dense["encoder"] == encoder].groupby("layer")[["accuracy"]].mean().reset_index()


def _by_layer(rows: pd.DataFrame, column: str) -> dict[str, float | None]:
    return {str(int(row["layer"])): json_number(row[column]) for row in rows.to_dict("records")}


def _values(rows: Rows) -> dict[str, Any]:
    """``[output][clips or arcs][layer]``: error with its interval, unit, chance and R^2."""
    outputs: dict[str, Any] = {}
    for row in rows:
        figures = figure(row, columns=("error", "low", "high", "chance", "r2", "r2_low", "r2_high"))
        by_layer = outputs.setdefault(row["output"], {}).setdefault(row["held_out"], {})
        by_layer[str(int(row["layer"]))] = {**figures, "n": int(row["n"]), "unit": row["unit"]}
    return outputs


def intervened(tables: Tables, layer: int, variable: str, judges: Iterable[str], skipped: Mapping[str, str]) -> dict[str, Any]:
    """What edits do at the layer that claims are made for. Keys of steps that were not run are empty."""
    at = {name: table[table["layer"] == layer] for name, table in tables.items() if "layer" in table}
    first = next(iter(at["ce"]["finder"]), "")
    return {
        **by_probe(at["ce"], at["matching"]),
        **{"judges": list(judges), "skipped": dict(skipped)},
        "judge_reading": {name: reading.stored() for name, reading in judge_readings(at["effects"]).items()},
        **by_judge(at["ce"]),
        "refit": refitted(at),
        "heterogeneity": heterogeneous(at["spread"], at["strata"]) if "spread" in at else {},
        "distances": distanced(at["distances"]) if "distances" in at and len(at["distances"]) else {},
        "isolation": isolated(at.get("isolation"), first, variable),
        "calibration": calibrated(at.get("calibration")),
        "forecast": forecast(at["forecasts"]),
    }


def by_probe(ce: pd.DataFrame, matching: pd.DataFrame) -> dict[str, Any]:
    """CE of every finder and edit, of every control (over finders), and the ablation's ratios.

    ``overlap`` beside a ratio: mean SAS of the control's draws with the subspace.
    """
    drawn = matching[matching["edit"] == "ablate"]
    overlaps = {key: float(rows["overlap"].mean()) for key, rows in drawn.groupby(["finder", "control"])}
    effects: dict[str, Any] = {}
    controls: dict[str, Any] = {}
    ratios: dict[str, Any] = {}
    for row in at_full_dose(ce[ce["judge"] == "probe"]).to_dict("records"):
        finder, control, edit = row["finder"], row["control"], row["edit"]
        if control == "subspace":
            one = figure(row, columns=ONE)
            effects.setdefault(finder, {})[edit] = {**figure(row), "n": int(row["n"]), "direct": figure(row, "direct"), **one}
            continue
        entry = controls.setdefault(control, {}).setdefault(edit, {**figure(row), "draws": int(row["draws"]), "by_finder": {}})
        entry["by_finder"][finder] = figure(row)
        if edit == "ablate":
            ratios.setdefault(finder, {})[control] = {**_ratio(row), "overlap": overlaps.get((finder, control))}
    return {"ce": effects, "controls": controls, "ce_ratio": ratios}


def by_judge(ce: pd.DataFrame) -> dict[str, Any]:
    """CE of every judge, finder and edit, and its ratio to every control."""
    effects: dict[str, Any] = {}
    ratios: dict[str, Any] = {}
    for row in at_full_dose(ce).to_dict("records"):
        of = effects if row["control"] == "subspace" else ratios
        edits = of.setdefault(row["judge"], {}).setdefault(row["finder"], {})
        if row["control"] == "subspace":
            edits[row["edit"]] = {**figure(row), "n": int(row["n"]), **figure(row, columns=ONE)}
        else:
            edits.setdefault(row["edit"], {})[row["control"]] = _ratio(row)
    return {"by_judge": effects, "ratio_by_judge": ratios}


def _ratio(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {**figure(row, "ratio"), "bound": bool(row["ratio_is_bound"]), **figure(row, columns=BESIDE)}


def refitted(tables: Tables) -> dict[str, Any]:
    """Accuracy at the last layer: unedited, of the frozen probe after ablation, and of a fresh one; linear probes."""
    if "refits" not in tables or tables["refits"].empty:
        return {}
    rows, ce = tables["refits"], tables["ce"]
    rows = rows[(rows["read_layer"] == rows["read_layer"].max()) & (rows["judge"] == "probe")]
    ce = ce[ce["dose"] == ce["dose"].iloc[0]] if len(ce) else ce  # the one that refits are made at
    frozen = ce[(ce["edit"] == "ablate") & (ce["judge"] == "probe") & (ce["control"] == "subspace")].set_index("finder")["accuracy"]
    random = rows[rows["control"] == "random"].groupby("finder")["accuracy"].mean()
    return {
        row["finder"]: {
            "clean": json_number(rows[rows["control"] == "clean"]["accuracy"].iloc[0]),
            "frozen": json_number(frozen.get(row["finder"], nan)),
            "refit": {"value": json_number(row["accuracy"]), **figure(row, columns=("low", "high")), "n": int(row["n"])},
            "random": json_number(random.get(row["finder"], nan)),
            "chance": json_number(row["chance"]),
            "judge": "probe",
        }
        for row in rows[rows["control"] == "subspace"].to_dict("records")
    }


def isolated(isolation: pd.DataFrame | None, first: str, variable: str) -> dict[str, Any]:
    """What the first finder's edits do to the read-outs of other factors."""
    if isolation is None or isolation.empty:
        return {}
    factors: dict[str, Any] = {}
    mine = isolation[(isolation["found_for"] == variable) & (isolation["read"] != variable)]
    for row in mine[(mine["finder"] == first) & (mine["control"] == "subspace")].to_dict("records"):
        same = mine[(mine["edit"] == row["edit"]) & (mine["read"] == row["read"]) & mine["finder"].isin((first, ""))]
        others = same.set_index("control")["value"]
        factors.setdefault(row["edit"], {})[row["read"]] = {
            **figure(row, columns=(*ENDS, "equivalence_low", "equivalence_high")),
            **{"n": int(row["n"]), "readable": bool(row["readable"]), "equivalent": bool(row["equivalent"])},
            **{control: json_number(others.get(control, nan)) for control in ("random", "variance", "twin")},
        }
    return factors


def calibrated(calibration: pd.DataFrame | None) -> dict[str, Any]:
    """Mean absolute difference between the angle asked for and the one decoded, degrees, over scenes; beside random directions."""
    if calibration is None or calibration.empty:
        return {}
    errors: dict[str, Any] = {}
    steered = calibration[calibration["control"] != "none"]
    for (edit, finder), rows in steered.groupby(["edit", "finder"], sort=False):
        error, random = mean_error(rows[rows["control"] == "subspace"]), angle_errors(rows[rows["control"] == "random"]).mean()
        own = {"error": error.value, "low": error.low, "high": error.high, "n": error.n, "random": json_number(random)}
        errors.setdefault(str(edit), {})[str(finder)] = own
    return errors


def forecast(forecasts: pd.DataFrame) -> dict[str, Any]:
    """The predictor without an edit: of the twin's own beginning (natural) and of the source's (none)."""
    references = forecasts[forecasts["finder"] == ""].set_index("control")
    if references.empty:
        return {}
    keys = ("recovery", "recovery_low", "recovery_high", "identified", "angle_error")
    natural, none = (figure(references.loc[name].to_dict(), columns=columns) for name, columns in (("natural", keys), ("none", keys[-2:])))
    return {"context": int(references["context"].iloc[0]), "natural": natural, "none": none}


def carried(portability: pd.DataFrame, verdicts: pd.DataFrame, peeling: pd.DataFrame, layer: int) -> dict[str, Any]:
    """What carries over at the layer that claims are made for, and the verdicts on copies."""
    alike = {metric: pairs(portability, metric, layer) for metric in ("sas", "rce")}
    return {**alike, "degeneracy": degenerate(verdicts, peeling)}


def pairs(portability: pd.DataFrame, metric: str, layer: int) -> dict[str, dict[str, float | None]]:
    """``[a][b]`` of a portability metric at one layer; RCE at the one dose at which it is reported."""
    rows = portability[(portability["metric"] == metric) & (portability["layer"] == layer)]
    by_pair: dict[str, dict[str, float | None]] = {}
    for row in (one_dose(rows) if metric == "rce" else rows).to_dict("records"):
        by_pair.setdefault(row["a"], {})[row["b"]] = json_number(row["value"])
    return by_pair


def degenerate(verdicts: pd.DataFrame, peeling: pd.DataFrame) -> dict[str, Any]:
    """The verdict on every pair of finders, and on the curve of peeled subspaces; empty where the study leaves them out."""
    if peeling.empty:
        return {}
    own = peeling[peeling["control"] == "subspace"]
    first = own.iloc[0]
    stages = {"stages": int((own["stage"] > 0).sum()), "carriers": int(own["above"].sum())}  # stage 0: nothing was found
    return {
        "verdicts": [{key: row[key] for key in ("a", "b", "verdict", "reason")} for row in verdicts.to_dict("records")],
        "peeling": {
            "finder": first["finder"],
            **stages,
            "copies": int(first["copies"]),
            "verdict": first["verdict"],
            "reason": first["reason"],
        },
    }


def leaking(leaks: pd.DataFrame) -> dict[str, Any]:
    """Every motionless baseline."""
    return {
        row["baseline"]: {
            **figure(row, columns=("accuracy", "low", "high", "chance", "explained")),
            **{"n": int(row["n"]), "leak": bool(row["leak"])},
        }
        for row in leaks.to_dict("records")
    }
