"""The headline: a run's figures in one or two sentences, the least flattering comparison among them. Made from the tables alone."""

from __future__ import annotations

from typing import Any

import pandas as pd


def headline(summary: dict[str, Any], probes: pd.DataFrame) -> str:
    """The figures that matter, the least flattering comparison among them: what decodes and from what else, what ablation does
    and how much of that the residual stream carries by itself, and what the controls do, the closest one named.
    """
    text = reading(summary, probes)
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


def reading(summary: dict[str, Any], probes: pd.DataFrame) -> str:
    """What the dense probe reads at the layer that claims are made for, and what else reads it."""
    layer = summary["best_layer"]
    return (
        f"{summary['variable'].capitalize()} is read from {summary['model']} with accuracy {summary['probe']['dense'][str(layer)]:.3f} at "
        f"layer {layer} of {summary['layers'][-1]} ({_baselines(probes, layer, summary['tokens'])}chance {summary['chance']:.3f})"
    )


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
