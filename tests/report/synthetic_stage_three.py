"""Synthetic tables of stage three: transfers across layers and clip sets, what subspaces read, degeneracy, and transfers to other runs."""

from __future__ import annotations

import json
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from synthetic_study import BEST, LAYERS, RANK, SCENES

from schema_tables import made

FLOOR_ENDS = ("floor_random_low", "floor_random_high", "floor_variance_low", "floor_variance_high", "excess_low", "excess_high")
CHANCE = RANK / 96


def ends(name: str, value: float, half: float = 0.06) -> dict[str, float]:
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}


def transfer(across: str, a: str, b: str, sas: float, value: float, read: float, **more: Any) -> list[dict[str, Any]]:
    """Rows of one pair: SAS, readings, and RCE of a in place of b at three doses, saturated at the full one."""
    shared = {"across": across, "a": a, "b": b, "layer": BEST, "rank": RANK, "dose": np.nan, "low": np.nan, "high": np.nan, "edit": ""}
    rows = [
        shared | {"metric": "sas", "value": sas, "n": 0, "chance": CHANCE, "calibrated": (sas - CHANCE) / (1 - CHANCE), "ceiling": 0.9},
        shared | {"metric": "readings", "value": read, "low": read - 0.03, "high": read + 0.03, "n": 160, "chance": 0.09},
    ]
    floor = more.get("floor_variance", 0.3)
    for dose in (0.25, 0.5, 1.0):
        rows.append(
            shared
            | {"metric": "rce", "edit": "ablate", "dose": dose, "value": value, "low": value - 0.05, "high": value + 0.05, "n": SCENES}
            | ends("floor_random", 0.05, 0.02)
            | ends("floor_variance", floor, 0.05)
            | {"excess_low": value - floor - 0.08, "excess_high": value - floor + 0.08, "saturated": dose == 1.0}
            | more
        )
    return rows


def with_stage_three(table: pd.DataFrame, finders: tuple[str, ...]) -> pd.DataFrame:
    """The portability table as this version writes it: readings, intervals of floors, and pairs across layers and clip sets."""
    rce, chance = table["metric"] == "rce", {"chance": 0.09, "n": 160, "ceiling": np.nan, "calibrated": np.nan}
    sas = table[~rce]
    table = table.assign(edit=np.where(rce, "ablate", ""), excess_low=table["value"] - table["floor_variance"] - 0.09)
    table = table.assign(excess_high=table["value"] - table["floor_variance"] + 0.09)
    for floor in ("floor_random", "floor_variance"):
        table = table.assign(**{f"{floor}_low": table[floor] - 0.04, f"{floor}_high": table[floor] + 0.04})
    readings = sas.assign(metric="readings", value=np.where(sas["value"] < 0.5, 0.9, 0.97), **chance)
    readings = readings.assign(low=readings["value"] - 0.03, high=readings["value"] + 0.02, edit="")
    rows: list[dict[str, Any]] = []
    for number, finder in enumerate(finders):
        for layer in LAYERS:
            if layer != BEST:
                near = 1 - 0.15 * abs(layer - BEST) - 0.05 * number
                rows += transfer("layer", f"{finder} (layer {layer})", finder, 0.85 * near, 1.02 * near, 0.9 * near)
        rows += transfer("clip set", finder, f"{finder} (complex)", 0.25 + 0.05 * number, 0.93 - 0.2 * number, 0.7)
        rows += transfer("clip set", finder, f"{finder} (circle)", 0.6, 0.9, 0.9)
    return with_nulls(pd.concat([table, readings, pd.DataFrame(rows)], ignore_index=True))


def with_nulls(table: pd.DataFrame) -> pd.DataFrame:
    """SAS beside permuted labels, PCA and the fit, and every transfer again at equal token norm."""
    sas = {
        "null_shuffled": 0.15,
        "null_shuffled_high": 0.2,
        "null_pca": 0.18,
        "pca_low": 0.05,
        "pca_high": 0.3,
        "fit_low": 0.2,
        "fit_high": 0.5,
    }
    kept = {"metric": "rce_norm", "floor_variance": 0.3, "floor_shuffled": 0.4, "floor_pca": 0.5, "p": 0.001, "p_holm": 0.02}
    for name, value in sas.items():
        table = table.assign(**{name: np.where(table["metric"] == "sas", value, np.nan)})
    norm = table[table["metric"] == "rce"].drop_duplicates(["across", "a", "b"])
    return pd.concat([table, norm.assign(**kept, floor_random=np.nan, looked_at=float(len(norm)))], ignore_index=True)


def angles_elsewhere(finders: tuple[str, ...]) -> pd.DataFrame:
    rows = []
    pairs = [("data seed", f"{finder} (other seed)", finder, 4.0) for finder in finders]
    pairs += [
        ("layer", f"{finder} (layer {layer})", finder, 3.0 * abs(layer - BEST)) for finder in finders for layer in LAYERS if layer != BEST
    ]
    pairs += [("clip set", finder, f"{finder} (complex)", 9.0) for finder in finders]
    for across, a, b, tilt in pairs:
        for index in range(RANK):
            random = 62 + 4 * index
            rows.append(
                {"a": a, "b": b, "across": across, "layer": BEST, "index": index, "degrees": min(tilt * (index + 1), 89.0)}
                | {"random_mean": random, "random_low": random - 6, "random_high": min(random + 6, 90)}
            )
    return made("angles", rows)


