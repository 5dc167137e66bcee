"""summary.json: the run's figures under stable keys, and its headline in words. Made from the tables alone."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from jepascope.study.spec import StudySpec

SCHEMA = 1
LEVEL = 0.95


def number(value: Any) -> float | None:
    """A JSON number; null where there is none (NaN or infinite)."""
    value = float(value)
    return value if math.isfinite(value) else None


def summarise(
    spec: StudySpec,
    model: str,
    depth: int,
    best: int,
    probes: pd.DataFrame,
    leaks: pd.DataFrame,
    ce: pd.DataFrame,
    matching: pd.DataFrame,
    portability: pd.DataFrame,
    splits: dict[str, int],
    seconds: dict[str, float],
) -> dict[str, Any]:
    """All keys that the issue of the first release names, and a few more; keys are added, never renamed."""
    chosen = probes[probes["chosen"] & (probes["tokens"] == spec.tokens)]
    own = chosen[chosen["encoder"] == "model"]
    untrained = chosen[(chosen["encoder"] == "untrained") & (chosen["probe"] == "dense")]
    l1 = own[own["probe"] == "l1"]
    summary: dict[str, Any] = {
        "schema": SCHEMA,
        "headline": "",
        "model": model,
        "clips": spec.clips,
        "variable": spec.variable,
        "tokens": spec.tokens,
        "confidence": LEVEL,
        "splits": splits,
        "layers": list(range(depth + 1)),
        "best_layer": best,
        "chance": number(own["chance"].max()),
        "rank": spec.rank_of(spec.finders[0]),
        "swap_donor": "twin" if spec.state_variable.rendered else "class",
        "probe": {
            "dense": _by_layer(own[own["probe"] == "dense"], "accuracy"),
            "dense_untrained": _by_layer(untrained.groupby("layer")[["accuracy"]].mean().reset_index(), "accuracy"),
            "l1": _by_layer(l1, "accuracy"),
            "l1_support": _by_layer(l1, "support"),
        },
        **effects_at(ce, matching, best),
        "sas": pairs(portability, "sas", best),
        "rce": pairs(portability, "rce", best),
        "leaks": {
            row["baseline"]: {
                "accuracy": row["accuracy"],
                "chance": row["chance"],
                "leak": bool(row["leak"]),
                "explained": row["explained"],
            }
            for _, row in leaks.iterrows()
        },
        "seconds": seconds,
    }
    summary["headline"] = headline(summary, probes)
    return summary


def _by_layer(rows: pd.DataFrame, column: str) -> dict[str, float | None]:
    return {str(int(row["layer"])): number(row[column]) for _, row in rows.iterrows()}


def effects_at(ce: pd.DataFrame, matching: pd.DataFrame, layer: int) -> dict[str, Any]:
    """CE of every finder and edit, of every control (over finders), and the ablation's ratios, at one layer.

    ``overlap`` beside a ratio: mean SAS of the control's draws with the subspace.
    """
    here = ce[ce["layer"] == layer]
    drawn = matching[(matching["layer"] == layer) & (matching["edit"] == "ablate")]
    overlaps = {key: float(rows["overlap"].mean()) for key, rows in drawn.groupby(["finder", "control"])}
    effects: dict[str, Any] = {}
    controls: dict[str, Any] = {}
    ratios: dict[str, Any] = {}
    for _, row in here.iterrows():
        figure = {"value": number(row["value"]), "low": number(row["low"]), "high": number(row["high"])}
        if row["control"] == "subspace":
            direct = {"value": number(row["direct"]), "low": number(row["direct_low"]), "high": number(row["direct_high"])}
            effects.setdefault(row["finder"], {})[row["edit"]] = {**figure, "n": int(row["n"]), "direct": direct}
            continue
        entry = controls.setdefault(row["control"], {}).setdefault(row["edit"], {**figure, "draws": int(row["draws"]), "by_finder": {}})
        entry["by_finder"][row["finder"]] = figure
        if row["edit"] == "ablate":
            ratio = {"value": row["ratio"], "low": row["ratio_low"], "high": row["ratio_high"]}
            ratios.setdefault(row["finder"], {})[row["control"]] = {
                **{key: number(value) for key, value in ratio.items()},
                "bound": bool(row["ratio_is_bound"]),
                "percentile": number(row["percentile"]),
                "p_holm": number(row["p_holm"]),
                "excess_low": number(row["excess_low"]),
                "excess_high": number(row["excess_high"]),
                "overlap": overlaps.get((row["finder"], row["control"])),
            }
    return {"ce": effects, "controls": controls, "ce_ratio": ratios}


def pairs(portability: pd.DataFrame, metric: str, layer: int) -> dict[str, dict[str, float | None]]:
    """``[a][b]`` of a portability metric at one layer; RCE at the largest dose that does not saturate, else at the largest."""
    rows = portability[(portability["metric"] == metric) & (portability["layer"] == layer)]
    if metric == "rce":
        rows = rows.sort_values(["saturated", "dose"], ascending=[True, False], kind="stable").drop_duplicates(["a", "b"])
    found: dict[str, dict[str, float | None]] = {}
    for _, row in rows.iterrows():
        found.setdefault(row["a"], {})[row["b"]] = number(row["value"])
    return found


def headline(summary: dict[str, Any], probes: pd.DataFrame) -> str:
    """The figures that matter, the least flattering comparison among them: what decodes and from what else, what ablation does
    and how much of that the residual stream carries by itself, and what the controls do, the closest one named.
    """
    layer, variable, spec_tokens = summary["best_layer"], summary["variable"], summary["tokens"]
    text = (
        f"{variable.capitalize()} is read from {summary['model']} with accuracy {summary['probe']['dense'][str(layer)]:.3f} at layer "
        f"{layer} of {summary['layers'][-1]} ({_baselines(probes, layer, spec_tokens)}chance {summary['chance']:.3f})"
    )
    finder = next(iter(summary["ce"]))
    effect = summary["ce"][finder]["ablate"]
    if effect["value"] is None or effect["low"] is None:
        return text + "; the judge reads no margin there, so no causal effect can be stated."
    text += (
        f"; ablating the rank-{summary['rank']} {finder} subspace removes {100 * effect['value']:.0f} "
        f"[{100 * effect['low']:.0f}, {100 * effect['high']:.0f}] % of the judge's margin"
    )
    if effect["direct"]["value"] is not None:
        text += f", {100 * effect['direct']['value']:.0f} points of it with no block seeing the edit"
    ratios = summary["ce_ratio"].get(finder, {})
    words = {
        "random": "random directions",
        "variance": "variance-matched directions",
        "shuffled": "subspaces found on shuffled labels",
        "norm": "random edits of the same size",
    }
    wanted = ["random", "variance"]
    known = {name: ratio["value"] for name, ratio in ratios.items() if ratio["value"] is not None}
    if known and min(known, key=lambda name: known[name]) not in wanted:
        wanted.append(min(known, key=lambda name: known[name]))
    said = [_against(words[name], ratios[name]) for name in wanted if name in ratios]
    scope = f" (n = {effect['n']} test scenes; 95 % intervals, for this subspace and this read-out)."
    return f"{text}{scope} That is {', '.join(said)}." if said else text + scope


def _baselines(probes: pd.DataFrame, layer: int, tokens: str) -> str:
    """The strongest thing that is not the trained model, and the untrained twins."""
    dense = probes[(probes["probe"] == "dense") & probes["chosen"]]
    untrained = dense[(dense["encoder"] == "untrained") & (dense["layer"] == layer) & (dense["tokens"] == tokens)]["accuracy"]
    pixels = dense[dense["encoder"].isin(["pixels", "frame_differences"])].sort_values("accuracy")
    words = "" if pixels.empty else f"{str(pixels['encoder'].iloc[-1]).replace('_', ' ')} {pixels['accuracy'].iloc[-1]:.2f}, "
    return words + ("" if untrained.empty else f"untrained twins {untrained.mean():.2f}, ")


def _against(words: str, ratio: dict[str, Any]) -> str:
    if ratio["value"] is None or ratio["low"] is None:
        return f"no ratio to {words} can be stated"
    if ratio["bound"]:
        return f"more than {ratio['value']:.1f} times what {words} do on average (a lower bound: theirs is not distinguishable from zero)"
    inside = ratio.get("excess_low") is not None and ratio["excess_low"] <= 0
    caveat = " on average (single draws of which do as much)" if inside else " on average"
    return f"{ratio['value']:.1f} times [{ratio['low']:.1f}, {_upper(ratio['high'])}] what {words} do{caveat}"


def _upper(value: float | None) -> str:
    return "unbounded" if value is None else f"{value:.1f}"
