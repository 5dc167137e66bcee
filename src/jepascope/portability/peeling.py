"""The degeneracy curve: subspaces peeled off one after another, each found with the earlier ones ablated, until one meets its control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.context import InterventionContext
from jepascope.portability.alignment import sas
from jepascope.portability.degeneracy import WORKS, Part, measure
from jepascope.portability.exchange import Bases, has_room, remainder
from jepascope.stats import Interval, ratio_of_means

BEYOND = 0.01  # of the natural change: a surplus below it is rounding
COPY = 0.5  # a copy carries, alone, more than this share of what all stages together do
ROUNDS, SETTLED = 4, 0.01  # of finding carriers again, and the change of SAS at which they have settled
NEVER = 1e-6  # of the largest variance: directions below it never vary, and a swap along them would be through a dormant path

FindNext = Callable[[Bases], Subspace]
"""A subspace of what is left when the given basis is ablated; BadData or BadArgument where there is none."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Stage:
    """``peeled``: exchanged while all earlier stages are ablated. ``alone``: while all other stages are (None where it was not above its
    controls)."""

    subspace: Subspace
    peeled: Part
    alone: Part | None = None

    @property
    def above(self) -> bool:
        return self.peeled.above


@dataclass(frozen=True)
class Peeling:
    """All stages, the one that met its controls last. ``whole``: all that lay above theirs, exchanged together; ``surplus``: the sum of
    what each does alone, less that. ``ended``: why it stopped."""

    stages: tuple[Stage, ...]
    whole: Part | None
    surplus: Interval | None
    ended: str

    @property
    def carriers(self) -> list[Stage]:
        """The stages above their controls."""
        return [stage for stage in self.stages if stage.above]

    @property
    def copies(self) -> int:
        """Carriers that alone carry (lower end) more than half of what all do together."""
        if self.whole is None:
            return 0
        half = COPY * self.whole.effect.value
        return sum(stage.alone is not None and stage.alone.effect.low > half for stage in self.carriers)


def peel(
    context: InterventionContext, find_next: FindNext, most: int, rounds: int = ROUNDS, progress: Callable[[str], Progress] | None = None
) -> Peeling:
    """Find, exchange beside controls, ablate, and again; at most ``most`` times. Then each stage that lay above its controls, alone.

    Where they overlap in what they do, each is found once more with all the others ablated, in up to ``rounds`` rounds, whenever one is
    added: the first one was found while later ones could still help, and may hold a share of them.

    Directions that never vary naturally are held out from the start: what moves the read-out through them is a dormant path, and no copy.
    """
    if most < 1:
        raise BadArgument(f"At least one subspace must be peeled off, not {most}.")
    peeler = _Peeler(context, find_next, progress)
    last: tuple[Stage, ...] = ()
    ended = f"after {most} stages, the most that were asked for"
    for number in range(1, most + 1):
        try:
            subspace = peeler.find(peeler.carriers)
        except (BadArgument, BadData) as error:
            ended = f"stage {number} was not found: {error}"
            break
        if subspace is None:
            ended = f"no room was left for stage {number} and its controls"
            break
        part = peeler.measured(peeler.carriers, subspace)
        if not part.above:
            last, ended = (Stage(subspace, part),), f"stage {number} {_why_not(part)}"
            break
        peeler.carriers.append(subspace)
        peeler.find_each_again(rounds)
    return _finished(peeler, last, ended)


def _why_not(part: Part) -> str:
    """Why a stage is no carrier."""
    beyond = bool(part.against) and all(compared.excess.low > 0 for compared in part.against.values())
    return f"moves too little to count (lower end not above {WORKS})" if beyond else "met its controls"


