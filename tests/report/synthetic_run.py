"""A run folder made of random numbers: clearly test data, but with exactly the files, keys and columns of a real one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from synthetic_effects import ce_table, effects_table, matching_table
from synthetic_probes import leaks_table, probes_table, write_stage_one
from synthetic_stage_three import write_stage_three
from synthetic_stage_two import write_stage_two
from synthetic_study import BEST, CONTROLS, EDITS, FINDERS, LAYERS
from synthetic_transfers import angles_table, portability_table


def summary_of(clips: str, tables: dict[str, pd.DataFrame], finders: tuple[str, ...]) -> dict[str, Any]:
    probes, ce, port = tables["probes"], tables["ce"], tables["portability"]
    picked = probes[probes["chosen"] & (probes["tokens"] == "object")]
    best = ce[ce["layer"] == BEST]

    def interval(row: Any, *more: str) -> dict[str, Any]:
        return {key: row[key] for key in ("value", "low", "high", *more)}

    def of(finder: str, edit: str, control: str) -> Any:
        return best[(best["finder"] == finder) & (best["edit"] == edit) & (best["control"] == control)].iloc[0]

    def ratio(finder: str, control: str) -> dict[str, Any]:
        row = of(finder, "ablate", control)
        return {"value": row["ratio"], "low": row["ratio_low"], "high": row["ratio_high"], "bound": bool(row["ratio_is_bound"])}

    def matrix(metric: str) -> dict[str, dict[str, float]]:
        out: dict[str, dict[str, float]] = {}
        for row in port[(port["metric"] == metric) & (port["dose"].isna() | (port["dose"] == 1)) & (port["across"] == "finder")].to_dict(
            "records"
        ):
            out.setdefault(str(row["a"]), {})[str(row["b"])] = row["value"]
        return out

    def by_layer(encoder: str, probe: str, column: str) -> dict[str, float]:
        part = picked[(picked["encoder"] == encoder) & (picked["probe"] == probe)]
        return {str(k): float(v) for k, v in part.groupby("layer")[column].mean().items()}

    return {
        "schema": 1,
        "model": "synthetic",
        "clips": clips,
        "variable": "direction",
        "layers": list(LAYERS),
        "best_layer": BEST,
        "confidence": 0.95,
        "headline": "Synthetic test data: these numbers are drawn at random and mean nothing.",
        "probe": {
            "dense": by_layer("model", "dense", "accuracy"),
            "dense_untrained": by_layer("untrained", "dense", "accuracy"),
            "l1_support": by_layer("model", "l1", "support"),
        },
        "ce": {finder: {edit: interval(of(finder, edit, "subspace"), "n") for edit in EDITS} for finder in finders},
        "controls": {control: {edit: interval(of(finders[0], edit, control), "draws") for edit in EDITS} for control in CONTROLS},
        "ce_ratio": {finder: {control: ratio(finder, control) for control in CONTROLS} for finder in finders},
        "sas": matrix("sas"),
        "rce": matrix("rce"),
        "leaks": {row["baseline"]: {k: row[k] for k in ("accuracy", "chance", "leak")} for row in tables["leaks"].to_dict("records")},
        "seconds": {"capture": 21.4, "discover": 33.02, "intervene": 51.7, "port": 9.4},
    }


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def make_run(
    path: Path,
    seed: int = 0,
    clips: str = "directions8",
    variable: str = "direction",
    outputs: dict[str, str] | None = None,
    finders: tuple[str, ...] = FINDERS,
    stage_two: bool = False,
    stage_three: bool = False,
) -> Path:
    """Write a run folder of random numbers; without ``outputs`` and the later stages it lacks the tables that older folders lack."""
    rng = np.random.default_rng(seed)
    path.mkdir(parents=True)
    (path / "figures").mkdir()
    effects = effects_table(rng, finders)
    tables = {"probes": probes_table(rng), "leaks": leaks_table(), "effects": effects, "matching": matching_table(rng, finders)}
    tables |= {"ce": ce_table(effects, rng), "portability": portability_table(finders), "angles": angles_table(finders)}
    for name, table in tables.items():
        table.to_parquet(path / f"{name}.parquet", index=False)
    added = {} if outputs is None else {"classes": 8, "swap_donor": "twin" if variable == "direction" else "class", "tokens": "object"}
    summary = summary_of(clips, tables, finders) | {"variable": variable} | added
    (path / "summary.json").write_text(json.dumps(_jsonable(summary), indent=1))
    if outputs is not None:
        write_stage_one(path, tables["probes"], outputs, seed)
    if stage_two:
        circular = "degrees" in (outputs or {}).values()
        write_stage_two(path, finders, variable, circular, twins=variable == "direction", seed=seed)
    if stage_three:
        write_stage_three(path, finders)
    provenance = {
        "jepascope": "0.1.0",
        "torch": "2.13.0",
        "transformers": "5.23.0",
        "python": "3.11.2",
        "platform": "Linux-test",
        "cpu_count": 2,
        "checkpoint_digest": "0123456789abcdef",
        "spec_digest": "fedcba9876543210",
        "seeds": {"clips": 0, "untrained": [0, 1, 2]},
        "started": "2026-11-23T00:00:00Z",
        "seconds": 115.52,
        "command": "jepascope run --model nano --out 'runs/one & two'",
    }
    (path / "provenance.json").write_text(json.dumps(provenance))
    (path / "spec.yaml").write_text(f"model: nano\nclips: {json.dumps(clips)}\nvariable: direction\n")
    frames = (rng.random((8, 16, 32, 32, 3)) * 60 + 60).astype(np.uint8)
    for clip in range(8):
        for frame in range(16):
            angle = 2 * np.pi * clip / 8
            x, y = 16 + np.cos(angle) * (frame - 7.5) * 0.8, 16 - np.sin(angle) * (frame - 7.5) * 0.8
            frames[clip, frame, int(y) - 3 : int(y) + 3, int(x) - 3 : int(x) + 3] = (230, 180, 60)
    sheet = frames[:, [0, 5, 10, 15]].transpose(0, 2, 1, 3, 4).reshape(8 * 32, 4 * 32, 3)
    Image.fromarray(sheet).save(path / "figures" / "stimuli.png")
    return path
