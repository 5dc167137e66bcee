"""What summary.json says of a port, and its headline: made from the tables alone."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.study.steps.discovered import number

FLOOR_WORDS = {
    "shuffled in class": "a map that knows the class alone",
    "shuffled pairs": "a map fitted to shuffled pairs",
    "random source": "random directions carried by the same map",
    "variance": "variance-matched directions of the target",
    "random": "random directions of the target",
}


def models_figures(similarity: pd.DataFrame, transport: pd.DataFrame) -> dict[str, Any]:
    """``cca``: one entry for each pair of layers; ``carried``: one for each transport, at the dose at which floors were run."""
    cca = similarity[similarity["metric"] == "cca"]
    keys = ("source", "target", "source_layer", "target_layer")
    figures = ("value", "low", "high", "n", "chance", "label_chance")
    found = [{**{key: row[key] for key in keys}, **{key: number(row[key]) for key in figures}} for row in cca.to_dict("records")]
    carried = []
    ablated = transport[transport["edit"] == "ablate"]
    by = [*keys, "choice", "map", "finder", "rank"]
    for key, group in ablated.groupby(by, sort=False):
        floors = group[group["used"].isin(FLOOR_WORDS)]
        at = group[group["dose"] == floors["dose"].max()]
        own, native = (at[at["used"] == used].iloc[0] for used in ("carried", "native"))
        carried.append(
            {
                **dict(zip(by, key, strict=True)),
                "dose": number(own["dose"]),
                "n": int(own["n"]),
                "native": _figure(native),
                "ce": _figure(own),
                "rce": {"value": number(own["rce"]), "low": number(own["rce_low"]), "high": number(own["rce_high"])},
                "sas": number(own["sas"]),
                "sas_chance": number(own["sas_chance"]),
                "saturated": bool(own["saturated"]),
                "floors": {
                    row["used"]: {
                        "rce": number(row["rce"]),
                        "draws": int(row["draws"]),
                        "difference": number(row["difference"]),
                        "difference_low": number(row["difference_low"]),
                        "difference_high": number(row["difference_high"]),
                    }
                    for row in floors.to_dict("records")
                },
            }
        )
    return {"cca": found, "carried": carried}


def subspaces_figures(portability: pd.DataFrame) -> dict[str, Any]:
    """SAS and RCE (largest unsaturated dose) of every pair."""
    rows = []
    retained = portability[portability["metric"] == "rce"].sort_values(["saturated", "dose"], ascending=[True, False], kind="stable")
    for row in portability[portability["metric"] == "sas"].to_dict("records"):
        kept = retained[(retained["a"] == row["a"]) & (retained["b"] == row["b"])]
        said = {"a": row["a"], "b": row["b"], "sas": number(row["value"]), "sas_chance": number(row["chance"])}
        if not kept.empty:
            first = kept.iloc[0]
            said["rce"] = _figure(first)
            said |= {"dose": number(first["dose"]), "floor_variance": number(first["floor_variance"]), "n": int(first["n"])}
        rows.append(said)
    return {"carried": rows}


def headline_of(summary: dict[str, Any]) -> str:
    """One or two sentences with the numbers that matter, the least flattering floor among them."""
    if summary["kind"] == "subspaces":
        said = [
            f"{row['a']} in place of {row['b']}: SAS {_shown(row['sas'])} (chance {_shown(row['sas_chance'])})"
            + (f", RCE {_interval(row['rce'])} (variance-matched {_shown(row['floor_variance'])}, n = {row['n']})" if "rce" in row else "")
            for row in summary["carried"]
        ]
        return "; ".join(said) + "." if said else "No finder is common to the two runs at this layer."
    sentences = []
    for target in dict.fromkeys(row["target"] for row in summary["carried"]):
        row = max(
            (row for row in summary["carried"] if row["target"] == target and row["rce"]["value"] is not None),
            key=lambda row: (row["map"] == "ridge", row["choice"] != "best match", row["rce"]["value"]),
            default=None,
        )
        if row is None:
            sentences.append(f"The native subspace of {target} has no effect that could be kept.")
            continue
        nearest = max(row["floors"], key=lambda name: row["floors"][name]["rce"] or 0.0)
        floor = row["floors"][nearest]
        low, high = floor["difference_low"], floor["difference_high"]
        word = "more than" if (low or 0) > 0 else "less than" if (high or 0) < 0 else "not told apart from"
        sentences.append(
            f"Carried from {row['source']} (layer {row['source_layer']}) to {target} (layer {row['target_layer']}) by a {row['map']} map, "
            f"the rank-{row['rank']} {row['finder']} subspace keeps {_interval(row['rce'])} of the native effect there (ablation at dose "
            f"{row['dose']:g}, n = {row['n']} scenes; SAS with the native one {_shown(row['sas'])}, chance {_shown(row['sas_chance'])}): "
            f"{word} {FLOOR_WORDS[nearest]} ({_shown(floor['rce'])})."
        )
    first = summary["cca"][0] if summary["cca"] else None
    if first is not None:
        sentences.append(
            f"Held-out CCA at these layers {_interval(first)}, {_shown(first['label_chance'])} from the class alone, "
            f"{_shown(first['chance'])} for shuffled pairs."
        )
    return " ".join(sentences)


def _figure(row: Any) -> dict[str, float | None]:
    return {key: number(row[key]) for key in ("value", "low", "high")}


def _interval(figure: dict[str, Any]) -> str:
    return f"{_shown(figure['value'])} [{_shown(figure['low'])}, {_shown(figure['high'])}]"


def _shown(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