class _Peeler:
    """The stages above their controls so far, and how the next one is found."""

    def __init__(self, context: InterventionContext, find_next: FindNext, progress: Callable[[str], Progress] | None) -> None:
        self.context, self.find_next, self.progress = context, find_next, progress
        self.dead = never_varying(context.covariance)
        self.carriers: list[Subspace] = []
        self.kept: dict[tuple[bytes, ...], Part] = {}  # what was measured: most carriers are not found again

    def find(self, others: Sequence[Subspace]) -> Subspace | None:
        """What carries the variable when ``others`` are ablated; None where no room is left for it or its controls."""
        gone = torch.cat([self.dead, *(other.basis for other in others)], dim=1)
        subspace = self.find_next(gone)
        basis = remainder(subspace.basis, gone)
        if basis.shape[1] < subspace.rank or not has_room(basis, gone):
            return None
        return Subspace(basis, subspace.mean, subspace.provenance)

    def find_each_again(self, rounds: int) -> None:
        """Each carrier with all the others ablated, until none changes any more; only where they overlap in what they do (a surplus):
        of parts that add up, one finder's share is as good as another, and they would drift."""
        for _ in range(rounds if len(self.carriers) > 1 and self.alone()[1].low > BEYOND else 0):
            changed = 0.0
            for i, now in enumerate(self.carriers):
                again = self.find([other for j, other in enumerate(self.carriers) if j != i]) or now
                changed = max(changed, 1 - sas(now.basis, again.basis))
                self.carriers[i] = again
            if changed < SETTLED:
                break

    def alone(self) -> tuple[dict[str, Part], Interval]:
        """Each carrier exchanged with all the others ablated, by its place; "whole": all of them exchanged; and the surplus."""
        bases = [carrier.basis for carrier in self.carriers]
        wanted: dict[str, tuple[Bases, Bases | None]] = {"whole": (torch.cat(bases, dim=1), None)}
        for i, basis in enumerate(bases):
            others = bases[:i] + bases[i + 1 :]
            wanted[str(i)] = (basis, torch.cat(others, dim=1) if others else None)
        parts, below = measure(self.context, wanted, {})
        total = np.sum([parts[str(i)].numerator for i in range(len(bases))], axis=0) - parts["whole"].numerator
        return parts, ratio_of_means(total, below, np.random.default_rng(self.context.seed), self.context.resamples)

    def measured(self, earlier: Sequence[Subspace], stage: Subspace) -> Part:
        """A stage exchanged while all before it are ablated, beside controls that avoid these, it and what never varies."""
        before = [subspace.basis for subspace in earlier]
        key = tuple(basis.numpy().tobytes() for basis in (*before, stage.basis))
        if key in self.kept:
            return self.kept[key]
        held = torch.cat(before, dim=1) if before else None
        tick = self.progress(f"exchange peeled subspace {len(before) + 1}") if self.progress else None
        parts, _ = measure(self.context, {"peeled": (stage.basis, held)}, {"peeled": torch.cat([self.dead, *before], dim=1)}, tick)
        self.kept[key] = parts["peeled"]
        return self.kept[key]


def _finished(peeler: _Peeler, last: tuple[Stage, ...], ended: str) -> Peeling:
    """The stages measured as they are in the end, each also alone."""
    carriers = peeler.carriers
    if not carriers:
        return Peeling(last, None, None, ended)
    alone, surplus = peeler.alone()
    peeled = [peeler.measured(carriers[:i], carrier) for i, carrier in enumerate(carriers)]
    stages = [Stage(carrier, part, alone[str(i)]) for i, (carrier, part) in enumerate(zip(carriers, peeled, strict=True))]
    return Peeling((*stages, *last), alone["whole"], surplus, ended)


def never_varying(covariance: Float[Tensor, "width width"]) -> Float[Tensor, "width dead"]:
    """Orthonormal basis of the directions with less than ``NEVER`` of the largest variance."""
    values, vectors = torch.linalg.eigh(covariance.double())
    dead: Float64[Tensor, "width dead"] = vectors[:, values <= NEVER * values[-1]]
    return dead.float()
