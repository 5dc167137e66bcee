"""The headline: a run's figures in one or two sentences, the least flattering comparison among them. Made from the tables alone."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.study.steps.beyond import beyond
from jepascope.study.units import units_in
from jepascope.study.videos.words import carried_words, left_out_words, other_edit_words, reach_words


def headline(summary: dict[str, Any], probes: pd.DataFrame) -> str:
    """The figures that matter, the least flattering comparison among them: what decodes and from what else, what ablation does
    and how much of that the residual stream carries by itself, and what the controls do, the closest one named.
    """
    text = reading(summary, probes)
    finder = next(iter(summary["ce"]))
    effect = summary["ce"][finder]["ablate"]
    if effect["value"] is None or effect["low"] is None:
        return text + _without_ablation(summary, finder) + left_out_words(summary) + carried_words(summary) + reach_words(summary)
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
        "top_pca": "the largest principal axes",
        "nuisance": "the largest axes within classes",
    }
    wanted = ["random", "variance"]
    known = {name: ratio["value"] for name, ratio in ratios.items() if name in words and ratio["value"] is not None}
    if known and min(known, key=lambda name: known[name]) not in wanted:
        wanted.append(min(known, key=lambda name: known[name]))
    said = [_against(words[name], ratios[name]) for name in wanted if name in ratios and _stateable(ratios[name])]
    silent = [words[name] for name in wanted if name in ratios and not _stateable(ratios[name])]
    unit = f"test {units_in(summary)}{', which are what intervals resample' * ('footage' in summary)}"
    text += f" (n = {effect['n']} {unit}; 95 % intervals, for this subspace and this read-out)."
    if said:
        text += f" That is {', '.join(said)}."
    text += f" No ratio to {' or '.join(silent)} can be stated." if silent else ""
    return text + beyond(summary) + left_out_words(summary) + carried_words(summary) + reach_words(summary)


def _without_ablation(summary: dict[str, Any], finder: str) -> str:
    """Where the clean margin cannot be told from zero there is nothing that ablation could take a share of."""
    other = other_edit_words(summary, finder)
    return f"; the judge reads no margin there, so no causal effect {'of ablation ' if other else ''}can be stated.{other}"


def reading(summary: dict[str, Any], probes: pd.DataFrame) -> str:
    """What the dense probe reads at the layer that claims are made for, and what else reads it; and the value, where there is one."""
    layer, name = summary["best_layer"], summary["variable"]
    dense = probes[(probes["probe"] == "dense") & probes["chosen"]]
    here = dense[(dense["layer"] == layer) & (dense["tokens"] == summary["tokens"])]
    at = here[here["encoder"] == "model"].iloc[0]
    above = at["low"] > at["chance"]
    is_read = "is read from" if above else "is not read above chance from"
    beside = baselines(dense, here)
    words = "".join(f"{said} {accuracy:.2f}, " for said, accuracy in beside.items())
    rivals = [said for said, accuracy in beside.items() if above and accuracy >= at["low"]]
    return (
        f"{name[:1].upper()}{name[1:]} {is_read} {summary['model']}{f', no better than from {rivals[-1]}' if rivals else ''}: accuracy "
        f"{at['accuracy']:.3f} [{at['low']:.2f}, {at['high']:.2f}] at layer {layer} of {summary['layers'][-1]} "
        f"({words}chance {summary['chance']:.3f}){_value(summary['values'], layer)}"
    )


def baselines(dense: pd.DataFrame, here: pd.DataFrame) -> dict[str, float]:
    """Accuracy of the stronger of the two readers without an encoder, and the untrained twins' mean."""
    found = {}
    pixels = dense[dense["encoder"].isin(["pixels", "frame_differences"])].sort_values("accuracy")
    if not pixels.empty:
        found[str(pixels["encoder"].iloc[-1]).replace("_", " ")] = float(pixels["accuracy"].iloc[-1])
    untrained = here[here["encoder"] == "untrained"]["accuracy"]
    if not untrained.empty:
        found["untrained twins"] = float(untrained.mean())
    return found


def _value(values: dict[str, Any], layer: int) -> str:
    """The value itself, where it is read: the error of an angle, R^2 of numbers."""
    said = []
    for output, kinds in values.items():
        clips, arcs = (kinds.get(held, {}).get(str(layer)) for held in ("clips", "arcs"))
        if clips is None or clips["error"] is None or clips["high"] is None or clips["high"] >= clips["chance"]:
            continue
        if clips["unit"] == "degrees":
            beyond = "" if arcs is None or arcs["error"] is None else f"; {arcs['error']:.1f} on held-out arcs"
            error = f"{clips['error']:.1f} [{clips['low']:.1f}, {clips['high']:.1f}] degrees"
            said.append(f"error of the {output} {error} (chance {clips['chance']:.0f}{beyond})")
        elif clips["r2"] is not None:
            said.append(f"R^2 of {output} {clips['r2']:.2f} [{clips['r2_low']:.2f}, {clips['r2_high']:.2f}]")
    return "".join(f", {one}" for one in said)


def _stateable(ratio: dict[str, Any]) -> bool:
    """A ratio with its interval, or a lower bound that bounds something."""
    return ratio["value"] is not None and ratio["low"] is not None and not (ratio["bound"] and ratio["value"] <= 1)


def _against(words: str, ratio: dict[str, Any]) -> str:
    if ratio["bound"]:
        return f"more than {ratio['value']:.1f} times what {words} do on average (a lower bound: theirs is not distinguishable from zero)"
    inside = ratio.get("excess_low") is not None and ratio["excess_low"] <= 0
    caveat = " on average (single draws of which do as much)" if inside else " on average"
    return f"{ratio['value']:.1f} times [{ratio['low']:.1f}, {_upper(ratio['high'])}] what {words} do{caveat}"


def _upper(value: float | None) -> str:
    return "unbounded" if value is None else f"{value:.1f}"
