"""Synthetic tables of stage one about values, stable coordinates and single tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from synthetic_study import BEST, LAYERS, SCENES

WIDTH, HALVES, THRESHOLD = 96, 50, 0.9


def values_table(rng: np.random.Generator, outputs: dict[str, str]) -> pd.DataFrame:
    """Value probes: 'degrees' makes an output circular, with held-out arcs; any other unit numeric."""
    rows: list[dict[str, Any]] = []

    def add(encoder: str, seed: int, layer: int, tokens: str, held_out: str, output: str, unit: str, skill: float) -> None:
        circular = unit == "degrees"
        chance = 90.0 if circular else 2.0
        error, r2 = chance * (1 - skill), skill - 0.05
        rows.append(
            {"encoder": encoder, "seed": seed, "layer": layer, "tokens": tokens, "probe": "circular" if circular else "ridge"}
            | {"held_out": held_out, "output": output, "unit": unit, "error": error, "low": error * 0.9, "high": error * 1.1, "n": SCENES}
            | {"chance": chance, "r2": r2, "r2_low": r2 - 0.08, "r2_high": r2 + 0.06, "strength": 1.0}
            | dict.fromkeys(("floor", "gap", "gap_low", "gap_high", "p_order"), np.nan)
        )
        if held_out == "arcs":
            claimed = (encoder, layer, tokens) == ("model", BEST, "object")
            rows[-1] |= {"r2": np.nan, "r2_low": np.nan, "r2_high": np.nan, "floor": 2.2, "p_order": 0.004 if claimed else np.nan}
            rows[-1] |= {"gap": 0.35 * chance, "gap_low": 0.3 * chance, "gap_high": 0.4 * chance}

    for output, unit in outputs.items():
        for layer in LAYERS:
            rise = 1 / (1 + np.exp(2.5 - 1.3 * layer))
            for tokens, lift in (("all", 0.0), ("object", 0.1)):
                for held in ("clips", "arcs") if unit == "degrees" else ("clips",):
                    fall = 0.35 if held == "arcs" else 0.0
                    add("model", -1, layer, tokens, held, output, unit, 0.15 + 0.6 * rise + lift - fall)
                    for seed in range(3):
                        add("untrained", seed, layer, tokens, held, output, unit, 0.2 + 0.02 * rng.normal() - fall)
        for encoder, skill in (("pixels", 0.12), ("frame_differences", 0.5)):
            add(encoder, -1, 0, "all", "clips", output, unit, skill)
    return pd.DataFrame(rows)


def readings_table(rng: np.random.Generator, outputs: dict[str, str]) -> pd.DataFrame:
    parts = []
    for output, unit in outputs.items():
        for held, noise in (("clips", 0.25), ("arcs", 0.6)) if unit == "degrees" else (("clips", 0.5),):
            scene = np.arange(SCENES)
            angle = 2 * np.pi * (scene % 8) / 8
            true = angle if unit == "degrees" else 1 + 3 * rng.random(SCENES)
            predicted = true + noise * rng.normal(size=SCENES)
            predicted = np.arctan2(np.sin(predicted), np.cos(predicted)) if unit == "degrees" else predicted
            where = {"layer": BEST, "tokens": "object", "held_out": held, "output": output}
            parts.append(pd.DataFrame({**where, "scene": scene, "true": true, "predicted": predicted}))
    return pd.concat(parts, ignore_index=True)


def frequencies_table(rng: np.random.Generator) -> pd.DataFrame:
    chance = np.where(rng.random(WIDTH) < 0.2, 0.95, rng.random(WIDTH) * 0.6)
    parts = [
        pd.DataFrame({"layer": layer, "tokens": "object", "coordinate": range(WIDTH), "frequency": rng.binomial(HALVES, chance) / HALVES})
        for layer in LAYERS
    ]
    return pd.concat(parts, ignore_index=True)


def stability_table(probes: pd.DataFrame, frequencies: pd.DataFrame) -> pd.DataFrame:
    rows = []
    path = probes[(probes["probe"] == "l1") & (probes["tokens"] == "object")]
    for row in path.to_dict("records"):
        often = frequencies[frequencies["layer"] == row["layer"]]["frequency"]
        support = min(0.95, 0.85 * row["support"])
        rows.append(
            {key: row[key] for key in ("layer", "tokens", "strength", "chosen")}
            | {"support": support, "support_low": 0.8 * support, "support_high": min(1.0, 1.25 * support), "subsamples": HALVES}
            | {"selected": support * WIDTH, "stable": float((often >= THRESHOLD).mean()) if row["chosen"] else 0.5 * support}
            | {"threshold": THRESHOLD, "false_bound": 3.21 if row["chosen"] else np.nan, "permuted_support": 0.3 * support}
        )
    return pd.DataFrame(rows)


def token_map_table(rng: np.random.Generator, metric: str) -> pd.DataFrame:
    times, side = 8, 8
    t, row, column = (axis.ravel() for axis in np.meshgrid(range(times), range(side), range(side), indexing="ij"))
    bump = np.exp(-((row - 3.5) ** 2 + (column - 2 - 0.4 * t) ** 2) / 3) * np.exp(-((t - 4) ** 2) / 8)
    value = (0.125 if metric == "accuracy" else 0.0) + 0.6 * bump + 0.03 * rng.normal(size=len(t))
    where = {"layer": BEST, "tokens": "each", "token": range(len(t)), "t": t, "row": row, "column": column, "accuracy": value}
    chance = 0.125 if metric == "accuracy" else 0.0
    return pd.DataFrame({**where, "low": value - 0.1, "high": value + 0.1, "n": SCENES, "chance": chance, "metric": metric, "null": 0.27})
