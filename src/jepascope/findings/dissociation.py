"""Geometry against effect: what one transfer shows. Everything follows from intervals, floors and the thresholds stated here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

from jepascope.findings.numbers import finite, p_text, percent, shown, span, with_interval
from jepascope.portability.retained import KEEPS
from jepascope.portability.tables import APART
from jepascope.stats import Side, side

STRONGER = 1 / KEEPS  # and a is called the stronger one where it lies above this
SIGNIFICANT = 0.05  # of a dissociation, after correction
NORM_NULLS = {"norm_floor_variance": "variance-matched", "norm_floor_shuffled": "permuted labels", "norm_floor_pca": "PCA"}
SAME_NUMBERS = 0.8  # two subspaces read nearly the same numbers from this mean squared canonical correlation (lower end) on
ROOM = 0.05  # a split-half reference nearer than this to chance says nothing about alignment

DISSOCIATED, ALIGNED, PART, STRONG, OPEN = "dissociation", "kept with alignment", "part kept", "stronger", "kept, share open"
FLOOR, BELOW, SATURATED, UNREAD = "not above floor", "below floor", "saturated", "no ratio"

WITHIN: dict[Side, str] = {"above": "above", "below": "below", "across": "within", "unknown": "within"}


@dataclass(frozen=True)
class Judgement:
    """What one transfer shows, and why."""

    kind: str
    why: str


@dataclass(frozen=True)
class Floor:
    """The RCE of a matched control, and the paired difference of the transfer to it (NaN where not stored)."""

    name: str
    value: float
    low: float
    high: float
    excess_low: float = nan
    excess_high: float = nan

    def __str__(self) -> str:
        return with_interval(self.value, self.low, self.high) if finite(self.low) and finite(self.high) else shown(self.value)

    def side(self, low: float, high: float) -> str:
        """'above', 'within' or 'below': by the paired difference, or by RCE's interval [low, high] where none is stored."""
        if finite(self.excess_low) and finite(self.excess_high):
            return WITHIN[side(self.excess_low, self.excess_high)]
        return WITHIN[side(low, high, self.value)]


def floor_of(row: Mapping[Any, Any]) -> Floor:
    """The floor that a transfer is held against: the variance-matched one where it was run, else the random one."""
    kind = "variance" if finite(row["floor_variance"]) else "random"
    value, low, high = (row.get(f"floor_{kind}{end}", nan) for end in ("", "_low", "_high"))
    if kind == "random":
        return Floor("random subspace", value, low, high)
    return Floor("variance-matched subspace", value, low, high, row.get("excess_low", nan), row.get("excess_high", nan))


def judged(row: Mapping[Any, Any]) -> Judgement:
    """A row of ``transfers``: above its floor? near 1? and how far is the pair's SAS from chance and ceiling?"""
    floor = floor_of(row)
    if not finite(row["low"]):
        return Judgement(UNREAD, "no effect of the native subspace on the variable is shown, so there is no share of it")
    if bool(row["saturated"]):
        return Judgement(SATURATED, "saturated at every dose, so the ratio says nothing")
    if not finite(floor.value):
        return Judgement(UNREAD, "no control to read it against")
    difference = f"; difference {span(floor.excess_low, floor.excess_high)}" if finite(floor.excess_low) else ""
    side, beside = floor.side(row["low"], row["high"]), f"a {floor.name} has ({floor}{difference})"
    if side != "above":
        below = side == "below"
        return Judgement(BELOW if below else FLOOR, f"less than {beside}" if below else f"not told apart from what {beside}")
    more = f"more than {beside}"
    if row["low"] > STRONGER:
        return Judgement(STRONG, f"{more}, and more than the native subspace itself has, so it is no share that is kept")
    if row["high"] < KEEPS:
        return Judgement(PART, f"{more}, but less than {KEEPS:g}: part of the effect is kept")
    if row["low"] < KEEPS:
        return Judgement(OPEN, f"{more}; whether all or part of the effect is kept, the interval does not say")
    apart, geometry = alignment(row)
    if apart is None:
        return Judgement(OPEN, f"{more}: the effect is kept. {geometry}")
    if apart and (doubt := not_at_equal_norm(row)):
        return Judgement(OPEN, f"{more}: the effect is kept. {geometry}; {doubt}, so no dissociation is claimed")
    if apart:
        return Judgement(
            DISSOCIATED,
            f"{more}: the effect is kept. {geometry}, so effect and geometry come apart, {norm_words(row)} too.{read_words(row)}",
        )
    return Judgement(ALIGNED, f"{more}: the effect is kept, and so is the alignment. {geometry}")


