"""Angles read by ridge regression to (cos, sin), and whether the code is a circle: angles of an arc that was left out of training.

A probe that is right between the classes that it was shown may have learned eight clusters. Here each arc of the circle is read
by a probe that never saw a clip of it: a linear code of the angle is read all the same, unrelated clusters are not.

The mean of the angles shown points away from the missing arc, and a probe that finds nothing falls back on it: always the
opposite. So it is taken off what held-out arcs are read as, which leaves the step from the mean of what was shown, and nothing found
is chance, 90 degrees. On a circle of evenly spread classes the step points where the angle itself does. Within an arc of continuous
angles it bends them towards the arc's middle: even a perfect circle then errs, by 2 to 3 degrees for eighths. ``arc_floor`` is that
error, of the true (cos, sin) read in the place of activations.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.probes.paths import stacked
from jepascope.discovery.probes.ridge import (
    RIDGE_STRENGTHS,
    checked_strengths,
    checked_targets,
    ridge_fits,
    squared_error,
    strongest_best,
)
from jepascope.errors import BadArgument, BadData
from jepascope.stats import LEVEL, Interval, mean_interval

ARCS = 8
FEWEST_ARCS = 4  # two are left out at a time, and two points are the fewest that have a direction
GUESSES = 1000  # constant guesses that are tried, at most
DISCRETE = 16  # with at most so many different angles, each of several clips, every angle is an arc of its own

Key = TypeVar("Key", bound=Hashable)


def on_circle(angles: Float[Tensor, " clips"]) -> Float[Tensor, "clips 2"]:
    """(cos, sin)."""
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def decoded_angle(values: Float[Tensor, "clips 2"]) -> Float[Tensor, " clips"]:
    """Angle in radians of (cos, sin), or of what a probe gave for them; the length plays no part."""
    return torch.atan2(values[:, 1], values[:, 0])


def circular_errors(true: Float[Tensor, " clips"], predicted: Float[Tensor, "*batch clips"]) -> Float[Tensor, "*batch clips"]:
    """Degrees between two angles (radians) the shorter way round: 0 to 180."""
    apart = true.double() - predicted.double()
    return torch.atan2(apart.sin(), apart.cos()).abs().rad2deg()


def mean_circular_error(
    true: Float[Tensor, " clips"], predicted: Float[Tensor, " clips"], weights: Float[np.ndarray, "resamples clips"], level: float = LEVEL
) -> Interval:
    """Mean absolute angular difference in degrees with its bootstrap interval; ``weights`` from ``stats.scene_weights``."""
    return mean_interval(circular_errors(true, predicted).numpy(), weights, level)


def circular_median(angles: Float[Tensor, " clips"]) -> Float[Tensor, ""]:
    """The angle (radians) of least mean circular error, one of those given: the best constant guess (Mardia & Jupp 2000, 2.3.2).

    Of very many different angles, an even choice of GUESSES is tried.
    """
    guesses = angles.double().unique()
    guesses = guesses[:: 1 + (len(guesses) - 1) // GUESSES]
    apart = guesses[:, None] - angles.double()
    best: Tensor = guesses[torch.atan2(apart.sin(), apart.cos()).abs().mean(dim=1).argmin()]
    return best


@dataclass(frozen=True)
class Arcs:
    """The circle cut into arcs; an angle belongs to the nearest centre (radians)."""

    centres: Float[Tensor, " arcs"]
    discrete: bool = False  # whether each arc is a single angle

    @classmethod
    def of(cls, angles: Float[Tensor, " clips"], arcs: int = ARCS) -> Arcs:
        """One arc an angle where the clips have few different angles, each several times; else ``arcs`` equal ones, the first about 0."""
        turns = (angles.double() / (2 * math.pi)) % 1
        # 1 - tiny is 0 again
        distinct, counts = torch.unique((turns * 1e6).round() % 1e6, return_counts=True)
        if len(distinct) <= DISCRETE and int(counts.min()) >= 2:
            return cls(distinct / 1e6 * 2 * math.pi, True)
        if arcs < FEWEST_ARCS:
            raise BadArgument(f"Held-out arcs need at least {FEWEST_ARCS} arcs, not {arcs}.")
        return cls(torch.arange(arcs, dtype=torch.float64) * (2 * math.pi / arcs))

    def index(self, angles: Float[Tensor, " clips"]) -> Int[Tensor, " clips"]:
        return (angles.double()[:, None] - self.centres).cos().argmax(dim=1)


@dataclass(frozen=True)
class ArcReading:
    """What probes that never saw a clip's arc gave for it, less the mean of what they saw."""

    predicted: Float[Tensor, "clips 2"]
    strength: float  # median over arcs


