"""What may be said of an effect: whether it is shown at all, how it stands to each of its controls, and which of these comes closest.

Every sentence, verdict and printed ratio about an effect asks here, whether it is made from the table ``ce`` or from summary.json. Tables
keep their numbers; words and ratios are stated of effects that are shown, and by judges that read the variable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import isfinite, isnan, nan
from numbers import Real
from typing import Any

import pandas as pd

from jepascope.stats import LEVEL, MIN_DRAWS, OUTSIDE_DRAWS, Side, scene_proportion, side, wilson

UNREAD, NOT_SHOWN, NO_INTERVAL, FEW = "judge not shown to read", "effect not shown", "no interval", "too few draws"
SAME = "not told apart"
OUTSIDE, ABOVE_MEAN, ABOVE_IT = "outside its draws", "above the mean draw", "above it"
BELOW, BELOW_MEAN, BELOW_IT = "below its draws", "below the mean draw", "below it"

CLOSENESS = (BELOW, BELOW_IT, BELOW_MEAN, SAME, ABOVE_MEAN, ABOVE_IT, OUTSIDE)
"""Standings from the control that does more than the subspace to the one that the subspace is furthest from."""

SILENT = (UNREAD, NOT_SHOWN, NO_INTERVAL, FEW)
"""Standings that compare nothing."""

PREDICTOR, COIN = "predictor", 0.5  # which tells two futures apart: a coin is right half of the time


@dataclass(frozen=True)
class JudgeReading:
    """How a judge reads the variable of unedited test scenes: accuracy with its interval, beside chance."""

    accuracy: float
    low: float
    high: float
    n: float
    chance: float

    @property
    def reads(self) -> bool:
        """Whether it reads the variable at all: its accuracy's interval lies above chance."""
        return side(self.low, self.high, self.chance) == "above"

    def stored(self) -> dict[str, Any]:
        """As it stands in summary.json."""
        return {**asdict(self), "reads": self.reads}


@dataclass(frozen=True)
class Effect:
    """A causal effect with its interval; ``judge``: how the judge that it is by reads the variable (None where that is not known).

    ``of_encoder``: whether the interval is said of the encoder, fits and read-outs varying as well, or of this subspace alone.
    """

    value: float
    low: float
    high: float
    n: float = nan
    judge: JudgeReading | None = None
    of_encoder: bool = False

    @classmethod
    def of(cls, row: Mapping[Any, Any], judge: JudgeReading | None = None) -> Effect:
        """Of a row of the table ``ce``, or of an entry of summary.json."""
        of_encoder = isfinite(_number(row, "one_low"))
        return cls(_number(row, "value"), _number(row, "low"), _number(row, "high"), _number(row, "n"), judge, of_encoder)

    @property
    def side(self) -> Side:
        """Where its interval lies beside zero."""
        return side(self.low, self.high)

    @property
    def unread(self) -> bool:
        """Whether the judge is known not to read the variable: whatever moves then is no effect on it."""
        return self.judge is not None and not self.judge.reads

    @property
    def shown(self) -> bool:
        """Whether it is shown to do anything: an interval clear of zero, by a judge that reads the variable."""
        return not self.unread and self.side in ("above", "below")

    @property
    def works(self) -> bool:
        """Whether it is shown to do what the edit is for: only then is it a multiple, or a share, of something."""
        return self.shown and self.side == "above"


@dataclass(frozen=True)
class Against:
    """An effect beside one control; NaN for what is not known. ``p_holm``: of a comparison that is one of many."""

    effect: Effect
    control: str
    ratio: float
    ratio_low: float
    ratio_high: float
    is_bound: bool
    difference_low: float
    difference_high: float
    excess_low: float
    excess_high: float
    percentile: float
    draws: float
    overlap: float = nan
    difference: float = nan
    p_holm: float = nan

    @classmethod
    def of(cls, row: Mapping[Any, Any], effect: Effect, control: str | None = None) -> Against:
        """Of a control's row of the table ``ce``, or (with the control's name) of an entry of summary.json."""
        table = "ratio" in row
        ratio, low, high = (_number(row, key) for key in (("ratio", "ratio_low", "ratio_high") if table else ("value", "low", "high")))
        stored = row.get("ratio_is_bound" if table else "bound")
        # JSON has no infinity: in folders of the first version a value without an upper end is a bound
        is_bound = isfinite(ratio) and not isfinite(high) if stored is None else bool(stored)
        keys = ("difference_low", "difference_high", "excess_low", "excess_high", "percentile", "draws", "overlap", "difference", "p_holm")
        name = str(row["control"]) if control is None else control
        return cls(effect, name, ratio, low, high, is_bound, *(_number(row, key) for key in keys))

    @property
    def has_ratio(self) -> bool:
        """Whether a ratio is stated: of an effect that works, with its interval, or a lower bound that bounds something."""
        if not self.effect.works or isnan(self.ratio) or (self.standing in SILENT and not isnan(self.draws)):
            return False
        return self.ratio > 1 if self.is_bound else isfinite(self.ratio) and not isnan(self.ratio_low)

    @property
    def standing(self) -> str:
        """One of ``CLOSENESS`` or ``SILENT``.

        Beside the control's mean draw by the interval of the difference, and outside its draws by that of the effect less one new draw
        (``excess``); folders of earlier versions that do not store the latter have the percentile among at least ``OUTSIDE_DRAWS`` draws.
        Where nothing in the control is random and the comparison is one of many, p has to hold for all of them.
        """
        if self.effect.unread:
            return UNREAD
        if not self.effect.shown:
            return NO_INTERVAL if self.effect.side == "unknown" else NOT_SHOWN
        only = self.draws == 1  # nothing in it is random, and there is one to compare with
        if self.draws < MIN_DRAWS and not (only and isfinite(self.difference_low)):
            return FEW
        beside = self._beside_mean
        if beside == "unknown":
            return NO_INTERVAL
        if beside == "across" or (only and self.p_holm >= 1 - LEVEL):
            return SAME
        if beside == "above":
            return ABOVE_IT if only else OUTSIDE if self._outside == "above" else ABOVE_MEAN
        return BELOW_IT if only else BELOW if self._outside == "below" else BELOW_MEAN

    @property
    def beyond(self) -> tuple[float, float, float]:
        """How much more the effect is than one more draw of the control (or than it, where nothing in it is random), with its interval."""
        low, high = (self.difference_low, self.difference_high) if self.draws == 1 else (self.excess_low, self.excess_high)
        return self.difference, low, high

    @property
    def _beside_mean(self) -> Side:
        if isfinite(self.difference_low) and isfinite(self.difference_high):
            return side(self.difference_low, self.difference_high)
        if isfinite(self.excess_low) and self.excess_low > 0:  # beyond a new draw is beyond their mean
            return "above"
        if self.is_bound:
            return "above" if self.ratio > 1 else "unknown"
        return side(self.ratio_low, self.ratio_high, 1.0)

    @property
    def _outside(self) -> Side:
        if self.draws < OUTSIDE_DRAWS:
            return "unknown"
        if isfinite(self.excess_low):
            return side(self.excess_low, self.excess_high)
        ends: dict[float, Side] = {100.0: "above", 0.0: "below"}
        return "unknown" if isnan(self.draws) else ends.get(self.percentile, "across")


