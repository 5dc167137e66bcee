"""What a probe's accuracy is worth: beside the control task and beside permuted labels."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import pandas as pd

from jepascope.report.numbers import MINUS, finite, percent, percent_span

POINTS = "points"  # percentage points: a difference of two shares


@dataclass(frozen=True)
class Reading:
    """The dense probe at one layer and token selection; ``control`` and ``permuted`` hold one accuracy a draw, none if not run."""

    accuracy: float
    low: float
    high: float
    chance: float
    n: float
    untrained: tuple[float, ...]
    control: tuple[float, ...]
    permuted: tuple[float, ...]

    @property
    def selectivity(self) -> float:
        """Accuracy less the mean accuracy on control tasks (Hewitt & Liang 2019)."""
        return self.accuracy - sum(self.control) / len(self.control) if self.control else nan

    @property
    def spread(self) -> tuple[float, float]:
        """Selectivity against the control task that is read best and the one that is read worst."""
        return (self.accuracy - max(self.control), self.accuracy - min(self.control)) if self.control else (nan, nan)


def reading(probes: pd.DataFrame, layer: int, tokens: str) -> Reading | None:
    """The chosen dense probes of one layer and token selection; None where the model has none."""
    rows = probes[(probes["probe"] == "dense") & probes["chosen"] & (probes["layer"] == layer) & (probes["tokens"] == tokens)]
    model = rows[rows["encoder"] == "model"]
    if model.empty:
        return None
    accuracy, low, high, chance, n = (float(model.iloc[0][name]) for name in ("accuracy", "low", "high", "chance", "n"))

    def draws(encoder: str) -> tuple[float, ...]:
        return tuple(rows[rows["encoder"] == encoder]["accuracy"].dropna())

    return Reading(accuracy, low, high, chance, n, draws("untrained"), draws("control_task"), draws("permuted"))


def points(value: float) -> str:
    """A difference of two shares, without its unit."""
    return f"{100 * value:.1f}".replace("-", MINUS) if finite(value) else "n/a"


def points_span(low: float, high: float) -> str:
    return f"[{points(low)}, {points(high)}]"


def worth(read: Reading, noun: str, tokens: str, layer: int, confidence: str) -> str:
    """Accuracy, selectivity and the permuted labels at one layer, in words that follow the numbers."""
    said = (
        f"At layer {layer} ({tokens} tokens) the dense probe names the {noun} of {percent(read.accuracy)} of the test clips "
        f"({confidence} {percent_span(read.low, read.high)}; chance {percent(read.chance)})."
    )
    if read.control:
        low, high = read.spread
        said += (
            f" Selectivity is {points(read.selectivity)} percentage points {points_span(low, high)} (range over {len(read.control)} "
            f"control tasks, which the same probe reads at {percent(read.accuracy - read.selectivity)}): "
        )
        if low > 0:
            said += "what the probe can learn by heart from the rest of the scene gives it less than the variable does."
        elif high < 0:
            said += "the probe learns random labels of the scenes by heart better than it reads the variable, so its accuracy shows little."
        else:
            said += "not told apart from labels learnt by heart, so this accuracy may be the probe's own."
    if read.permuted:
        least, most = min(read.permuted), max(read.permuted)
        above = "the accuracy lies above all of them" if read.low > most else "the accuracy's interval is not clear of them"
        said += f" With permuted labels it reaches {percent_span(least, most)} over {len(read.permuted)} draws; {above}."
    return said