def held_out_arcs(
    layers: Mapping[Key, Float[Tensor, "clips _"]],
    values: Float[Tensor, "clips 2"],
    held: Mapping[Key, Float[Tensor, "held _"]],
    held_values: Float[Tensor, "held 2"],
    arcs: int = ARCS,
    strengths: Sequence[float] = RIDGE_STRENGTHS,
) -> dict[Key, ArcReading]:
    """Of every layer: each arc's clips of ``held`` (the test split) read by a ridge probe fitted to the other arcs of ``layers``.

    The strength for an arc is the one of least squared error when each of the *other* arcs is left out in its turn as well: what
    makes a probe good between known arcs need not make it good beyond them. Every pair of arcs is left out once and serves both.
    Raises BadData for angles in fewer than 4 arcs, and for whatever ``ridge_probes`` refuses.
    """
    order, y = checked_strengths(strengths), checked_targets(values)
    cut = Arcs.of(decoded_angle(y), arcs)
    arc, held_arc = cut.index(decoded_angle(y)), cut.index(decoded_angle(held_values))
    present = arc.unique().tolist()
    if len(present) < FEWEST_ARCS:
        raise BadData(
            f"The clips' angles lie in {len(present)} arc(s) of the circle, too few to leave one out; take clips of at least "
            f"{FEWEST_ARCS} directions."
        )
    readings: dict[Key, ArcReading] = {}
    for keys, x in stacked(layers, len(y), torch.float64):
        tested = torch.stack([held[key] for key in keys]).double()
        error = {held_out: x.new_zeros(len(keys), len(order)) for held_out in present}
        for a, b in combinations(present, 2):
            trained = (arc != a) & (arc != b)
            fits = ridge_fits(x[:, trained], y[trained], order)
            for outer, inner in ((a, b), (b, a)):
                rows = arc == inner
                error[outer] += squared_error(fits, x[:, rows], y[rows])
        predicted = x.new_zeros(len(keys), len(held_values), 2)
        chosen = []
        for a in held_arc.unique().tolist():
            # an arc without a clip to fit needs nothing left out: no probe ever saw it
            trained, rows = arc != a, held_arc == a
            fits = ridge_fits(x[:, trained], y[trained], order)
            best = strongest_best(error[a] if a in error else torch.stack(list(error.values())).sum(dim=0))
            predicted[:, rows] = fits.predict(tested[:, rows])[torch.arange(len(keys)), best] - y[trained].mean(dim=0)
            chosen.append(x.new_tensor(order)[best])
        middle = torch.stack(chosen).median(dim=0).values.tolist()
        for i, key in enumerate(keys):
            readings[key] = ArcReading(predicted[i], middle[i])
    return {key: readings[key] for key in layers}


def arc_floor(
    values: Float[Tensor, "clips 2"],
    held_values: Float[Tensor, "held 2"],
    arcs: int = ARCS,
    strengths: Sequence[float] = RIDGE_STRENGTHS,
) -> float:
    """Degrees that held-out arcs of a perfect circle are misread by: the angles themselves, (cos, sin), in the place of activations."""
    read = held_out_arcs({"the angles": values}, values, {"the angles": held_values}, held_values, arcs, strengths)["the angles"]
    return float(circular_errors(decoded_angle(held_values), decoded_angle(read.predicted)).mean())
