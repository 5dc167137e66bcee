"""Synthetic tables of stage one about classes, and stage one of a run folder as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from synthetic_study import BEST, LAYERS, SCENES
from synthetic_values import frequencies_table, readings_table, stability_table, token_map_table, values_table


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


def write_stage_one(run: Path, probes: pd.DataFrame, outputs: dict[str, str], seed: int = 0) -> None:
    """The tables that this version adds, as a study of ``outputs`` (names and units) writes them."""
    rng = np.random.default_rng(seed)
    frequencies = frequencies_table(rng)
    circular = "degrees" in outputs.values()
    tables = {
        "probes": pd.concat([probes, _null_probes(rng, probes)], ignore_index=True),
        "values": values_table(rng, outputs),
        "readings": readings_table(rng, outputs),
        "stability": stability_table(probes, frequencies),
        "frequencies": frequencies,
        "token_map": token_map_table(rng, "accuracy" if circular else "r2"),
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
