"""Cause and isolate: what an edit for one variable does to the read-out of the others, in words that follow the intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any

import pandas as pd

from jepascope.findings.claim import Answer, Evidence, Number, Question, Verdict
from jepascope.findings.effect import cross_reading
from jepascope.findings.facts import Facts
from jepascope.findings.names import short
from jepascope.findings.numbers import finite, shown, with_interval
from jepascope.findings.selection import claim_layer, finders_of
from jepascope.findings.verdict import beside_draws
from jepascope.stats import MIN_DRAWS, powerless, side

EDIT_VERBS = {"ablate": "Ablating", "swap": "Swapping"}
NULLS = ("random", "variance")
MOST_LOST, UNSEEN_CHANGE = "most that a factor that is read loses", "change that would not be seen"


@dataclass(frozen=True)
class Level:
    """An effect on one read-out: share of its clean margin that is lost, with the ends of its interval (or of a control's draws)."""

    value: float = nan
    low: float = nan
    high: float = nan
    draws: float = nan

    def __str__(self) -> str:
        return with_interval(self.value, self.low, self.high)


@dataclass(frozen=True)
class CrossEffect:
    """One edit's effect on the read-out of one other variable; ``least`` and ``most`` are the ends of its 90 % interval."""

    read: str
    own: Level
    readable: bool
    equivalent: bool
    least: float
    most: float
    margin: float
    n: float = nan
    controls: dict[str, Level] = field(default_factory=dict)

    @property
    def reading(self) -> str:
        """'leaks', 'unaffected', 'undecided' or 'not readable' (``effect.cross_reading``); 'no power' where the interval of the test
        for no effect reaches beyond the margin on both sides."""
        nulls = [self.controls[name].value for name in NULLS if name in self.controls]
        own = (self.own.value, self.own.low, self.own.high)
        reading = cross_reading(self.readable, self.equivalent, own, self.margin, nulls)
        return "no power" if reading == "undecided" and powerless(self.least, self.most, self.margin) else reading

    @property
    def seen(self) -> float:
        """The smallest change that could have been told from none: half of the interval's width."""
        return (self.own.high - self.own.low) / 2


def cross_effects(rows: pd.DataFrame, found_for: str, finder: str, edit: str) -> list[CrossEffect]:
    """What the edit for ``found_for`` does to every other variable that is read, in the table's order; its own row is left out."""
    at = rows[(rows["found_for"] == found_for) & (rows["edit"] == edit)]
    own = at[(at["finder"] == finder) & (at["control"] == "subspace") & (at["read"] != found_for)].drop_duplicates("read")
    return [_one(row, at[(at["read"] == row["read"]) & at["finder"].isin([finder, ""])]) for row in own.to_dict("records")]


def _one(row: dict[Any, Any], beside: pd.DataFrame) -> CrossEffect:
    nulls = beside[beside["control"] != "subspace"].drop_duplicates("control").to_dict("records")
    controls = {str(null["control"]): _level(null) for null in nulls}
    ends = (float(row["equivalence_low"]), float(row["equivalence_high"]), float(row["margin"]))
    return CrossEffect(
        str(row["read"]), _level(row), bool(row["readable"]), bool(row["equivalent"]), *ends, n=float(row["n"]), controls=controls
    )


def _level(row: dict[Any, Any]) -> Level:
    return Level(*(float(row[name]) for name in ("value", "low", "high", "draws")))


def own_variable(run: Facts) -> str:
    """The study's variable as the table names it."""
    return short(run.summary.get("variable", ""))


def own_finder(run: Facts, rows: pd.DataFrame) -> str:
    """The first finder of the study that the table has for the study's own variable; empty without one."""
    own = rows[(rows["found_for"] == own_variable(run)) & (rows["control"] == "subspace")]
    return finders_of(run, own)[0] if len(own) else ""


def isolation_words(effects: Sequence[CrossEffect], variable: str, finder: str, edit: str, brief: bool = False) -> str:
    """Names the other factors on which an edit leaks, those shown to be unaffected, and those of which neither can be said."""
    by: dict[str, list[CrossEffect]] = {"leaks": [], "unaffected": [], "undecided": [], "no power": [], "not readable": []}
    for effect in effects:
        by[effect.reading].append(effect)
    what = f"{EDIT_VERBS.get(edit, edit)} the subspace of {variable} ({finder})"
    margin = next((shown(effect.margin, 1) for effect in effects if finite(effect.margin)), "n/a")
    if not effects:
        return f"{what}: no other variable was read."
    parts = []
    if by["leaks"]:
        parts.append(f"{what} also changes the read-out of {', '.join(_leak(effect, edit, brief) for effect in by['leaks'])}")
    elif by["unaffected"] or by["undecided"]:
        parts.append(f"{what} is not shown to leak on any other factor")
    if by["unaffected"]:
        parts.append(f"shown to stay within ±{margin}: {_list(by['unaffected'])}")
    if by["undecided"]:
        parts.append(f"undecided, neither a leak nor the absence of one is shown: {', '.join(_undecided(one) for one in by['undecided'])}")
    if by["no power"]:
        least = max(effect.seen for effect in by["no power"])
        start = "no power" if parts else f"{what}: no power to tell whether it leaks"
        names = ", ".join(_undecided(effect) for effect in by["no power"])
        parts.append(f"{start}, changes of less than {shown(least, 2)} would not be seen: {names}")
    if by["not readable"]:
        names = ", ".join(effect.read for effect in by["not readable"])
        parts.append(f"not read from unedited clips to begin with, so nothing can be said: {names}")
        if len(parts) == 1:
            return f"{what}: {parts[0]}."
    return f"{'. '.join(f'{part[0].upper()}{part[1:]}' for part in parts)}."


def _place(own: Level, control: Level) -> str:
    """Beside every draw of a control where its ends are those of its draws, else beside its mean draw, whose interval they are."""
    place = beside_draws(own.low, own.high, control.low, control.high)
    if control.draws < MIN_DRAWS:
        return place
    return place.replace("every draw", "the mean draw").replace("the draws", "the mean draw")


def _list(effects: Iterable[CrossEffect]) -> str:
    return ", ".join(f"{effect.read} {effect.own}" for effect in effects)


def _undecided(effect: CrossEffect) -> str:
    """With its interval; and, where that is clear of zero, what matched controls change."""
    means = [f"{name} {shown(level.value)}" for name in NULLS if finite((level := effect.controls.get(name, Level())).value)]
    moved = side(effect.own.low, effect.own.high) in ("above", "below")
    return f"{effect.read} {effect.own}" + (f" (clear of zero; controls change it too: {', '.join(means)})" if moved and means else "")


def _leak(effect: CrossEffect, edit: str, brief: bool) -> str:
    change = "share lost" if effect.own.value >= 0 else "share gained"
    size = str(effect.own) if effect.own.value >= 0 else with_interval(-effect.own.value, -effect.own.high, -effect.own.low)
    text = f"{effect.read} ({change} {size}"
    if brief:
        return f"{text})"
    for control in NULLS:
        level = effect.controls.get(control)
        if level is not None and finite(level.value):
            place = _place(effect.own, level)
            text += f"; {place} the {control} control, {shown(level.value)} on average"
    twin = effect.controls.get("twin")
    if edit == "swap" and twin is not None and finite(twin.value):
        text += f"; the real twin, in which it did not change, {twin}"
    return f"{text})"


def find(facts: Facts) -> Answer | None:
    """Of the ablation by the first finder. Shown: every readable factor is shown to stay as it was; refuted: the edit leaks on one."""
    table = facts.table("isolation")
    if table is None:
        return None
    rows = table[table["layer"] == claim_layer(facts, table)]
    variable, finder = own_variable(facts), own_finder(facts, rows)
    effects = cross_effects(rows, variable, finder, "ablate")
    if not effects:
        return None
    kinds = {effect.reading for effect in effects}
    told = kinds - {"not readable"}
    verdict: Verdict = (
        "refuted" if "leaks" in told else "shown" if told == {"unaffected"} else "no power" if told == {"no power"} else "undecided"
    )
    numbers = []
    for effect in effects:
        levels = [("", effect.own), *((name, level) for name, level in effect.controls.items() if name in NULLS)]
        what = f"share lost of {effect.read}"
        numbers += [Number(what, level.value, level.low, level.high, effect.n, "share", control) for control, level in levels]
    if read := [effect for effect in effects if effect.reading != "not readable" and finite(effect.own.value)]:
        most = max(read, key=lambda effect: abs(effect.own.value))
        numbers.append(Number(MOST_LOST, most.own.value, most.own.low, most.own.high, most.n, "share"))
        numbers.append(Number(UNSEEN_CHANGE, max(effect.seen for effect in read), n=most.n, unit="share"))
    key: dict[str, str | int | float] = {"layer": int(rows["layer"].iloc[0]), "found_for": variable, "finder": finder, "edit": "ablate"}
    sentence = isolation_words(effects, facts.variable, finder, "ablate", brief=True)
    return Answer(verdict, sentence, tuple(numbers), (Evidence("isolation", key),))


ISOLATED = Question(
    "other factors",
    "Does the edit leave other factors alone?",
    "For every other factor that is read: two one-sided tests show its change to lie within the margin. A leak: the interval is clear of "
    "zero and of the controls' mean, and the change is larger than the margin. No power: the interval reaches beyond the margin on "
    "both sides.",
    find,
)
