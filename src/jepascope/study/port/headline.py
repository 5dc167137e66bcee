"""The headline of a port, from its summary: the numbers that matter, the least flattering floor among them."""

from __future__ import annotations

from typing import Any

from jepascope.stats import side
from jepascope.study.steps.effect_words import plain

BESIDE = {"above": "more than", "below": "less than"}
FLOOR_WORDS = {
    "shuffled in class": "a map that knows the class alone",
    "shuffled pairs": "a map fitted to shuffled pairs",
    "random source": "random directions carried by the same map",
    "variance": "variance-matched directions of the target",
    "random": "random directions of the target",
}


def headline_of(summary: dict[str, Any]) -> str:
    """A sentence for each transport of the first finder by the ridge map to the same relative depth, or for each pair of subspaces."""
    if summary["kind"] == "subspaces":
        return _used_here(summary)
    told = [row for row in summary["carried"] if row["map"] == "ridge" and row["choice"] != "best match"]
    firsts = {row["target"]: row for row in reversed(told)}  # of the first finder: which one does best is not what is asked
    sentences = [_transported(firsts[target]) for target in dict.fromkeys(row["target"] for row in told)]
    if summary["cca"]:
        first = summary["cca"][0]
        sentences.append(
            f"Held-out CCA of {first['source']} (layer {first['source_layer']}) and {first['target']} (layer {first['target_layer']}) "
            f"{_interval(first)}, {plain(first['label_chance'])} from the class alone, {plain(first['chance'])} for shuffled pairs."
        )
    return " ".join(sentences)


def _transported(row: dict[str, Any]) -> str:
    if row["rce"]["value"] is None:
        return f"The native {row['finder']} subspace of {row['target']} (layer {row['target_layer']}) has no effect that could be kept."
    nearest = max(row["floors"], key=lambda name: row["floors"][name]["rce"] or 0.0)
    floor = row["floors"][nearest]
    word = BESIDE.get(side(floor["difference_low"], floor["difference_high"]), "not told apart from")
    if row["saturated"]:
        word = "saturated at every dose, so that this says nothing; beside it"
    return (
        f"Carried from {row['source']} (layer {row['source_layer']}) to {row['target']} (layer {row['target_layer']}) by a {row['map']} "
        f"map, the rank-{row['rank']} {row['finder']} subspace keeps {_interval(row['rce'])} of the native effect there (ablation at dose "
        f"{row['dose']:g}, n = {row['n']} scenes; SAS with the native one {plain(row['sas'])}, chance {plain(row['sas_chance'])}): "
        f"{word} {FLOOR_WORDS[nearest]} ({plain(floor['rce'])}). By a map that never saw the class it keeps "
        f"{_interval(row['class_free']['rce'])} (random directions by that map {plain(row['class_free']['floor']['rce'])})."
    )


def _used_here(summary: dict[str, Any]) -> str:
    a, b = summary["a"], summary["b"]
    said = "; ".join(
        f"{row['a']} in place of {row['b']}: SAS {plain(row['sas'])} (chance {plain(row['sas_chance'])}), {_kept(row)}"
        for row in summary["carried"]
    )
    there = f"{b['path']} ({b['clips']}, {b['variable']})"
    return f"Subspaces of {there} used in this run ({a['clips']}, {a['variable']}) at layer {a['best_layer']}: {said}."


def _kept(row: dict[str, Any]) -> str:
    if row["rce"]["value"] is None:
        return "no RCE, for the native one has no effect that could be kept"
    floor = f"variance-matched {plain(row['floor_variance'])}, n = {row['n']} scenes"
    full = ", saturated at every dose, so that it says nothing" if row["saturated"] else ""
    return f"RCE {_interval(row['rce'])} at dose {row['dose']:g}{full} ({floor})"


def _interval(figure: dict[str, Any]) -> str:
    return f"{plain(figure['value'])} [{plain(figure['low'])}, {plain(figure['high'])}]"
