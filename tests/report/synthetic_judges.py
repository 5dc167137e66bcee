"""Synthetic tables of stage two that are about how an effect is seen: by other judges, doses, layers, fresh probes, forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from synthetic_study import BEST, CONTROLS, EDITS, LAYERS, RANK, SCENES

from schema_tables import made

NAN = float("nan")
STRENGTH = {
    "subspace": 1.0,
    "random": 0.03,
    "variance": 0.4,
    "shuffled": 0.1,
    "norm": 0.05,
    "natural": 1.25,
    "none": 0.0,
    "persistence": 0.2,
}
JUDGED = {"probe": 1.0, "mlp": 0.9, "predictor": 0.6}
LOOKED_AT = [layer for layer in LAYERS if layer >= BEST]


def ends(value: float, half: float = 0.06, name: str = "") -> dict[str, float]:
    """A value and an interval about it, under the names that a table gives them."""
    middle = name or "value"
    prefix = f"{name}_" if name else ""
    return {middle: value, f"{prefix}low": value - half, f"{prefix}high": value + half}


def judged(ce: pd.DataFrame, effects: pd.DataFrame, circular: bool) -> pd.DataFrame:
    """The rows of `ce` by every judge, with what rides along."""
    keys = ["layer", "finder", "edit", "control"]
    shares = effects.groupby(keys, as_index=False).agg(accuracy=("correct", "mean"))
    parts = []
    for judge, scale in JUDGED.items():
        part = ce.assign(judge=judge)
        for name in ("value", "low", "high", "difference", "difference_low", "difference_high"):
            part[name] = part[name] * scale
        before = np.where(part["edit"] == "ablate", 0.95, 0.0125)
        part = part.drop(columns="accuracy", errors="ignore").merge(shares, on=keys, how="left")
        part["accuracy_before"] = before
        part["kl"] = NAN if judge == "predictor" else 2 * part["value"].abs()
        part["kl_low"], part["kl_high"] = 0.8 * part["kl"], 1.2 * part["kl"]
        part["angle_error"] = 15 + 70 * part["value"].abs() if circular else NAN
        part["angle_error_low"], part["angle_error_high"] = part["angle_error"] - 4, part["angle_error"] + 4
        part["angle_error_before"] = 14.0 if circular else NAN
        few = part["draws"].between(2, 9)
        part["excess_low"], part["excess_high"] = part["difference_low"] - 0.01, part["difference_high"] + 0.01
        blank = ["difference", "difference_low", "difference_high", "excess_low", "excess_high", "p", "p_holm"]
        part.loc[few, blank] = NAN
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def curves(finders: tuple[str, ...]) -> pd.DataFrame:
    rows = []
    for finder in finders:
        for edit in EDITS:
            for control, draws in (("subspace", 1), ("random", 3), ("variance", 3)):
                for dose in (0.0, 0.25, 0.5, 1.0, 1.5, 2.0):
                    value = 0.8 * STRENGTH[control] * np.tanh(1.4 * dose)
                    where = {"layer": BEST, "tokens": "object", "finder": finder, "rank": RANK, "edit": edit, "control": control}
                    rows.append(where | {"dose": dose, "judge": "probe", **ends(value, 0.05), "n": SCENES, "draws": draws})
    return made("curves", rows)


def doses(finders: tuple[str, ...], twins: bool) -> pd.DataFrame:
    shift = {"ablate": 0.45, "swap": 1.0, "steer": 0.9}
    return made(
        "doses",
        [
            {"layer": BEST, "finder": finder, "rank": RANK, "edit": edit, "norm": 4.0 * shift[edit], "norm_twin": 4.2 if twins else NAN}
            | ends(shift[edit] if twins else NAN, 0.05, "shift")
            | {"n": SCENES}
            for finder in finders
            for edit in EDITS
        ],
    )


def reads(finders: tuple[str, ...]) -> pd.DataFrame:
    """Effects that fade from the edited layer to the last."""
    rows: list[dict[str, Any]] = []
    for finder in finders:
        for edit in ("ablate", "swap"):
            for layer in LAYERS:
                for read in (read for read in LAYERS if read >= layer):
                    for control, draws in (("subspace", 1), ("random", 3)):
                        value = 0.9 * STRENGTH[control] * np.exp(-0.15 * (read - layer))
                        where = {"layer": layer, "read_layer": read, "tokens": "object", "finder": finder, "rank": RANK, "edit": edit}
                        score = round((0.95 - 0.8 * value) * SCENES) / SCENES
                        for judge in ("probe", "mlp"):
                            rows.append(
                                where
                                | {"control": control, "judge": judge, "draws": draws, **ends(value, 0.05), "n": SCENES}
                                | {"accuracy": score, "accuracy_before": 0.95}
                            )
    return made("reads", rows)


def refits(finders: tuple[str, ...], judge_scores: dict[str, float] | None = None) -> pd.DataFrame:
    """Accuracies of fresh probes: unedited 0.95, after ablation what ``judge_scores`` says."""
    rows: list[dict[str, Any]] = []
    for judge, score in (judge_scores or {"probe": 0.5, "mlp": 0.6}).items():
        for read in LOOKED_AT:
            where = {"layer": BEST, "read_layer": read, "rank": RANK, "judge": judge, "n": SCENES, "chance": 0.15}
            rows.append(where | {"finder": "", "control": "clean", "draw": 0, **ends(0.95, 0.04, "accuracy")})
            for finder in finders:
                rows.append(where | {"finder": finder, "control": "subspace", "draw": 0, **ends(score, 0.1, "accuracy")})
                for draw in range(3):
                    rows.append(where | {"finder": finder, "control": "random", "draw": draw, **ends(0.93 - 0.01 * draw, 0.05, "accuracy")})
    names = {"accuracy_low": "low", "accuracy_high": "high"}
    return made("refits", [{names.get(name, name): value for name, value in row.items()} for row in rows])


def forecasts(finders: tuple[str, ...], circular: bool) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []

    def add(finder: str, edit: str, control: str, draws: int, recovery: float, identified: float) -> None:
        angle = 90 - 60 * recovery if circular else NAN
        rows.append(
            {"layer": BEST, "tokens": "object", "context": 2, "finder": finder, "rank": RANK if finder else 0, "edit": edit}
            | {"control": control, "dose": 1.0 if finder else NAN, "draws": draws}
            | {**ends(recovery, 0.04, "recovery"), **ends(identified, 0.05, "identified"), **ends(angle, 5, "angle_error"), "n": SCENES}
        )

    for control, identified in (("natural", 0.93), ("none", 0.07), ("persistence", 0.55)):
        add("", "", control, 1, 0.45 * STRENGTH[control], identified)
    for finder in finders:
        for edit in EDITS:
            for control in ("subspace", *CONTROLS):
                recovery = 0.4 * STRENGTH[control] * (0.5 if edit == "ablate" else 1.0)
                share = 0.93 - 0.6 * recovery if edit == "ablate" else 0.07 + 1.5 * recovery
                add(finder, edit, control, 1 if control == "subspace" else 20, recovery, share)
    return made("forecasts", rows)