def carried_readout() -> pd.DataFrame:
    rows = [("directions8", "directions8", 0.95), ("complex", "complex", 0.8), ("complex", "directions8", 0.45), ("circle", "circle", 0.9)]
    rows.append(("circle", "directions8", 0.88))
    read = [{"clips": clips, "probe_from": of, "accuracy": value, "low": value - 0.05, "high": value + 0.04} for clips, of, value in rows]
    return made("carried_readout", [row | {"layer": 6, "n": 160, "chance": 0.125} for row in read])


def degeneracy(finders: tuple[str, ...]) -> pd.DataFrame:
    """Parts as they are stored: "a without b" and "a" of either order, "whole" of the first."""
    rows = []
    for a, b in combinations(finders, 2):
        parts = [(a, b, "a without b", 0.7), (b, a, "a without b", 0.6), (a, b, "whole", 0.8), (a, b, "a", 0.75), (b, a, "a", 0.65)]
        for first, second, part, value in parts:
            at = {"layer": BEST, "a": first, "b": second, "part": part, "rank": RANK, "n": SCENES}
            rows.append(at | {"control": "subspace", "draws": 1} | {"value": value, "low": value - 0.07, "high": value + 0.07})
            if part in ("a without b", "whole"):
                for control, null in (("random", 0.02), ("variance", 0.11)):
                    excess = {"excess": value - null, "excess_low": value - null - 0.1, "excess_high": value - null + 0.1}
                    rows.append(at | {"control": control, "draws": 20} | {"value": null, "low": null - 0.02, "high": null + 0.03} | excess)
    return made("degeneracy", rows)


KINDS = (
    "degenerate",
    "redundant by correlation",
    "parts of one",
    "undecided",
    "saturated",
    "not degenerate",
    "one subspace",
    "conjunctive",
)


def verdicts(finders: tuple[str, ...]) -> pd.DataFrame:
    rows = []
    for number, (a, b) in enumerate(combinations(finders, 2)):
        kind = KINDS[(number + 1) % len(KINDS)]
        rows.append(
            {"layer": BEST, "a": a, "b": b, "verdict": kind, "reason": f"synthetic reason {number} for {kind}"}
            | {"sas": 0.31, "sas_chance": CHANCE, "ceiling": 0.9, "readings_chance": 0.09, "rce_dose": 0.5, "saturated": False}
            | ends("readings", 0.92, 0.03)
            | ends("rce", 0.9)
            | ends("a_alone", 0.7)
            | {"a_floor": 0.11, "a_excess_low": 0.5, "a_excess_high": 0.68}
            | ends("b_alone", 0.6)
            | {"b_floor": 0.12, "b_excess_low": 0.4, "b_excess_high": 0.58}
            | ends("whole", 0.8)
            | ends("surplus", 0.5)
            | {"refit_accuracy": 0.7, "refit_low": 0.6, "refit_high": 0.8, "refit_chance": 0.125, "n": SCENES}
        )
    return made("verdicts", rows)


def peeling(values: tuple[float, ...] = (0.8, 0.6, 0.12), finder: str = "das", **more: Any) -> pd.DataFrame:
    """The last stage meets its control; ``more`` are columns that the stages' own rows have besides."""
    rows = []
    for stage, value in enumerate(values, start=1):
        at = {"layer": BEST, "finder": finder, "stage": stage, "rank": RANK, "n": SCENES}
        above = value > 0.3
        alone = ends("alone", value - 0.1) if above else {}
        own = {"control": "subspace", "value": value, "low": value - 0.06, "high": value + 0.06, "draws": 1, "above": above}
        rows.append(at | own | alone | more)
        for control, null in (("random", 0.02), ("variance", 0.1)):
            rows.append(
                at
                | {"control": control, "value": null, "low": null - 0.02, "high": null + 0.02, "draws": 20}
                | {"excess_low": value - null - 0.1, "excess_high": value - null + 0.1}
            )
    return made("peeling", rows)


MODELS = {"nano": 7, "nano-wide": 9}  # layers, the embedding counted
CHOSEN = (("nano", "nano-wide", 4, 5, "both"), ("nano-wide", "nano", 5, 4, "both"), ("nano", "nano-wide", 6, 6, "best match"))


