"""A subspace carried into another model: does it keep more of the native effect than each floor, and by what map?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd

from jepascope.findings.names import edit_name
from jepascope.findings.numbers import finite, shown, with_interval
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
    found = []
    for _, rows in transport.groupby(KEYS, sort=False, dropna=False):
        own = one_dose(rows[rows["used"] == "carried"], KEYS, "rce")
        if own.empty:
            continue
        row = own.iloc[0].to_dict()
        at = rows[rows["dose"] == row["dose"]].drop_duplicates("used")
        by_use: dict[str, Mapping[Any, Any]] = {str(one["used"]): one for one in at.to_dict("records")}
        floors = {name: by_use[name] for name in FLOORS if name in by_use}
        sides = {name: side(row, floor) for name, floor in floors.items()}
        found.append(Carried(row, by_use.get("native"), floors, sides, by_use.get("class-free"), by_use.get(FREE_FLOOR)))
    return found


def side(row: Mapping[Any, Any], floor: Mapping[Any, Any]) -> str:
    """By the difference paired by scene where it is stored in the floor's row; else by whether the two intervals of CE lie apart."""
    low, high = floor.get("difference_low", nan), floor.get("difference_high", nan)
    if finite(low) and finite(high):
        return WITHIN[beside(low, high)]
    if not all(finite(end) for end in (row["low"], row["high"], floor["low"], floor["high"])):
        return "unknown"
    return "above" if row["low"] > floor["high"] else "below" if row["high"] < floor["low"] else "within"


def carried_sentence(one: Carried) -> str:
    """Where from and to, what is kept, what it is held against, and what that means."""
    row = one.row
    edit = edit_name(row["edit"])
    text = (
        f"{row['source']} → {row['target']}, {row['finder']} at layer {row['source_layer']:g} carried to layer {row['target_layer']:g} "
        f"({row['choice'] or 'no choice stored'}) by {row['map']}: RCE {with_interval(row['rce'], row['rce_low'], row['rce_high'])} of the "
        f"native {edit} at dose {row['dose']:g}, SAS with it {shown(row['sas'])} (chance {shown(row['sas_chance'])})"
    )
    if not finite(row["rce"]):
        return f"{text.split(': RCE')[0]}: the native subspace has no effect that could be kept."
    if one.saturated:
        return f"{text}; saturated at every dose, so the ratio says nothing."
    if one.beyond_all:
        highest = max(one.floors, key=lambda name: float(one.floors[name]["value"]))
        beside = f"more than that of every floor (the highest, of {FLOORS[highest]}: {shown(one.floors[highest]['value'])})"
        return f"{text}. Its CE, {shown(row['value'])}, is {beside}: more than the class is carried over.{_class_free(one)}"
    parts = []
    for verb, wanted in (
        ("more than", "above"),
        ("not told apart from", "within"),
        ("less than", "below"),
        ("without an interval beside", "unknown"),
    ):
        names = [f"{FLOORS[name]} (CE {shown(one.floors[name]['value'])})" for name, found in one.sides.items() if found == wanted]
        if names:
            parts.append(f"{verb} {', '.join(names)}")
    return f"{text}. Its CE, {shown(row['value'])}, is {'; '.join(parts) or 'held against no floor'}.{_meaning(one)}{_class_free(one)}"


def _meaning(one: Carried) -> str:
    others = [found for name, found in one.sides.items() if name != BY_CLASS]
    if one.sides.get(BY_CLASS) in ("within", "below") and others and set(others) == {"above"}:
        return " A map that knows only the class does as well, so no more than the class is shown to be carried over."
    return ""


def _class_free(one: Carried) -> str:
    """What a map keeps that never saw the class, and whether random directions do as well by it."""
    free, floor = one.class_free, one.free_floor
    if free is None or floor is None or not finite(free["rce"]):
        return ""
    word = {"above": "more than", "within": "not told apart from", "below": "less than"}.get(side(free, floor), "beside")
    return (
        f" Carried by a map fitted to class-centred pairs, which never saw the class, it keeps "
        f"{with_interval(free['rce'], free['rce_low'], free['rce_high'])} (SAS {shown(free['sas'])}): {word} random subspaces by that map "
        f"({shown(floor['rce'])})."
    )


def directions(found: list[Carried]) -> list[str]:
    """For each direction between the models, how many of the carried subspaces that floors were run for lie above all of them."""
    said = []
    held = [one for one in found if one.sides]
    for source, target in dict.fromkeys((str(one.row["source"]), str(one.row["target"])) for one in held):
        own = [one for one in held if (one.row["source"], one.row["target"]) == (source, target)]
        beyond, of_class = sum(one.beyond_all for one in own), sum(one.beyond_class for one in own)
        full = sum(one.saturated for one in own)
        tail = f"; {full} saturated at every dose" if full else ""
        said.append(
            f"{source} → {target}: {beyond} of {len(own)} carried subspaces have more effect than every floor, {of_class} more than the "
            f"map that knows only the class{tail}."
        )
    return said
