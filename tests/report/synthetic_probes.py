"""Synthetic tables of stage one: probes, values, readings, stability, token maps, leaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from synthetic_study import BEST, LAYERS, SCENES

WIDTH, HALVES, THRESHOLD = 96, 50, 0.9


def probes_table(rng: np.random.Generator) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []

    def add(
        encoder: str, seed: int, layer: int, tokens: str, probe: str, strength: float, accuracy: float, support: float, chosen: bool
    ) -> None:
        accuracy = float(np.clip(accuracy, 0.05, 0.995))
        half = 1.96 * np.sqrt(accuracy * (1 - accuracy) / SCENES)
        rows.append(
            {
                "encoder": encoder,
                "seed": seed,
                "layer": layer,
                "tokens": tokens,
                "probe": probe,
                "strength": strength,
                "accuracy": accuracy,
                "low": max(accuracy - half, 0),
                "high": min(accuracy + half, 1),
                "n": SCENES,
                "chance": 0.125,
                "support": support,
                "cv_accuracy": accuracy - 0.02,
                "cv_se": 0.02,
                "chosen": chosen,
                "gap": 1e-4,
            }
        )

    for layer in LAYERS:
        rise = 1 / (1 + np.exp(2.5 - 1.3 * layer))
        for tokens, lift in (("all", 0.0), ("object", 0.08)):
            for strength in (0.01, 0.1):
                add("model", -1, layer, tokens, "dense", strength, 0.35 + 0.55 * rise + lift + rng.normal(0, 0.01), np.nan, strength == 0.1)
            for strength in np.geomspace(0.003, 0.3, 7):
                support = float(np.exp(-4 * strength * 3) * 0.8)
                accuracy = (0.3 + 0.6 * rise + lift) * min(1.0, support * 6 + 0.15)
                add("model", -1, layer, tokens, "l1", strength, accuracy, support, bool(np.isclose(strength, 0.03, rtol=0.1)))
            for seed in range(3):
                add("untrained", seed, layer, tokens, "dense", 0.1, 0.42 + 0.03 * layer**0.5 + rng.normal(0, 0.03), np.nan, True)
    add("pixels", -1, 0, "all", "dense", 0.1, 0.31, np.nan, True)
    return pd.DataFrame(rows)


def leaks_table() -> pd.DataFrame:
    names = (
        "pixels_first_frame",
        "pixels_last_frame",
        "pixels_shuffled_frames",
        "pixels_mean_frame",
        "model_first_frame",
        "model_shuffled_frames",
    )
    accuracy = np.array([0.36, 0.34, 0.14, 0.11, 0.41, 0.13])
    return pd.DataFrame(
        {
            "baseline": names,
            "accuracy": accuracy,
            "low": accuracy - 0.08,
            "high": accuracy + 0.09,
            "n": SCENES,
            "chance": 0.125,
            "leak": accuracy > 0.3,
        }
    )


def _null_probes(rng: np.random.Generator, probes: pd.DataFrame) -> pd.DataFrame:
    """Rows of the control task and of permuted labels, at the study's tokens."""
    model = probes[(probes["encoder"] == "model") & (probes["probe"] == "dense") & (probes["tokens"] == "object") & probes["chosen"]]
    rows = []
    for row in model.to_dict("records"):
        rows += [
            row | {"encoder": "control_task", "seed": k, "accuracy": 0.3 + 0.02 * rng.normal(), "low": 0.2, "high": 0.4} for k in range(3)
        ]
        rows += [
            row | {"encoder": "permuted", "seed": k, "accuracy": rng.binomial(80, 0.125) / 80, "low": 0, "high": 0.2} for k in range(5)
        ]
    return pd.DataFrame(rows)


def _values(rng: np.random.Generator, outputs: dict[str, str]) -> pd.DataFrame:
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


def _readings(rng: np.random.Generator, outputs: dict[str, str]) -> pd.DataFrame:
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


def _frequencies(rng: np.random.Generator) -> pd.DataFrame:
    chance = np.where(rng.random(WIDTH) < 0.2, 0.95, rng.random(WIDTH) * 0.6)
    parts = [
        pd.DataFrame({"layer": layer, "tokens": "object", "coordinate": range(WIDTH), "frequency": rng.binomial(HALVES, chance) / HALVES})
        for layer in LAYERS
    ]
    return pd.concat(parts, ignore_index=True)


def _stability(probes: pd.DataFrame, frequencies: pd.DataFrame) -> pd.DataFrame:
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


def _token_map(rng: np.random.Generator, metric: str) -> pd.DataFrame:
    times, side = 8, 8
    t, row, column = (axis.ravel() for axis in np.meshgrid(range(times), range(side), range(side), indexing="ij"))
    bump = np.exp(-((row - 3.5) ** 2 + (column - 2 - 0.4 * t) ** 2) / 3) * np.exp(-((t - 4) ** 2) / 8)
    value = (0.125 if metric == "accuracy" else 0.0) + 0.6 * bump + 0.03 * rng.normal(size=len(t))
    where = {"layer": BEST, "tokens": "each", "token": range(len(t)), "t": t, "row": row, "column": column, "accuracy": value}
    chance = 0.125 if metric == "accuracy" else 0.0
    return pd.DataFrame({**where, "low": value - 0.1, "high": value + 0.1, "n": SCENES, "chance": chance, "metric": metric, "null": 0.27})


def write_stage_one(run: Path, probes: pd.DataFrame, outputs: dict[str, str], seed: int = 0) -> None:
    """The tables that this version adds, as a study of ``outputs`` (names and units) writes them."""
    rng = np.random.default_rng(seed)
    frequencies = _frequencies(rng)
    circular = "degrees" in outputs.values()
    tables = {
        "probes": pd.concat([probes, _null_probes(rng, probes)], ignore_index=True),
        "values": _values(rng, outputs),
        "readings": _readings(rng, outputs),
        "stability": _stability(probes, frequencies),
        "frequencies": frequencies,
        "token_map": _token_map(rng, "accuracy" if circular else "r2"),
    }
    for name, table in tables.items():
        table.to_parquet(run / f"{name}.parquet", index=False)


def write_probed(run: Path, variable: str, outputs: dict[str, str], classes: int = 4) -> Path:
    """RUN/probe-<variable>, as ``jepascope probe`` writes it."""
    folder = run / f"probe-{variable.replace('/', '_')}"
    folder.mkdir()
    probes = probes_table(np.random.default_rng(3))
    write_stage_one(folder, probes, outputs) if outputs else probes.to_parquet(folder / "probes.parquet", index=False)
    summary = {"variable": variable, "classes": classes, "best_layer": BEST, "tokens": "object", "confidence": 0.95, "layers": list(LAYERS)}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder
