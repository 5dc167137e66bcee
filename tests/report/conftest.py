"""A run folder made of random numbers: clearly test data, but with exactly the files, keys and columns of a real one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import combinations, cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

FINDERS = ("diff_means", "class_pca", "l1_probe")
SIX = ("diff_means", "lda", "l1_probe", "ridge_circle_pattern", "leace_pattern", "das")
EDITS = ("ablate", "swap", "steer")
CONTROLS = ("random", "variance", "shuffled", "norm")
LAYERS = range(7)
BEST, RANK, SCENES = 4, 7, 80
DIRECTIONS = ("E", "NE", "N", "NW", "W", "SW", "S", "SE")


def _probes(rng: np.random.Generator) -> pd.DataFrame:
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


def _effects(rng: np.random.Generator, finders: tuple[str, ...]) -> pd.DataFrame:
    parts = []
    for layer, finder, edit, control, draws in _conditions(finders):
        for draw in range(draws):
            effect = _truth(layer, finder, edit, control)
            mean = effect * (1 + (0.2 * rng.normal() if control != "subspace" else 0)) + (
                0.01 * rng.normal() if control != "subspace" else 0
            )
            denominator = rng.gamma(8, 1, SCENES)
            parts.append(
                pd.DataFrame(
                    {
                        "layer": layer,
                        "tokens": "object",
                        "finder": finder,
                        "rank": RANK,
                        "edit": edit,
                        "control": control,
                        "draw": draw,
                        "dose": 1.0,
                        "judge": "probe",
                        "scene": np.arange(SCENES),
                        "target": np.arange(SCENES) % 8,
                        "numerator": mean * denominator + rng.normal(0, 0.8, SCENES),
                        "denominator": denominator,
                        "correct": rng.random(SCENES) > effect,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def _ce(effects: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    keys = ["layer", "tokens", "finder", "rank", "edit", "control", "dose", "judge"]
    sums = effects.groupby(keys, as_index=False).agg(num=("numerator", "sum"), den=("denominator", "sum"), draws=("draw", "nunique"))
    sums["value"] = sums["num"] / sums["den"]
    own = sums[sums["control"] == "subspace"].set_index(["layer", "finder", "edit"])["value"]
    rows = []
    for row in sums.to_dict("records"):
        half = 0.04 + 0.03 * rng.random()
        base = own[(row["layer"], row["finder"], row["edit"])]
        is_own = row["control"] == "subspace"
        bound = not is_own and abs(row["value"]) < 0.02
        ratio = np.nan if is_own else base / max(abs(row["value"]), 0.01)
        rows.append(
            {key: row[key] for key in keys}
            | {"value": row["value"], "low": row["value"] - half, "high": row["value"] + half, "n": SCENES, "draws": row["draws"]}
            | {
                "difference": np.nan if is_own else base - row["value"],
                "difference_low": np.nan if is_own else base - row["value"] - 1.4 * half,
                "difference_high": np.nan if is_own else base - row["value"] + 1.4 * half,
                "ratio": ratio,
                "ratio_low": abs(ratio) * 0.55,
                "ratio_high": np.inf if bound else ratio * 1.7,
                "ratio_is_bound": bound,
                "percentile": np.nan if is_own else 100.0 if base > row["value"] * 1.3 else 85.0,
                "p": np.nan if is_own else 1 / (1 + row["draws"]),
                "p_holm": np.nan if is_own else min(1.0, 12 / (1 + row["draws"])),
            }
        )
    table = pd.DataFrame(rows)
    unasked = table["control"] == "subspace"
    return table.assign(ratio_is_bound=table["ratio_is_bound"].astype("boolean").mask(unasked))


def _matching(rng: np.random.Generator, finders: tuple[str, ...]) -> pd.DataFrame:
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


def _portability(finders: tuple[str, ...]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []

    def add(metric: str, across: str, a: str, b: str, dose: float, value: float, **more: Any) -> None:
        rows.append(
            {"metric": metric, "across": across, "a": a, "b": b, "layer": BEST, "rank": RANK, "dose": dose, "value": value}
            | {"low": value - 0.06, "high": value + 0.06, "n": SCENES, "chance": np.nan, "calibrated": np.nan, "ceiling": np.nan}
            | {"floor_random": np.nan, "floor_variance": np.nan, "saturated": False}
            | more
        )

    overlap = {("diff_means", "class_pca"): 0.93, ("diff_means", "l1_probe"): 0.31, ("class_pca", "l1_probe"): 0.29}
    pairs = [("finder", a, b, overlap.get((a, b), 0.4)) for a, b in combinations(finders, 2)]
    pairs += [("data seed", f"{f}/seed 0", f"{f}/seed 1", 0.88) for f in finders]
    chance = RANK / 96
    for across, a, b, sas in pairs:
        add("sas", across, a, b, np.nan, sas, chance=chance, calibrated=(sas - chance) / (1 - chance), ceiling=0.94, n=200)
        for first, second, value in ((a, b, min(1.02, sas + 0.35)), (b, a, min(1.05, sas + 0.42))):
            for dose in (0.25, 0.5, 1.0, 1.5):
                add(
                    "rce",
                    across,
                    first,
                    second,
                    dose,
                    value + 0.05 * (dose - 1),
                    floor_random=0.02 * dose,
                    floor_variance=0.5,
                    ceiling=1.0,
                    saturated=dose > 1.2,
                )
    return pd.DataFrame(rows)


def _angles(finders: tuple[str, ...]) -> pd.DataFrame:
    rows = []
    for (a, b), tilt in zip(combinations(finders, 2), cycle((3.0, 9.0, 10.0)), strict=False):
        for index in range(RANK):
            random = 62 + 4 * index
            rows.append(
                {"a": a, "b": b, "across": "finder", "layer": BEST, "index": index, "degrees": min(tilt * (index + 1), 89.0)}
                | {"random_mean": random, "random_low": random - 6, "random_high": min(random + 6, 90)}
            )
    return pd.DataFrame(rows)


def _summary(clips: str, tables: dict[str, pd.DataFrame], finders: tuple[str, ...]) -> dict[str, Any]:
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


def _leaks() -> pd.DataFrame:
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


WIDTH, HALVES, THRESHOLD = 96, 50, 0.9


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
    probes = _probes(np.random.default_rng(3))
    write_stage_one(folder, probes, outputs) if outputs else probes.to_parquet(folder / "probes.parquet", index=False)
    summary = {"variable": variable, "classes": classes, "best_layer": BEST, "tokens": "object", "confidence": 0.95, "layers": list(LAYERS)}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


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
) -> Path:
    """Write a run folder of random numbers; without ``outputs`` it lacks the tables that older folders lack."""
    rng = np.random.default_rng(seed)
    path.mkdir(parents=True)
    (path / "figures").mkdir()
    effects = _effects(rng, finders)
    tables = {"probes": _probes(rng), "leaks": _leaks(), "effects": effects, "matching": _matching(rng, finders), "ce": _ce(effects, rng)}
    tables |= {"portability": _portability(finders), "angles": _angles(finders)}
    for name, table in tables.items():
        table.to_parquet(path / f"{name}.parquet", index=False)
    added = {} if outputs is None else {"classes": 8, "swap_donor": "twin" if variable == "direction" else "class", "tokens": "object"}
    summary = _summary(clips, tables, finders) | {"variable": variable} | added
    (path / "summary.json").write_text(json.dumps(_jsonable(summary), indent=1))
    if outputs is not None:
        write_stage_one(path, tables["probes"], outputs, seed)
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


MakeRun = Callable[..., Path]


@pytest.fixture(scope="session", name="make_run")
def run_maker(tmp_path_factory: pytest.TempPathFactory) -> MakeRun:
    """Writes a run folder to a path; the usual one is made once and copied."""
    usual = make_run(tmp_path_factory.mktemp("usual") / "run")

    def maker(path: Path, **options: Any) -> Path:
        return make_run(path, **options) if options else Path(shutil.copytree(usual, path))

    return maker


@pytest.fixture(scope="session", name="write_probed")
def probed_writer() -> Callable[..., Path]:
    """Writes RUN/probe-<variable>."""
    return write_probed


@pytest.fixture
def make(tmp_path: Path, make_run: MakeRun) -> MakeRun:
    """Makes run folders under the test's own folder."""
    made = 0

    def maker(**options: Any) -> Path:
        nonlocal made
        made += 1
        return make_run(tmp_path / f"run{made}", **options)

    return maker