def similarity() -> pd.DataFrame:
    rows = []
    for i in range(MODELS["nano"]):
        for j in range(MODELS["nano-wide"]):
            alike = 0.95 - 0.9 * abs(i / (MODELS["nano"] - 1) - j / (MODELS["nano-wide"] - 1))
            at = {"source": "nano", "target": "nano-wide", "source_layer": i, "target_layer": j, "metric": "cka", "n": 160}
            rows.append(at | {"value": alike, "components": 0} | ends("chance", 0.08, 0.02))
    for source, target, one, other, _ in CHOSEN:
        for metric, value in (("cca", 0.71), ("cca_in_sample", 0.93), ("ridge_r2", 0.55), ("procrustes_r2", 0.4)):
            at = {"source": source, "target": target, "source_layer": one, "target_layer": other, "metric": metric, "n": 160}
            own = {"value": value, "components": 40} | ({} if metric == "cca_in_sample" else {"low": value - 0.04, "high": value + 0.04})
            rows.append(at | own | ends("chance", 0.02, 0.05) | {"label_chance": 0.4, "label_low": 0.34, "label_high": 0.45})
    return made("similarity", rows)


USED = {"native": 0.8, "carried": 0.62, "random source": 0.05, "shuffled pairs": 0.08, "shuffled in class": 0.4, "random": 0.02}
USED["variance"] = 0.12


def transport(finders: tuple[str, ...], maps: tuple[str, ...] = ("ridge", "procrustes")) -> pd.DataFrame:
    """CE of the native and the carried subspace at three doses, and of the floors of ablation at one of them."""
    rows = []
    for source, target, one, other, choice in CHOSEN:
        for way in maps:
            for finder in finders:
                at = {"source": source, "target": target, "source_layer": one, "target_layer": other, "choice": choice, "map": way}
                at |= {"finder": finder, "rank": RANK, "n": SCENES, "sas": 0.5, "sas_chance": CHANCE}
                for edit, dose, used in product(("ablate", "swap"), (0.25, 0.5, 1.0), USED):
                    floor = used not in ("native", "carried")
                    if (edit == "swap" and dose < 1) or (floor and (edit, dose) != ("ablate", 0.5)):
                        continue
                    value = USED[used] * dose
                    rows.append(
                        at
                        | {"edit": edit, "dose": dose, "used": used, "value": value, "low": value - 0.04, "high": value + 0.04}
                        | {"draws": 20 if floor else 1, "saturated": dose == 1 and edit == "ablate"}
                        | ends("rce", USED[used] / USED["native"], 0.05)
                        | (ends("difference", USED["carried"] * dose - value, 0.03) if floor else {})
                    )
    return made("transport", rows)


def write_port(run: Path, digest: str = "0123abcd", kind: str = "models", finders: tuple[str, ...] = ("diff_means", "l1_probe")) -> Path:
    """RUN/port-<digest> of either kind."""
    folder = run / f"port-{digest}"
    folder.mkdir()

    def side(model: str) -> dict[str, Any]:
        sizes = {"depth": 6, "width": 96, "grid": [8, 8, 8]}
        return {"path": f"runs/{model}", "model": model, "clips": "directions8", "variable": "direction", "best_layer": BEST} | sizes

    pairs = [dict(zip(("source", "target", "source_layer", "target_layer", "choice"), pair, strict=True)) for pair in CHOSEN]
    summary = {
        "schema": 1,
        "kind": kind,
        "headline": f"Synthetic headline of {digest}",
        "a": side("nano"),
        "b": side("nano-wide"),
        "seconds": {"port": 1},
    }
    if kind == "models":
        similarity().to_parquet(folder / "similarity.parquet", index=False)
        transport(finders).to_parquet(folder / "transport.parquet", index=False)
    else:
        rows = [row for name in finders for row in transfer("run", name, f"{name} (other run)", 0.35, 0.95, 0.6)]
        made("portability", rows).to_parquet(folder / "portability.parquet", index=False)
        angles = angles_elsewhere(finders)
        angles[angles["across"] == "data seed"].assign(across="run").to_parquet(folder / "angles.parquet", index=False)
    (folder / "summary.json").write_text(json.dumps(summary | {"pairs": pairs if kind == "models" else []}))
    return folder


def write_stage_three(path: Path, finders: tuple[str, ...]) -> None:
    """Put what this version writes into a run folder, in place of the portability and angles of earlier ones."""
    with_stage_three(pd.read_parquet(path / "portability.parquet"), finders).to_parquet(path / "portability.parquet", index=False)
    angles = pd.concat([pd.read_parquet(path / "angles.parquet"), angles_elsewhere(finders)], ignore_index=True)
    angles.to_parquet(path / "angles.parquet", index=False)
    tables = {"carried_readout": carried_readout(), "degeneracy": degeneracy(finders), "verdicts": verdicts(finders)}
    tables["peeling"] = peeling(verdict="degenerate", copies=2, reason="2 subspace(s) of das lie above their controls")
    for name, table in tables.items():
        table.to_parquet(path / f"{name}.parquet", index=False)
    summary = json.loads((path / "summary.json").read_text())
    told = [{key: row[key] for key in ("a", "b", "verdict", "reason")} for row in tables["verdicts"].to_dict("records")]
    summary["degeneracy"] = {
        "verdicts": told,
        "peeling": {"finder": "das", "copies": 2, "stages": 3, "verdict": "degenerate", "reason": ""},
    }
    (path / "summary.json").write_text(json.dumps(summary))
    write_port(path, finders=finders[:2])
