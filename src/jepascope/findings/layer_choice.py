"""The layer that claims are made for, in words: how often other clips would choose it, and what edits do at the layers passed over."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.facts import Facts
from jepascope.findings.names import EDITS, edit_name, in_order
from jepascope.findings.numbers import decimals, finite, interval_words, json_number, percent, shown
from jepascope.findings.selection import comparable, first_finder, tokens_of

STEADY = 0.9  # of the resamples, from which on a choice is called steady


def candidates(facts: Facts) -> pd.DataFrame | None:
    """Rows of ``probes`` of the layers that claims may be made for, with the share of resamples that choose each; None in older folders."""
    probes = facts.table("probes")
    if probes is None or "layer_share" not in probes:
        return None
    rows = probes[probes["layer_share"].notna() & (probes["tokens"] == tokens_of(facts, probes))]
    return None if rows.empty else rows.sort_values("layer")


def effects_by_layer(facts: Facts) -> pd.DataFrame | None:
    """The first finder's own rows of ``ce`` at every edited layer, by the judge that claims are made in."""
    table = facts.table("ce")
    if table is None:
        return None
    rows = comparable(facts, table)
    return rows[(rows["finder"] == first_finder(facts)) & (rows["control"] == "subspace")].sort_values("layer")


def share_words(facts: Facts) -> str:
    """How steady the choice is; "" where it is not known."""
    rows, best = candidates(facts), facts.best_layer
    if rows is None or best is None or len(rows) < 2:
        return ""
    shares = {int(row["layer"]): float(row["layer_share"]) for row in rows.to_dict("records")}
    if best not in shares:  # the study names its layer
        return ""
    others = ", ".join(f"layer {layer} by {percent(share)}" for layer, share in shares.items() if layer != best)
    steady = "steady" if shares[best] >= STEADY else "not steady"
    return f"Layer {best} is chosen by {percent(shares[best])} of resamples of folds and scenes ({others}): the choice is {steady}" + (
        "." if steady == "steady" else ", so read what edits do at the other candidates as well."
    )


def layers_words(facts: Facts, edit: str) -> str:
    """What one edit does at every candidate layer, and how much of it no block sees; which of them does as much with less of it direct."""
    rows, known, best = effects_by_layer(facts), candidates(facts), facts.best_layer
    if rows is None or known is None or best is None:
        return ""
    at = rows[(rows["edit"] == edit) & rows["layer"].isin(known["layer"])]
    own = at[at["layer"] == best]
    if len(at) < 2 or own.empty or not finite(own["value"].iloc[0]):
        return ""
    told = ", ".join(f"layer {facts.marked(row['layer'])} {interval_words(row)} ({_direct(row)})" for row in at.to_dict("records"))
    text = f"{edit_name(edit).capitalize()}, {own['finder'].iloc[0]}, by candidate layer: {told}"
    chosen = own.iloc[0]
    better = [
        row
        for row in at[at["layer"] != best].to_dict("records")
        if row["high"] >= chosen["low"] and finite(row["direct"]) and row["direct"] < min(chosen["direct"], chosen["direct_low"])
    ]
    if better:
        layers = " and ".join(f"{row['layer']:.0f}" for row in better)
        text += f". At layer {layers} it is not shown to do less, and less of it is direct: more of it goes through the network there"
    return f"{text}."


def _direct(row: dict[Any, Any]) -> str:
    return f"{shown(row['direct'], 2)} direct" if finite(row["direct"]) else "direct share not known"


def layer_words(facts: Facts) -> list[str]:
    """All of it."""
    rows = effects_by_layer(facts)
    edits = [] if rows is None else in_order(rows["edit"], EDITS)
    return [text for text in (share_words(facts), *(layers_words(facts, edit) for edit in edits)) if text]


def layer_shares(probes: pd.DataFrame, tokens: str) -> dict[str, float | None]:
    """``[layer]`` of summary.json: the share of resamples that choose each candidate."""
    if "layer_share" not in probes:
        return {}
    rows = probes[probes["layer_share"].notna() & (probes["tokens"] == tokens)]
    return {str(int(row["layer"])): json_number(row["layer_share"]) for row in rows.to_dict("records")}


def accuracy_words(row: dict[Any, Any]) -> str:
    """Cross-validated accuracy with its standard error."""
    return f"{decimals(row['cv_accuracy'], 3)} ± {decimals(row['cv_se'], 3)}"
