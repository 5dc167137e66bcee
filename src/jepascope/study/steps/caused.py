"""What stage two says in summary.json beside the main figures: other judges, other factors, steering, refitted read-outs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from jepascope.findings.effect import judge_readings
from jepascope.intervention.calibration import angle_errors, mean_error
from jepascope.study.stage_two.stage import StageTwo
from jepascope.study.steps.discovered import number

RATIO = ("difference_low", "difference_high", "percentile", "p_holm", "excess_low", "excess_high", "draws")


def judged(caused: StageTwo, layer: int, variable: str) -> dict[str, Any]:
    """Figures at the layer that claims are made for. Keys of steps that were not run are empty."""
    tables = {name: table[table["layer"] == layer] for name, table in caused.tables.items()}
    first = next(iter(tables["ce"]["finder"]), "")
    return {
        "judges": list(caused.judges),
        "skipped": dict(caused.skipped),
        "judge_reading": {name: reading.stored() for name, reading in judge_readings(tables["effects"]).items()},
        **by_judge(tables["ce"]),
        "refit": refitted(tables, first),
        "isolation": isolated(tables.get("isolation"), first, variable),
        "calibration": calibrated(tables.get("calibration")),
        "forecast": forecast(tables["forecasts"]),
    }


def main_dose(ce: pd.DataFrame) -> pd.DataFrame:
    """The rows of the first of the study's doses: the one that isolation, read layers and refits are of."""
    return ce[ce["dose"] == ce["dose"].iloc[0]] if len(ce) else ce


def by_judge(ce: pd.DataFrame) -> dict[str, Any]:
    """CE of every judge, finder and edit, and its ratio to every control."""
    effects: dict[str, Any] = {}
    ratios: dict[str, Any] = {}
    ce = main_dose(ce)
    for row in ce.to_dict("records"):
        if row["control"] == "subspace":
            effects.setdefault(row["judge"], {}).setdefault(row["finder"], {})[row["edit"]] = {**_figure(row), "n": int(row["n"])}
            continue
        found = ratios.setdefault(row["judge"], {}).setdefault(row["finder"], {}).setdefault(row["edit"], {})
        ratio = {"value": number(row["ratio"]), "low": number(row["ratio_low"]), "high": number(row["ratio_high"])}
        found[row["control"]] = {**ratio, "bound": bool(row["ratio_is_bound"]), **{name: number(row[name]) for name in RATIO}}
    return {"by_judge": effects, "ratio_by_judge": ratios}


def refitted(tables: dict[str, pd.DataFrame], first: str) -> dict[str, Any]:
    """Accuracy at the last layer: unedited, of the frozen probe after ablation, and of a fresh one; linear probes."""
    if "refits" not in tables or tables["refits"].empty:
        return {}
    rows = tables["refits"]
    rows = rows[(rows["read_layer"] == rows["read_layer"].max()) & (rows["judge"] == "probe")]
    ce = tables["ce"]
    ce = main_dose(ce)
    frozen = ce[(ce["edit"] == "ablate") & (ce["judge"] == "probe") & (ce["control"] == "subspace")].set_index("finder")["accuracy"]
    random = rows[rows["control"] == "random"].groupby("finder")["accuracy"].mean()
    found = {}
    for row in rows[rows["control"] == "subspace"].to_dict("records"):
        finder = row["finder"]
        found[finder] = {
            "clean": number(rows[rows["control"] == "clean"]["accuracy"].iloc[0]),
            "frozen": number(frozen.get(finder, np.nan)),
            "refit": {"value": number(row["accuracy"]), "low": number(row["low"]), "high": number(row["high"]), "n": int(row["n"])},
            "random": number(random.get(finder, np.nan)),
            "chance": number(row["chance"]),
            "judge": "probe",
        }
    return found


def isolated(isolation: pd.DataFrame | None, first: str, variable: str) -> dict[str, Any]:
    """What the first finder's edits do to the read-outs of other factors."""
    if isolation is None or isolation.empty:
        return {}
    found: dict[str, Any] = {}
    mine = isolation[(isolation["found_for"] == variable) & (isolation["read"] != variable)]
    for row in mine[(mine["finder"] == first) & (mine["control"] == "subspace")].to_dict("records"):
        same = mine[(mine["edit"] == row["edit"]) & (mine["read"] == row["read"]) & mine["finder"].isin((first, ""))]
        others = same.set_index("control")["value"]
        found.setdefault(row["edit"], {})[row["read"]] = {
            **_figure(row),
            "n": int(row["n"]),
            "readable": bool(row["readable"]),
            "equivalent": bool(row["equivalent"]),
            "equivalence_low": number(row["equivalence_low"]),
            "equivalence_high": number(row["equivalence_high"]),
            **{control: number(others.get(control, np.nan)) for control in ("random", "variance", "twin")},
        }
    return found


def calibrated(calibration: pd.DataFrame | None) -> dict[str, Any]:
    """Mean absolute difference between the angle asked for and the one decoded, degrees, over scenes; beside random directions."""
    if calibration is None or calibration.empty:
        return {}
    found: dict[str, Any] = {}
    steered = calibration[calibration["control"] != "none"]
    for (edit, finder), rows in steered.groupby(["edit", "finder"], sort=False):
        own, random = rows[rows["control"] == "subspace"], rows[rows["control"] == "random"]
        error = mean_error(own)
        said = {"error": error.value, "low": error.low, "high": error.high, "n": error.n}
        found.setdefault(str(edit), {})[str(finder)] = {**said, "random": number(angle_errors(random).mean())}
    return found


def forecast(forecasts: pd.DataFrame) -> dict[str, Any]:
    """The predictor without an edit: of the twin's own beginning (natural) and of the source's (none)."""
    references = forecasts[forecasts["finder"] == ""].set_index("control")
    if references.empty:
        return {}
    natural, none = references.loc["natural"], references.loc["none"]
    keys = ("recovery", "recovery_low", "recovery_high", "identified", "angle_error")
    return {
        "context": int(references["context"].iloc[0]),
        "natural": {name: number(natural[name]) for name in keys},
        "none": {name: number(none[name]) for name in ("identified", "angle_error")},
    }


def _figure(row: dict[Any, Any]) -> dict[str, float | None]:
    return {name: number(row[name]) for name in ("value", "low", "high")}
