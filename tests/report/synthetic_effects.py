"""Synthetic tables of interventions by the linear probe, as every version writes them: effects, CE, what controls matched."""

from __future__ import annotations

import numpy as np
import pandas as pd
from synthetic_study import BEST, CONTROLS, EDITS, LAYERS, RANK, SCENES


def _conditions(finders: tuple[str, ...]) -> list[tuple[int, str, str, str, int]]:
    return [
        (layer, finder, edit, control, draws)
        for layer in LAYERS
        for finder in finders
        for edit in (EDITS if layer == BEST else EDITS[:1])
        for control in ("subspace", *CONTROLS)
        for draws in ((1,) if control == "subspace" else (20,) if layer == BEST else (3,))
    ]


def _truth(layer: int, finder: str, edit: str, control: str) -> float:
    strength = {"diff_means": 0.75, "class_pca": 0.72, "l1_probe": 0.35}.get(finder, 0.5) * {"ablate": 1.0, "swap": 0.8, "steer": 0.6}[edit]
    return (
        strength
        * layer
        / BEST
        * {"subspace": 1.0, "random": 0.015, "variance": 0.55, "shuffled": 0.04, "norm": 0.02}[control]
        * (layer <= BEST or 0.8)
    )


def effects_table(rng: np.random.Generator, finders: tuple[str, ...]) -> pd.DataFrame:
    conditions: list[dict[str, object]] = []
    numerators, denominators, correct = [], [], []
    for layer, finder, edit, control, draws in _conditions(finders):
        effect, own = _truth(layer, finder, edit, control), control == "subspace"
        for draw in range(draws):
            mean = effect if own else effect * (1 + 0.2 * rng.normal()) + 0.01 * rng.normal()
            denominator = rng.gamma(8, 1, SCENES)
            where = {"layer": layer, "tokens": "object", "finder": finder, "rank": RANK, "edit": edit, "control": control}
            conditions.append(where | {"draw": draw, "dose": 1.0, "judge": "probe"})
            denominators.append(denominator)
            numerators.append(mean * denominator + rng.normal(0, 0.8, SCENES))
            correct.append(rng.random(SCENES) > effect)
    scene = np.tile(np.arange(SCENES), len(conditions))
    table = pd.DataFrame(conditions).loc[np.repeat(np.arange(len(conditions)), SCENES)].reset_index(drop=True)
    read = {"numerator": np.concatenate(numerators), "denominator": np.concatenate(denominators), "correct": np.concatenate(correct)}
    return table.assign(scene=scene, target=scene % 8, **read)


def ce_table(effects: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    keys = ["layer", "tokens", "finder", "rank", "edit", "control", "dose", "judge"]
    sums = effects.groupby(keys, as_index=False).agg(num=("numerator", "sum"), den=("denominator", "sum"), draws=("draw", "nunique"))
    sums["value"] = sums["num"] / sums["den"]
    own = sums[sums["control"] == "subspace"].set_index(["layer", "finder", "edit"])["value"]
    rows = []
    for row in sums.to_dict("records"):
        half = 0.04 + 0.03 * rng.random()
        base = own[(row["layer"], row["finder"], row["edit"])]
        is_own = row["control"] == "subspace"
        outside = base > row["value"] * 1.3
        bound = not is_own and abs(row["value"]) < 0.02
        ratio = np.nan if is_own else base / max(abs(row["value"]), 0.01)
        rows.append(
            {key: row[key] for key in keys}
            | {"value": row["value"], "low": row["value"] - half, "high": row["value"] + half, "n": SCENES, "draws": row["draws"]}
            | {
                "difference": np.nan if is_own else base - row["value"],
                "difference_low": np.nan if is_own else base - row["value"] - 1.4 * half,
                "difference_high": np.nan if is_own else base - row["value"] + 1.4 * half,
                "excess_low": np.nan if is_own or row["draws"] < 20 else base - row["value"] - (1.5 * half if outside else 1.0),
                "excess_high": np.nan if is_own or row["draws"] < 20 else base - row["value"] + 1.5 * half,
                "ratio": ratio,
                "ratio_low": abs(ratio) * 0.55,
                "ratio_high": np.inf if bound else ratio * 1.7,
                "ratio_is_bound": bound,
                "percentile": np.nan if is_own else 100.0 if outside else 85.0,
                "p": np.nan if is_own else 1 / (1 + row["draws"]),
                "p_holm": np.nan if is_own else min(1.0, 12 / (1 + row["draws"])),
            }
        )
    table = pd.DataFrame(rows)
    unasked = table["control"] == "subspace"
    return table.assign(ratio_is_bound=table["ratio_is_bound"].astype("boolean").mask(unasked))


def matching_table(rng: np.random.Generator, finders: tuple[str, ...]) -> pd.DataFrame:
    rows = []
    for layer, finder, edit, control, draws in _conditions(finders):
        if control == "subspace":
            continue
        for draw in range(draws):
            variance, norm = 40.0, 5.5
            reached = {"random": 0.08, "variance": 0.62 if finder == "class_pca" else 0.99, "shuffled": 0.3, "norm": 0.07}[control]
            length = {"random": 0.3, "variance": 0.95, "shuffled": 0.5, "norm": 1.0}[control]
            rows.append(
                {
                    "layer": layer,
                    "finder": finder,
                    "edit": edit,
                    "control": control,
                    "draw": draw,
                    "rank": RANK,
                    "variance_target": variance,
                    "variance": variance * reached * (1 + 0.02 * rng.normal()),
                    "norm_target": norm,
                    "norm": norm * (length if control == "norm" else length * (1 + 0.02 * rng.normal())),
                }
            )
    return pd.DataFrame(rows)
