"""What a probe's accuracy is worth: beside the control task and beside permuted labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot, nan

import pandas as pd

from jepascope.discovery.probes.readings import chosen_probes
from jepascope.findings.numbers import MINUS, finite, percent, percent_span


@dataclass(frozen=True)
class Reading:
    """The dense probe at one layer and token selection; ``control`` and ``permuted`` hold one accuracy a draw, none if not run.

    ``control_low`` and ``control_high`` are means of the control tasks' own intervals, ``control_chance`` that of their chances;
    ``types`` and ``type_columns`` say what their labels are a function of.
    """

    accuracy: float
    low: float
    high: float
    chance: float
    n: float
    untrained: tuple[float, ...]
    control: tuple[float, ...]
    permuted: tuple[float, ...]
    control_low: float = nan
    control_high: float = nan
    control_chance: float = nan
    types: float = nan
    type_columns: str = ""

    @property
    def mean_control(self) -> float:
        return sum(self.control) / len(self.control) if self.control else nan

    @property
    def selectivity(self) -> float:
        """Accuracy less the mean accuracy on control tasks (Hewitt & Liang 2019)."""
        return self.accuracy - self.mean_control

    @property
    def interval(self) -> tuple[float, float]:
        """Of the selectivity, over test clips: Newcombe's (1998, method 10) for two proportions, from their Wilson intervals.

        Both are of the same clips, and how often a clip is right in both is not stored: taken as independent, which is too wide
        where clips that are hard in one task are hard in the other.
        """
        less = hypot(self.accuracy - self.low, self.control_high - self.mean_control)
        more = hypot(self.high - self.accuracy, self.mean_control - self.control_low)
        return self.selectivity - less, self.selectivity + more


def reading(probes: pd.DataFrame, layer: int, tokens: str) -> Reading | None:
    """The chosen dense probes of one layer and token selection; None where the model has none."""
    rows = chosen_probes(probes, layer=layer, tokens=tokens)
    model = rows[rows["encoder"] == "model"]
    if model.empty:
        return None
    accuracy, low, high, chance, n = (float(model.iloc[0][name]) for name in ("accuracy", "low", "high", "chance", "n"))

    def draws(encoder: str) -> tuple[float, ...]:
        return tuple(rows[rows["encoder"] == encoder]["accuracy"].dropna())

    tasks = rows[rows["encoder"] == "control_task"].dropna(subset="accuracy")
    least, most, level = (float(tasks[name].mean()) for name in ("low", "high", "chance"))
    types, columns = (float(tasks["types"].iloc[0]), str(tasks["type_columns"].iloc[0])) if len(tasks) else (nan, "")
    null = draws("untrained"), draws("control_task"), draws("permuted")
    return Reading(accuracy, low, high, chance, n, *null, least, most, level, types, columns)


def points(value: float) -> str:
    """A difference of two shares, without its unit."""
    return f"{100 * value:.1f}".replace("-", MINUS) if finite(value) else "n/a"


def points_span(low: float, high: float) -> str:
    return f"[{points(low)}, {points(high)}]"


def made_of(read: Reading) -> str:
    """What the control tasks are a random function of."""
    what = "a random function of other factors"
    if not finite(read.types):
        return what
    return f"{what} ({read.types:.0f} types: combinations of {read.type_columns}; numbers cut at their median)"


def beside(read: Reading, baselines: Mapping[str, float]) -> str:
    """The accuracy beside the best untrained twin and what is read without an encoder; ``baselines`` are accuracies by name."""
    best = {f"the best of {len(read.untrained)} untrained twins": max(read.untrained)} if read.untrained else {}
    by_word: dict[str, list[str]] = {}
    for name, value in {**best, **baselines}.items():
        how = "less than" if value > read.high else "no better than" if value >= read.low else "more than"
        by_word.setdefault(how, []).append(f"{name} ({percent(value)})")
    parts = [f"{how} {', '.join(names)}" for how, names in by_word.items()]
    return f" That is {'; '.join(parts)}." if parts else ""


def worth(read: Reading, noun: str, tokens: str, layer: int, confidence: str, baselines: Mapping[str, float] | None = None) -> str:
    """Accuracy, baselines, selectivity and the permuted labels at one layer, in words that follow the numbers."""
    text = (
        f"At layer {layer} ({tokens} tokens) the dense probe names the {noun} of {percent(read.accuracy)} of the test clips "
        f"({confidence} {percent_span(read.low, read.high)}; chance {percent(read.chance)})."
    )
    text += beside(read, baselines or {})
    if read.control:
        low, high = read.interval
        text += (
            f" The control task, {made_of(read)}, is read at {percent(read.mean_control)} (mean of {len(read.control)} tasks, range "
            f"{percent_span(min(read.control), max(read.control))}; their own chance {percent(read.control_chance)})"
        )
        if read.control_low > read.control_chance:
            text += ": above chance, so those factors are encoded too"
        text += (
            f". Selectivity is {points(read.selectivity)} percentage points {points_span(low, high)} ({confidence} over clips, Newcombe's "
            "for two proportions): "
        )
        if low > 0:
            text += "the probe reads the variable better than an arbitrary function of other factors."
        elif high < 0:
            text += "the probe reads an arbitrary function of other factors better than the variable, so its accuracy shows little."
        else:
            text += (
                "the variable is not read better than an arbitrary function of other factors, as far as these clips tell, so this "
                "accuracy is not specific to it."
            )
    if read.permuted:
        least, most = min(read.permuted), max(read.permuted)
        above = "the accuracy lies above all of them" if read.low > most else "the accuracy's interval is not clear of them"
        text += f" With permuted labels it reaches {percent_span(least, most)} over {len(read.permuted)} draws; {above}."
    return text
