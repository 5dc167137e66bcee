"""summary.json: the run's figures under stable keys, and its headline in words. Made from the tables alone."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.portability.retained import one_dose
from jepascope.study.spec import StudySpec
from jepascope.study.stage_three.stage import StageThree
from jepascope.study.stage_two.stage import StageTwo
from jepascope.study.steps.caused import RATIO, judged, main_dose
from jepascope.study.steps.discovered import discovered, number
from jepascope.study.steps.headline import headline


def summarise(
    spec: StudySpec,
    model: str,
    depth: int,
    best: int,
    probes: pd.DataFrame,
    values: pd.DataFrame,
    leaks: pd.DataFrame,
    caused: StageTwo,
    full_layers: tuple[int, ...],
    carried: StageThree,
    splits: dict[str, int],
    seconds: dict[str, float],
    told: dict[str, Any],
) -> dict[str, Any]:
    """The figures of every stage; keys are added, never renamed. ``told``: what real videos add."""
    summary: dict[str, Any] = {
        **discovered(spec, model, depth, best, probes, values, splits),
        **effects_at(caused.tables["ce"], caused.tables["matching"], best),
        "full_layers": list(full_layers),
        **judged(caused, best, spec.variable),
        "sas": pairs(carried.portability, "sas", best),
        "rce": pairs(carried.portability, "rce", best),
        "degeneracy": degenerate(carried.verdicts, carried.peeling),
        "leaks": {
            row["baseline"]: {
                **{key: number(row[key]) for key in ("accuracy", "low", "high", "chance")},
                "n": int(row["n"]),
                "leak": bool(row["leak"]),
                "explained": number(row["explained"]),
            }
            for _, row in leaks.iterrows()
        },
        "seconds": seconds,
        **told,
    }
    summary["headline"] = headline(summary)
    return summary


def effects_at(ce: pd.DataFrame, matching: pd.DataFrame, layer: int) -> dict[str, Any]:
    """CE of every finder and edit, of every control (over finders), and the ablation's ratios, at one layer.

    ``overlap`` beside a ratio: mean SAS of the control's draws with the subspace.
    """
    here = ce[(ce["layer"] == layer) & (ce["judge"] == "probe")]
    here = main_dose(here)
    drawn = matching[(matching["layer"] == layer) & (matching["edit"] == "ablate")]
    overlaps = {key: float(rows["overlap"].mean()) for key, rows in drawn.groupby(["finder", "control"])}
    effects: dict[str, Any] = {}
    controls: dict[str, Any] = {}
    ratios: dict[str, Any] = {}
    for _, row in here.iterrows():
        figure = {"value": number(row["value"]), "low": number(row["low"]), "high": number(row["high"])}
        if row["control"] == "subspace":
            direct = {"value": number(row["direct"]), "low": number(row["direct_low"]), "high": number(row["direct_high"])}
            effects.setdefault(row["finder"], {})[row["edit"]] = {**figure, "n": int(row["n"]), "direct": direct}
            continue
        entry = controls.setdefault(row["control"], {}).setdefault(row["edit"], {**figure, "draws": int(row["draws"]), "by_finder": {}})
        entry["by_finder"][row["finder"]] = figure
        if row["edit"] == "ablate":
            ratio = {"value": row["ratio"], "low": row["ratio_low"], "high": row["ratio_high"]}
            ratios.setdefault(row["finder"], {})[row["control"]] = {
                **{key: number(value) for key, value in ratio.items()},
                "bound": bool(row["ratio_is_bound"]),
                **{name: number(row[name]) for name in RATIO},
                "overlap": overlaps.get((row["finder"], row["control"])),
            }
    return {"ce": effects, "controls": controls, "ce_ratio": ratios}


def pairs(portability: pd.DataFrame, metric: str, layer: int) -> dict[str, dict[str, float | None]]:
    """``[a][b]`` of a portability metric at one layer; RCE at the one dose at which it is reported."""
    rows = portability[(portability["metric"] == metric) & (portability["layer"] == layer)]
    if metric == "rce":
        rows = one_dose(rows)
    found: dict[str, dict[str, float | None]] = {}
    for _, row in rows.iterrows():
        found.setdefault(row["a"], {})[row["b"]] = number(row["value"])
    return found


def degenerate(verdicts: pd.DataFrame, peeling: pd.DataFrame) -> dict[str, Any]:
    """The verdict on every pair of finders, and on the curve of peeled subspaces; empty where the study leaves them out."""
    if peeling.empty:
        return {}
    own = peeling[peeling["control"] == "subspace"]
    said = [{key: row[key] for key in ("a", "b", "verdict", "reason")} for row in verdicts.to_dict("records")]
    first = own.iloc[0]
    return {
        "verdicts": said,
        "peeling": {
            "finder": first["finder"],
            "stages": int((own["stage"] > 0).sum()),  # stage 0: nothing was found
            "carriers": int(own["above"].sum()),
            "copies": int(first["copies"]),
            "verdict": first["verdict"],
            "reason": first["reason"],
        },
    }