def alignment(row: Mapping[Any, Any]) -> tuple[bool | None, str]:
    """Whether SAS lies far below its ceiling (None where that cannot be told, or where it is no more than permuted labels or PCA reach),
    and how that is said."""
    sas, chance, ceiling = row["sas"], row["sas_chance"], row["sas_ceiling"]
    if not finite(sas):
        return None, "SAS was not measured"
    if not (finite(chance) and finite(ceiling)):
        return None, f"SAS {shown(sas)} has no split-half reference to be held against"
    if ceiling - chance < ROOM:
        return None, f"The split-half reference ({shown(ceiling)}) lies at chance ({shown(chance)}), so SAS {shown(sas)} says nothing"
    share = (sas - chance) / (ceiling - chance)
    if share >= APART and (reached := nothing_beyond(row)):
        return None, f"SAS {shown(sas)}, {reached}: says nothing about the variable"
    if share >= 1:
        return False, f"SAS {shown(sas)} reaches the split-half reference ({shown(ceiling)}; chance {shown(chance)})"
    way = "at or below chance" if share <= 0 else f"{percent(share)} of the way from chance to the split-half reference"
    return share < APART, f"SAS {shown(sas)} lies {way} ({shown(chance)}, {shown(ceiling)})"


def not_at_equal_norm(row: Mapping[Any, Any]) -> str:
    """Why a dissociation is not claimed at equal token norm, in words; empty where it is."""
    p, value = row.get("p_holm", nan), row.get("norm", nan)
    if not finite(p):
        return "at equal token norm it was not run"
    if not finite(value):
        return "at equal token norm there is no ratio"
    return "" if p <= SIGNIFICANT else f"{norm_words(row)} it is not shown"


def norm_words(row: Mapping[Any, Any]) -> str:
    """'at equal token norm (RCE 0.65 [0.60, 0.70]; variance-matched 0.1, permuted labels 0.2, PCA 0.3; p = 0.01 corrected for 24)'."""
    null = [f"{name} {shown(row[column])}" for column, name in NORM_NULLS.items() if finite(row.get(column))]
    p, many = row.get("p_holm", nan), row.get("looked_at", nan)
    beside = [f"RCE {with_interval(row['norm'], row['norm_low'], row['norm_high'])}", ", ".join(null)]
    if finite(p):
        beside.append(f"p = {p_text(p)} corrected for the {many:.0f} transfers looked at")
    return f"at equal token norm ({'; '.join(filter(None, beside))})"


def nothing_beyond(row: Mapping[Any, Any]) -> str:
    """What reaches as much SAS for nothing, in words: permuted labels, and PCA. Empty where SAS exceeds both, and where neither was run."""
    reached, sas = [], row["sas"] if "sas" in row else row["value"]
    bound, pca, low, high = (row.get(name, nan) for name in ("null_shuffled_high", "null_pca", "pca_low", "pca_high"))
    if finite(bound) and not sas > bound:
        reached.append(f"permuted labels reach {shown(bound)}")
    if finite(pca) and not (low > 0 if finite(low) else sas > pca):
        difference = f" (difference {span(low, high)}, with the fit)" if finite(low) else ""
        reached.append(f"PCA reaches {shown(pca)}{difference}")
    return " and ".join(reached)


def read_words(row: Mapping[Any, Any]) -> str:
    """Whether two subspaces that lie apart read the same numbers: the filter-and-pattern explanation. Empty where not measured."""
    value, low, high, chance = (row.get(name, nan) for name in ("readings", "readings_low", "readings_high", "readings_chance"))
    if not finite(value):
        return ""
    numbers = f"(readings {with_interval(value, low, high)}, chance {shown(chance)})"
    if finite(low) and low >= SAME_NUMBERS:
        return f" But both read nearly the same numbers {numbers}: as filter and pattern of one variable do, not as a second copy of it."
    if finite(high) and finite(chance) and high <= chance:
        return f" What they read is not related {numbers}."
    return f" What they read is related but not the same {numbers}."
