"""Whether a variable is *read*, and what reads it as well: one rule for each kind of variable, from the tables of the probes.

A categorical variable is read by the accuracy of its classes. A numeric one by R^2 (by its error beside the best constant guess where R^2
has no interval): its classes are cut at borders that mean nothing to a reader of numbers. A circular one by the error of the angle. What
is read without the trained encoder is held against it in the same measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import pandas as pd

from jepascope.stats import side

PLAIN = {"pixels": "pixels", "frame_differences": "frame differences"}
"""Readers without any encoder."""

MeasureName = Literal["accuracy", "error", "r2"]
ENDS: dict[MeasureName, tuple[str, str, str]] = {
    "accuracy": ("accuracy", "low", "high"),
    "error": ("error", "low", "high"),
    "r2": ("r2", "r2_low", "r2_high"),
}
"""Columns of value, low and high."""


def chosen_probes(
    probes: pd.DataFrame,
    probe: str = "dense",
    encoder: str | None = None,
    layer: int | None = None,
    tokens: str | None = None,
) -> pd.DataFrame:
    """Rows of the table ``probes`` at the chosen strength: of one kind of probe and, where given, one encoder, layer and selection."""
    kept = (probes["probe"] == probe) & probes["chosen"]
    for column, wanted in (("encoder", encoder), ("layer", layer), ("tokens", tokens)):
        if wanted is not None:
            kept &= probes[column] == wanted
    return probes[kept]


@dataclass(frozen=True)
class Rival:
    """What reads the variable without the trained encoder: its value and the best of its seeds (the same where it has one), and what is
    held against the encoder's interval: the best value of accuracies, of values the end nearest to being better of any seed's own."""

    name: str
    value: float
    best: float
    nearest: float


@dataclass(frozen=True)
class Measure:
    """How well one output is read (``output`` empty: the classes), beside chance and beside the rivals in the same measure."""

    name: MeasureName
    output: str
    value: float
    low: float
    high: float
    chance: float
    n: float
    unit: str = ""
    rivals: tuple[Rival, ...] = ()

    @property
    def read(self) -> bool:
        """Whether the interval lies on the better side of chance."""
        return side(self.low, self.high, self.chance) == ("below" if self.name == "error" else "above")

    @property
    def as_good(self) -> tuple[Rival, ...]:
        """Rivals that are not shown to read it less well."""
        if self.name == "error":
            return tuple(rival for rival in self.rivals if rival.nearest <= self.high)
        return tuple(rival for rival in self.rivals if rival.nearest >= self.low)

    def rival(self, name: str) -> Rival | None:
        """By name; None where it was not measured."""
        return next((rival for rival in self.rivals if rival.name == name), None)


@dataclass(frozen=True)
class VariableReading:
    """How a variable is read at one layer and token selection: by its classes and, where it has any, by its values."""

    kind: str  # categorical, numeric, circular
    layer: int
    classes: Measure
    values: tuple[Measure, ...] = ()
    in_turn: bool = False  # whether it is read of every video in turn, each at the layer that the others choose

    @property
    def deciding(self) -> tuple[Measure, ...]:
        """The measures that say whether it is read: of its values where they have an interval, else of its classes."""
        stated = tuple(measure for measure in self.values if isfinite(measure.low) and isfinite(measure.high))
        return stated or (self.classes,)

    @property
    def read(self) -> bool:
        """Whether it is read: of a variable of several outputs at least one."""
        return any(measure.read for measure in self.deciding)

    @property
    def as_good(self) -> dict[str, tuple[str, ...]]:
        """Rivals that read it as well, with the outputs that they do so of; of outputs that are read."""
        outputs: dict[str, tuple[str, ...]] = {}
        for measure in self.deciding:
            for rival in measure.as_good if measure.read else ():
                outputs[rival.name] = (*outputs.get(rival.name, ()), measure.output)
        return outputs


def variable_reading(
    kind: str | None, probes: pd.DataFrame, values: pd.DataFrame | None, layer: int, tokens: str
) -> VariableReading | None:
    """From the tables ``probes`` and ``values``; None where the model's classes were not read there. ``kind`` None: as the values say."""
    at = chosen_probes(probes, layer=layer, tokens=tokens)
    model = at[at["encoder"] == "model"]
    if model.empty:
        return None
    row = model.iloc[0].to_dict()
    plain = chosen_probes(probes)
    classes = _measure("accuracy", "", row, _rivals("accuracy", at, plain), chance=float(row["chance"]))
    read = () if values is None else _values(values, layer, tokens)
    circular = bool(values is not None and (values["probe"] == "circular").any())
    return VariableReading(kind or ("categorical" if not read else "circular" if circular else "numeric"), layer, classes, read)


def _values(values: pd.DataFrame, layer: int, tokens: str) -> tuple[Measure, ...]:
    """One for each output, from held-out clips."""
    held = values[values["held_out"] == "clips"]
    at = held[(held["layer"] == layer) & (held["tokens"] == tokens)]
    measures = []
    for row in at[at["encoder"] == "model"].to_dict("records"):
        same, plain = at[at["output"] == row["output"]], held[held["output"] == row["output"]]
        stated = row["probe"] != "circular" and isfinite(float(row["r2_low"]))
        name: MeasureName = "r2" if stated else "error"
        chance = 0.0 if stated else float(row["chance"])
        measures.append(_measure(name, str(row["output"]), row, _rivals(name, same, plain), chance))
    return tuple(measures)


def _measure(name: MeasureName, output: str, row: Mapping[Any, Any], rivals: tuple[Rival, ...], chance: float) -> Measure:
    value, low, high = (float(row[column]) for column in ENDS[name])
    unit = "" if name != "error" else str(row["unit"])
    return Measure(name, output, value, low, high, chance, float(row["n"]), unit, rivals)


def _rivals(name: MeasureName, at: pd.DataFrame, plain: pd.DataFrame) -> tuple[Rival, ...]:
    """The better of the readers without an encoder, and the untrained twins: their mean, and the best of them.

    Accuracies of twins are held against the interval as they are, values by the ends of the twins' own intervals on the same clips.
    """
    value, low, high = ENDS[name]
    lower = name == "error"
    end = value if name == "accuracy" else low if lower else high
    rivals = []
    read = plain[plain["encoder"].isin(list(PLAIN))].dropna(subset=[value]).sort_values(value, ascending=not lower, kind="stable")
    if not read.empty:
        row = read.iloc[-1]
        rivals.append(Rival(PLAIN[str(row["encoder"])], *[float(row[value])] * 3))
    twins = at[at["encoder"] == "untrained"].dropna(subset=[value])
    if not twins.empty:
        best, nearest = ((column.min() if lower else column.max()) for column in (twins[value], twins[end].fillna(twins[value])))
        rivals.append(Rival("untrained twins", float(twins[value].mean()), float(best), float(nearest)))
    return tuple(rivals)
