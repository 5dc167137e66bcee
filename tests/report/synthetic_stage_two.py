"""Synthetic tables of stage two that are about other factors and requested angles, and a run folder's stage two as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from synthetic_judges import JUDGED, NAN, curves, doses, ends, forecasts, judged, reads, refits
from synthetic_study import BEST, RANK, SCENES

from schema_tables import made

OTHERS = {"speed": (0.04, 0.06), "size": (0.31, 0.06), "colour": (0.01, 0.04), "shape": (0.08, 0.15), "position": (0.5, 0.4)}
"""What the edit of the study's variable does to the others: a leak to size, none to speed and colour, undecided, not readable."""

ERRORS = {"steer": 20.0, "rotate": 28.0}
"""Degrees by which the decoded angle misses, about."""

SKIPPED = {"head": "this encoder has no task head"}


def isolation(finder: str, variable: str, twins: bool) -> pd.DataFrame:
    names = [variable, *OTHERS]
    rows: list[dict[str, Any]] = []

    def add(found_for: str, found_by: str, edit: str, control: str, read: str, value: float, half: float, draws: int = 1) -> None:
        few = 0.84 * half
        rows.append(
            {"layer": BEST, "finder": found_by, "rank": RANK, "found_for": found_for, "edit": edit, "control": control, "read": read}
            | {**ends(value, half), "n": SCENES, "draws": draws, "accuracy": 0.6, "accuracy_before": 0.8, "readable": read != "position"}
            | {"equivalence_low": value - few, "equivalence_high": value + few, "equivalent": abs(value) + few < 0.1, "margin": 0.1}
        )

    for edit in ("ablate", "swap") if twins else ("ablate",):
        for read in names:
            value, half = OTHERS.get(read, (0.8 if edit == "ablate" else 1.6, 0.06))
            add(variable, finder, edit, "subspace", read, value, half)
            for control, share in (("random", 0.03), ("variance", 0.3)):
                add(variable, finder, edit, control, read, share * value, 0.03, draws=3)
            if edit == "swap":
                add(variable, "", edit, "twin", read, 0.02, 0.04)
    for found_for in OTHERS:
        for read in names:
            add(found_for, "diff_means", "ablate", "subspace", read, 0.7 if read == found_for else 0.05, 0.07)
    return made("isolation", rows)


def calibration(finders: tuple[str, ...], rng: np.random.Generator) -> pd.DataFrame:
    parts = []
    scene, requested = (axis.ravel() for axis in np.meshgrid(np.arange(20), np.arange(8) * 45.0, indexing="ij"))
    source = (scene % 8) * 45.0

    def add(finder: str, edit: str, control: str, draw: int, where: Any, wanted: Any, decoded: Any) -> None:
        names = {"layer": BEST, "finder": finder, "rank": RANK, "edit": edit, "control": control, "draw": draw}
        parts.append(pd.DataFrame({**names, "scene": where, "source": wanted, "requested": wanted, "decoded": decoded % 360}))

    first = requested == 0
    add("", "", "none", 0, scene[first], source[first], source[first] + rng.normal(0, 12, first.sum()))
    for finder in finders:
        for edit, noise in (("steer", 25), ("rotate", 35)):
            add(finder, edit, "subspace", 0, scene, requested, requested + rng.normal(0, noise, len(scene)))
            for draw in range(2):
                add(finder, edit, "random", draw, scene, requested, source + rng.normal(0, 15, len(scene)))
    return pd.concat(parts, ignore_index=True)


def write_stage_two(run: Path, finders: tuple[str, ...], variable: str, circular: bool, twins: bool, seed: int = 0) -> None:
    """Adds to a run folder what stage two of a study writes (labels of one's own have no twins)."""
    rng = np.random.default_rng(seed)
    effects = pd.read_parquet(run / "effects.parquet")
    ce = judged(pd.read_parquet(run / "ce.parquet"), effects, circular)
    by_judge = [effects.assign(judge=judge, numerator=scale * effects["numerator"]) for judge, scale in JUDGED.items()]
    tables = {
        "ce": ce,
        "effects": pd.concat(by_judge, ignore_index=True).assign(kl=0.5, angle_error=20.0 if circular else NAN),
        "curves": curves(finders),
        "doses": doses(finders, twins),
        "reads": reads(finders),
        "refits": refits(finders),
        "isolation": isolation(finders[0], variable, twins),
        "forecasts": forecasts(finders, circular),
    }
    if circular:
        tables["calibration"] = calibration(finders, rng)
    for name, table in tables.items():
        table.to_parquet(run / f"{name}.parquet", index=False)
    path = run / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | _keys(ce, finders, circular), indent=1))


def _keys(ce: pd.DataFrame, finders: tuple[str, ...], circular: bool) -> dict[str, Any]:
    best = ce[ce["layer"] == BEST].astype({"ratio_is_bound": object})

    def effect(row: dict[Any, Any]) -> dict[str, Any]:
        return {key: row[key] for key in ("value", "low", "high", "n")}

    def ratio(row: dict[Any, Any]) -> dict[str, Any]:
        high = row["ratio_high"] if np.isfinite(row["ratio_high"]) else None
        same = {key: row[key] for key in ("percentile", "p_holm", "excess_low", "excess_high")}
        return {"value": row["ratio"], "low": row["ratio_low"], "high": high, "bound": bool(row["ratio_is_bound"]), **same}

    by_judge: dict[str, Any] = {}
    ratios: dict[str, Any] = {}
    for row in best.to_dict("records"):
        judge, finder, edit, control = row["judge"], row["finder"], row["edit"], row["control"]
        if control == "subspace":
            by_judge.setdefault(judge, {}).setdefault(finder, {})[edit] = effect(row)
        else:
            ratios.setdefault(judge, {}).setdefault(finder, {}).setdefault(edit, {})[control] = ratio(row)
    angles = {
        edit: {finder: {"error": error, "low": error - 3, "high": error + 3, "n": 20, "random": 90.0} for finder in finders}
        for edit, error in ERRORS.items()
    }
    return {
        "judges": list(JUDGED),
        "skipped": SKIPPED,
        "full_layers": [2],
        "by_judge": by_judge,
        "ratio_by_judge": ratios,
        "refit": {
            finder: {"refit": {"value": 0.5, "low": 0.4, "high": 0.6, "n": SCENES}, "chance": 0.15, "judge": "probe"} for finder in finders
        },
        "isolation": {"ablate": {"size": {"value": 0.31}}},
        "calibration": angles if circular else {},
        "forecast": {"context": 2},
    }
