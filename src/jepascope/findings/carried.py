"""A subspace carried into another model: does it keep more of the native effect than each floor, and by what map? And how alike the two
models are by held-out CCA, beside its two chance levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd

from jepascope.findings.names import edit_name
from jepascope.findings.numbers import apart, count, finite, interval_words, shown, span
from jepascope.portability.retained import one_dose
from jepascope.stats import Side
from jepascope.stats import side as beside

KEYS = ["source", "target", "source_layer", "target_layer", "choice", "map", "finder", "edit"]
FLOORS = {
    "random source": "random subspaces carried by the same map",
    "shuffled pairs": "the map of shuffled pairs",
    "shuffled in class": "the map of pairs shuffled within classes",
    "random": "random ones of the target",
    "variance": "variance-matched ones of the target",
}
"""What a carried subspace is held against: random subspaces of the source carried by the same map; the subspace carried by maps fitted to
shuffled pairs, and to pairs shuffled within classes (maps that know the class alone); and controls matched to it in the target."""

MORE = {"above": "more than", "within": "not told apart from", "below": "less than"}
TOLD = {"above": "above", "across": "not told apart from", "below": "below", "unknown": "beside"}
WITHIN: dict[Side, str] = {"above": "above", "below": "below", "across": "within", "unknown": "unknown"}
FREE_FLOOR = "class-free random source"
"""What the class-free subspace is held against: random subspaces of the source carried by the class-free map."""
BY_CLASS = "shuffled in class"  # the floor of a map that knows nothing but the class


@dataclass(frozen=True)
class Carried:
    """One subspace carried by one map, at the dose where it is judged: its row, the native one, and the floors that were run."""

    row: Mapping[Any, Any]
    native: Mapping[Any, Any] | None
    floors: dict[str, Mapping[Any, Any]]
    sides: dict[str, str]
    """For each floor 'above', 'within', 'below' or 'unknown'."""
    class_free: Mapping[Any, Any] | None = None
    """The same subspace carried by a map fitted to class-centred pairs, which never saw the class; None in older folders."""
    free_floor: Mapping[Any, Any] | None = None
    """Random subspaces of the source carried by that map."""

    @property
    def saturated(self) -> bool:
        return bool(self.row["saturated"])

    @property
    def beyond_all(self) -> bool:
        """Above every floor; none is assumed where no floor was run."""
        return not self.saturated and bool(self.sides) and set(self.sides.values()) == {"above"}

    @property
    def beyond_class(self) -> bool:
        return not self.saturated and self.sides.get(BY_CLASS) == "above"


def carried_all(transport: pd.DataFrame) -> list[Carried]:
    """Every carried subspace of a transport table, at the one dose at which it is reported."""
    subspaces = []
    for _, rows in transport.groupby(KEYS, sort=False, dropna=False):
        own = one_dose(rows[rows["used"] == "carried"], KEYS, "rce")
        if own.empty:
            continue
        row = own.iloc[0].to_dict()
        at = rows[rows["dose"] == row["dose"]].drop_duplicates("used")
        by_use: dict[str, Mapping[Any, Any]] = {str(use["used"]): use for use in at.to_dict("records")}
        floors = {name: by_use[name] for name in FLOORS if name in by_use}
        sides = {name: side(row, floor) for name, floor in floors.items()}
        subspaces.append(Carried(row, by_use.get("native"), floors, sides, by_use.get("class-free"), by_use.get(FREE_FLOOR)))
    return subspaces


def side(row: Mapping[Any, Any], floor: Mapping[Any, Any]) -> str:
    """By the difference paired by scene where it is stored in the floor's row; else by whether the two intervals of CE lie apart."""
    low, high = floor.get("difference_low", nan), floor.get("difference_high", nan)
    return WITHIN[beside(low, high) if finite(low) and finite(high) else apart(row, floor)]


def carried_sentence(carried: Carried) -> str:
    """Where from and to, what is kept, what it is held against, and what that means."""
    row = carried.row
    edit = edit_name(row["edit"])
    text = (
        f"{row['source']} → {row['target']}, {row['finder']} at layer {row['source_layer']:g} carried to layer {row['target_layer']:g} "
        f"({row['choice'] or 'no choice stored'}) by {row['map']}: RCE {interval_words(row, 'rce')} of the "
        f"native {edit} at dose {row['dose']:g}, SAS with it {shown(row['sas'])} (chance {shown(row['sas_chance'])})"
    )
    if not finite(row["rce"]):
        return f"{text.split(': RCE')[0]}: the native subspace has no effect that could be kept."
    if carried.saturated:
        return f"{text}; saturated at every dose, so the ratio says nothing."
    if carried.beyond_all:
        highest = max(carried.floors, key=lambda name: float(carried.floors[name]["value"]))
        beside = f"more than that of every floor (the highest, of {FLOORS[highest]}: {shown(carried.floors[highest]['value'])})"
        return f"{text}. Its CE, {shown(row['value'])}, is {beside}: more than the class is carried over.{_class_free(carried)}"
    parts = []
    for wanted, verb in {**MORE, "unknown": "without an interval beside"}.items():
        held = [name for name, place in carried.sides.items() if place == wanted]
        names = [f"{FLOORS[name]} (CE {shown(carried.floors[name]['value'])})" for name in held]
        if names:
            parts.append(f"{verb} {', '.join(names)}")
    return (
        f"{text}. Its CE, {shown(row['value'])}, is {'; '.join(parts) or 'held against no floor'}.{_meaning(carried)}{_class_free(carried)}"
    )


def _meaning(carried: Carried) -> str:
    others = [place for name, place in carried.sides.items() if name != BY_CLASS]
    if carried.sides.get(BY_CLASS) in ("within", "below") and others and set(others) == {"above"}:
        return " A map that knows only the class does as well, so no more than the class is shown to be carried over."
    return ""


def _class_free(carried: Carried) -> str:
    """What a map keeps that never saw the class, and whether random directions do as well by it."""
    free, floor = carried.class_free, carried.free_floor
    if free is None or floor is None or not finite(free["rce"]):
        return ""
    word = MORE.get(side(free, floor), "beside")
    return (
        f" Carried by a map fitted to class-centred pairs, which never saw the class, it keeps "
        f"{interval_words(free, 'rce')} (SAS {shown(free['sas'])}): {word} random subspaces by that map "
        f"({shown(floor['rce'])})."
    )


def directions(subspaces: list[Carried]) -> list[str]:
    """For each direction between the models, how many of the carried subspaces that floors were run for lie above all of them."""
    by: dict[tuple[str, str], list[Carried]] = {}
    for carried in subspaces:
        if carried.sides:
            by.setdefault((str(carried.row["source"]), str(carried.row["target"])), []).append(carried)
    sentences = []
    for (source, target), own in by.items():
        beyond, of_class, full = (sum(getattr(each, name) for each in own) for name in ("beyond_all", "beyond_class", "saturated"))
        tail = f"; {full} saturated at every dose" if full else ""
        sentences.append(
            f"{source} → {target}: {beyond} of {len(own)} carried subspaces have more effect than every floor, {of_class} more than the "
            f"map that knows only the class{tail}."
        )
    return sentences


MOST_SENTENCES = 6


def cca_words(similarity: pd.DataFrame) -> list[str]:
    """For each chosen pair, whether held-out CCA lies above shuffled pairs, and above what the label alone explains."""
    sentences: list[str] = []
    seen: set[frozenset[tuple[Any, Any]]] = set()  # CCA is the same in either direction, and said once
    for row in similarity[similarity["metric"] == "cca"].to_dict("records"):
        sides = frozenset({(row["source"], row["source_layer"]), (row["target"], row["target_layer"])})
        if sides in seen or len(sentences) == MOST_SENTENCES:
            continue
        seen.add(sides)
        pair, label = _beside(row, "chance"), _beside(row, "label")
        text = (
            f"{row['source']} layer {count(row['source_layer'])} and {row['target']} layer {count(row['target_layer'])}: held-out CCA "
            f"{interval_words(row)}, {pair} shuffled pairs ({shown(row['chance'])} "
            f"{span(row['chance_low'], row['chance_high'])})"
        )
        if finite(row["label_chance"]):
            text += f" and {label} pairs shuffled within classes ({shown(row['label_chance'])} {span(row['label_low'], row['label_high'])})"
            if label == "above":
                text += ": the two share more than the class"
            elif pair == "above":
                text += ": no more than the class is shown to be shared"
        sentences.append(f"{text}.")
    return sentences


def _beside(row: dict[Any, Any], null: str) -> str:
    """'above', 'not told apart from' or 'below': by CCA's interval (its value where it has none) and the range of the null."""
    own = row if finite(row["low"]) else {"low": row["value"], "high": row["value"]}
    return TOLD[apart(own, {end: row[f"{null}_{end}"] for end in ("low", "high")})]