def worst_first(beside: Iterable[Against]) -> list[Against]:
    """Controls in the order in which a claim names them: the closest to the effect first, those that compare nothing last."""

    def closeness(against: Against) -> tuple[int, bool, float]:
        known = against.standing in CLOSENESS
        place = CLOSENESS.index(against.standing) if known else len(CLOSENESS)
        return place, against.is_bound, against.ratio if isfinite(against.ratio) else float("inf")

    return sorted(beside, key=closeness)


def judge_readings(effects: pd.DataFrame) -> dict[str, JudgeReading]:
    """How each judge of a table ``effects`` reads unedited scenes, by name: off the rows of ablation, whose scenes keep their class.

    Chance is the share of the largest class, for the predictor one half. A judge that was asked about no ablation is left out.
    """
    own = effects[(effects["control"] == "subspace") & (effects["edit"] == "ablate")]
    readings = {}
    for judge, rows in own.groupby("judge", sort=False):
        rows = rows.drop_duplicates(rows.columns.intersection(["scene", "clip"]).to_list())
        share = scene_proportion(rows["correct_before"].to_numpy(dtype=bool), rows["scene"].to_numpy())
        chance = COIN if judge == PREDICTOR else float(rows["target"].value_counts(normalize=True).iloc[0])
        readings[str(judge)] = JudgeReading(share.value, share.low, share.high, share.n, chance)
    return readings


def stored_readings(summary: Mapping[str, Any], ce: pd.DataFrame | None = None) -> dict[str, JudgeReading]:
    """The same of a finished folder: what its summary says (``judge_reading``), in folders of earlier versions what its table ``ce``
    says: Wilson's interval of the accuracy before ablation at n scenes, beside the summary's chance. Judges not known are left out."""
    known = summary.get("judge_reading")
    stored = known if isinstance(known, dict) else {}
    keys = ("accuracy", "low", "high", "n", "chance")
    readings = {
        str(name): JudgeReading(*(_number(reading, key) for key in keys)) for name, reading in stored.items() if isinstance(reading, dict)
    }
    if ce is None or "accuracy_before" not in ce or stored:
        return readings
    own = ce[(ce["control"] == "subspace") & (ce["edit"] == "ablate") & ce["accuracy_before"].between(0, 1) & (ce["n"] > 0)]
    for row in own.drop_duplicates("judge").to_dict("records"):
        accuracy, n = float(row["accuracy_before"]), float(row["n"])
        chance = COIN if row["judge"] == PREDICTOR else _number(summary, "chance")
        if not isnan(chance):
            readings[str(row["judge"])] = JudgeReading(accuracy, *wilson(accuracy, n), n, chance)
    return readings


def cross_reading(readable: bool, equivalent: bool, effect: tuple[float, float, float], margin: float, nulls: Iterable[float]) -> str:
    """What an edit does to the read-out of another factor: 'leaks', 'unaffected', 'undecided' or 'not readable'.

    ``effect``: value, low, high. A leak: the interval is clear of zero and of what the controls do on average (``nulls``), and the effect
    larger than the ``margin`` within which effects count as none. Unaffected: shown by two one-sided tests (``equivalent``). Everything
    else is undecided; not to find an effect does not show that there is none.
    """
    if not readable:
        return "not readable"
    if equivalent:
        return "unaffected"
    value, low, high = effect
    levels = [0.0, *(level for level in nulls if isfinite(level))]
    clear = side(low, high, max(levels)) == "above" or side(low, high, min(levels)) == "below"
    return "leaks" if clear and abs(value) > margin else "undecided"


def _number(row: Mapping[Any, Any], key: str) -> float:
    value = row.get(key)
    return float(value) if isinstance(value, Real) else nan
