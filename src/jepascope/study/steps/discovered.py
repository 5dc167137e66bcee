"""What stage one says in summary.json: its figures under stable keys, made from its tables alone."""

from __future__ import annotations

import math
from math import nan
from typing import Any

import pandas as pd

from jepascope.discovery.probes.readings import chosen_probes, variable_reading
from jepascope.study.spec import StudySpec
from jepascope.study.steps.reading_words import reading_entry

SCHEMA = 1
LEVEL = 0.95


def number(value: Any) -> float | None:
    """A JSON number; null where there is none (missing, NaN or infinite)."""
    value = nan if value is None else float(value)
    return value if math.isfinite(value) else None


def discovered(
    spec: StudySpec, model: str, depth: int, best: int, probes: pd.DataFrame, values: pd.DataFrame, splits: dict[str, int]
) -> dict[str, Any]:
    """What was studied, the layer that claims are made for, and what the probes read at every layer at the study's tokens.

    ``selectivity``: accuracy less the mean accuracy on control tasks. ``values``: mean absolute error (and R^2) of every output.
    """
    dense = chosen_probes(probes, tokens=spec.tokens)
    read, sparse = (chosen_probes(probes, kind, "model", tokens=spec.tokens) for kind in ("dense", "l1"))
    found = variable_reading(spec.state_variable.kind, probes, values, best, spec.tokens)
    assert found is not None  # the layer was chosen by these probes
    return {
        "schema": SCHEMA,
        "headline": "",
        "model": model,
        "clips": spec.clips_name,
        "variable": spec.variable,
        "kind": spec.state_variable.kind,
        "classes": spec.class_count,
        **({"labels_read": spec.state_variable.note} if spec.state_variable.note else {}),
        "tokens": spec.tokens,
        "confidence": LEVEL,
        "splits": splits,
        "layers": list(range(depth + 1)),
        "best_layer": best,
        "chance": number(read["chance"].max()),
        "reading": reading_entry(found),
        "rank": spec.rank_of(spec.finders[0]),
        "swap_donor": spec.swap_donor or ("twin" if spec.state_variable.rendered else "class"),
        "probe": {
            "dense": _by_layer(read, "accuracy"),
            "dense_untrained": _by_layer(_mean(dense, "untrained"), "accuracy"),
            "l1": _by_layer(sparse, "accuracy"),
            "l1_support": _by_layer(sparse, "support"),
            "selectivity": _less(_by_layer(read, "accuracy"), _by_layer(_mean(dense, "control_task"), "accuracy")),
            "permuted": _by_layer(_mean(dense, "permuted"), "accuracy"),
        },
        "values": _values(values[(values["encoder"] == "model") & (values["tokens"] == spec.tokens)]),
    }


def _mean(dense: pd.DataFrame, encoder: str) -> pd.DataFrame:
    """Mean accuracy over seeds or draws, by layer."""
    return dense[dense["encoder"] == encoder].groupby("layer")[["accuracy"]].mean().reset_index()


def _by_layer(rows: pd.DataFrame, column: str) -> dict[str, float | None]:
    return {str(int(row["layer"])): number(row[column]) for _, row in rows.iterrows()}


def _less(own: dict[str, float | None], other: dict[str, float | None]) -> dict[str, float | None]:
    """Differences where both are there."""
    both = {layer: (value, other.get(layer)) for layer, value in own.items()}
    return {layer: value - less for layer, (value, less) in both.items() if value is not None and less is not None}


def _values(rows: pd.DataFrame) -> dict[str, Any]:
    """``[output][clips or arcs][layer]``: error with its interval, unit, chance and R^2."""
    found: dict[str, Any] = {}
    for _, row in rows.iterrows():
        at = found.setdefault(row["output"], {}).setdefault(row["held_out"], {})
        figures = {key: number(row[key]) for key in ("error", "low", "high", "chance", "r2", "r2_low", "r2_high")}
        at[str(int(row["layer"]))] = {**figures, "n": int(row["n"]), "unit": row["unit"]}
    return found
