"""A planted network's ground, its planes, and hand-made results of exchanges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import FLOORS
from jepascope.planted.bench import PlantedBench, planted_benches
from jepascope.portability.degeneracy import AddedUp, Part
from jepascope.portability.exchange import exchanged
from jepascope.stats import NOTHING, EffectRatio, Interval


@dataclass(frozen=True)
class Known:
    """A planted network; ``plane``: its planes by name."""

    bench: PlantedBench

    @property
    def ground(self) -> InterventionContext:
        bench = self.bench
        return InterventionContext(bench.encoder, bench.site, bench.scenes, [bench.judge], bench.covariance, bench.mean, resamples=200)

    def plane(self, name: str) -> Tensor:
        return self.bench.encoder.frame.planes[name].float()

    def nuisance(self, first: int = 0) -> Tensor:
        """Two of the directions that hold noise and are never read, in order of their spread."""
        return self.plane("N")[:, first : first + 2]

    def subspace(self, basis: Tensor) -> Subspace:
        return Subspace(basis, self.bench.mean)


def known(name: str) -> Known:
    return Known(planted_benches([(name, 0)], fit=8, judge=8, test=2)[0])


def shares(ground: InterventionContext, *exchanges: object) -> list[float]:
    """CE of every exchange."""
    numerators, below = exchanged(ground, exchanges)  # type: ignore[arg-type]
    return [float(value) for value in numerators.sum(axis=1) / below.sum()]


def interval(value: float, half: float = 0.02) -> Interval:
    return Interval(value, value - half, value + half, 16)


def part(name: str, value: float, excess: float | None = 0.1, rank: int = 2, half: float = 0.02) -> Part:
    """Of a CE; ``excess``: lower end of what it has above every control (None: no room was left for controls)."""
    nothing = EffectRatio(NOTHING, interval(0.05), interval(value - 0.05), NOTHING, NOTHING, False, 50.0, 0.05, 20)
    against = {} if excess is None else {control: replace(nothing, excess=Interval(value, excess, value, 16)) for control in FLOORS}
    return Part(name, rank, np.full(16, value), interval(value, half), against)


def added_up(alone: Sequence[float], whole: float, surplus: float | None = None) -> AddedUp:
    """Of CE; the surplus is what they add up to, unless another one is given."""
    return AddedUp(tuple(map(interval, alone)), interval(whole), interval(sum(alone) - whole if surplus is None else surplus))


def random_basis(width: int, rank: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(width, rank, generator=generator, dtype=torch.float64))[0].float()
