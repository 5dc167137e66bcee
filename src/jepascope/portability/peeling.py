"""The degeneracy curve: subspaces peeled off one after another, each found with the earlier ones ablated, until one meets its control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.context import InterventionContext
from jepascope.portability.alignment import sas
from jepascope.portability.degeneracy import WORKS, AddedUp, Part, held_norms, measure
from jepascope.portability.exchange import Bases, has_room, remainder
from jepascope.stats import Interval

ROUNDS, SETTLED = 4, 0.01  # of finding carriers again, and the change of SAS at which they have settled
NEVER = 1e-6  # of the largest variance: directions below it never vary, and a swap along them would be through a dormant path

FindNext = Callable[[Bases], Subspace]
"""A subspace of what is left when the given basis is ablated; BadData or BadArgument where there is none."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Stage:
    """``peeled``: exchanged while all earlier stages are ablated. ``alone``: while all other carriers are (None where it is none)."""

    subspace: Subspace
    peeled: Part
    alone: Part | None = None

    @property
    def above(self) -> bool:
        return self.peeled.above


@dataclass(frozen=True)
class Peeling:
    """All stages. ``whole``: all carriers exchanged together; ``added``: what they do alone and together, and its surplus, and ``held``:
    the same with the norms' scales held (see ``PairTest``). ``rest``: everything outside the carriers exchanged, while they are ablated: no
    search is needed to bound what was not found. ``ended``: why it stopped."""

    stages: tuple[Stage, ...]
    whole: Part | None
    added: AddedUp | None
    held: AddedUp | None
    rest: Interval | None
    ended: str

    @property
    def carriers(self) -> list[Stage]:
        """The stages above their controls."""
        return [stage for stage in self.stages if stage.above]

    @property
    def copies(self) -> int:
        """Carriers that alone carry (lower end) more than half of what all do together, with the norms as they are and held."""
        if self.added is None or self.held is None:
            return 0
        return sum(map(all, zip(self.added.copies, self.held.copies, strict=True)))


def peel(
    context: InterventionContext, find_next: FindNext, most: int, rounds: int = ROUNDS, progress: Callable[[str], Progress] | None = None
) -> Peeling:
    """Find, exchange beside controls, ablate, and again; at most ``most`` times. Then each stage that lay above its controls, alone.

    A stage that moves the margin no further than a control does is ablated as well, and the search goes on: the control may lie in what
    is found next. In the end its controls are drawn outside of everything that was found. Where it still lies in them it is no carrier.

    Where carriers overlap in what they do, each is found once more with all the others ablated, in up to ``rounds`` rounds, whenever one
    is added: the first one was found while later ones could still help, and may hold a share of them.

    Directions that never vary naturally are held out from the start: what moves the read-out through them is a dormant path, and no copy.
    """
    if most < 1:
        raise BadArgument(f"At least one subspace must be peeled off, not {most}.")
    peeler = _Peeler(context, find_next, progress)
    last: tuple[Stage, ...] = ()
    ended = f"after {count_of(most, 'stage')}, the most that {'was' if most == 1 else 'were'} asked for"
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
        if not part.moves:
            last, ended = (Stage(subspace, part),), f"stage {number} {_why_not(part)}"
            break
        peeler.carriers.append(subspace)
        peeler.find_each_again(rounds)
    return _finished(peeler, last, ended)


def _why_not(part: Part) -> str:
    """Why the search ends with a stage."""
    beyond = bool(part.against) and all(compared.excess.low > 0 for compared in part.against.values())
    return f"moves too little to count (lower end not above {WORKS})" if beyond else "met its controls"


def count_of(many: int, what: str) -> str:
    """ "1 stage", "2 stages"."""
    return f"{many} {what}{'s' * (many != 1)}"


class _Peeler:
    """The stages that moved the margin so far, and how the next one is found."""

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
        for _ in range(rounds if len(self.carriers) > 1 and self.alone()[1].beyond else 0):
            changed = 0.0
            for i, now in enumerate(self.carriers):
                again = self.find([other for j, other in enumerate(self.carriers) if j != i]) or now
                changed = max(changed, 1 - sas(now.basis, again.basis))
                self.carriers[i] = again
            if changed < SETTLED:
                break

    def each_alone(self) -> dict[str, tuple[Bases, Bases | None]]:
        """(swapped, held) of each carrier with all others ablated, by its place, and of all of them together ("whole")."""
        bases = [carrier.basis for carrier in self.carriers]
        wanted: dict[str, tuple[Bases, Bases | None]] = {}
        for i, basis in enumerate(bases):
            others = bases[:i] + bases[i + 1 :]
            wanted[str(i)] = (basis, torch.cat(others, dim=1) if others else None)
        return {**wanted, "whole": (torch.cat(bases, dim=1), None)}

    def alone(self) -> tuple[dict[str, Part], AddedUp]:
        """Each carrier exchanged with all the others ablated, by its place; "whole": all of them exchanged; and how they add up."""
        parts, below = measure(self.context, self.each_alone(), {})
        *each, whole = (part.numerator for part in parts.values())
        return parts, AddedUp.of(self.context, each, whole, below)

    def rest(self) -> Interval:
        """What everything outside the carriers moves while they are ablated."""
        held = torch.cat([carrier.basis for carrier in self.carriers], dim=1) if self.carriers else None
        eye = torch.eye(len(self.dead))
        parts, _ = measure(self.context, {"rest": (eye if held is None else remainder(eye, held), held)}, {})
        return parts["rest"].effect

    def measured(self, earlier: Sequence[Subspace], stage: Subspace, avoid: Sequence[Subspace] = ()) -> Part:
        """A stage exchanged while all before it are ablated, beside controls that avoid these, it, what never varies and ``avoid``."""
        before = [subspace.basis for subspace in earlier]
        outside = [*before, *(subspace.basis for subspace in avoid)]
        key = (*(basis.numpy().tobytes() for basis in (*outside, stage.basis)), b"%d" % len(before))
        if key in self.kept:
            return self.kept[key]
        held = torch.cat(before, dim=1) if before else None
        tick = self.progress(f"exchange peeled subspace {len(before) + 1}") if self.progress else None
        parts, _ = measure(self.context, {"peeled": (stage.basis, held)}, {"peeled": torch.cat([self.dead, *outside], dim=1)}, tick)
        self.kept[key] = parts["peeled"]
        return self.kept[key]

    def beside_controls(self, place: int) -> Part:
        """A stage in its place; where a control moves the margin as well, beside controls that avoid all the others, too."""
        earlier, stage, later = self.carriers[:place], self.carriers[place], self.carriers[place + 1 :]
        part = self.measured(earlier, stage)
        room = has_room(stage.basis, torch.cat([self.dead, *(other.basis for other in (*earlier, *later))], dim=1))
        return self.measured(earlier, stage, later) if part.drowned and later and room else part


def _finished(peeler: _Peeler, last: tuple[Stage, ...], ended: str) -> Peeling:
    """The stages measured as they are in the end, each carrier also alone."""
    stages = [Stage(stage, peeler.beside_controls(place)) for place, stage in enumerate(peeler.carriers)]
    peeler.carriers = [stage.subspace for stage in stages if stage.above]
    rest = peeler.rest() if stages or last else None
    if not peeler.carriers:
        return Peeling((*stages, *last), None, None, None, rest, ended)
    alone, added = peeler.alone()
    held = held_norms(peeler.context, list(peeler.each_alone().values()))
    parts = iter(alone.values())
    stages = [replace(stage, alone=next(parts)) if stage.above else stage for stage in stages]
    return Peeling((*stages, *last), alone["whole"], added, held, rest, ended)


def never_varying(covariance: Float[Tensor, "width width"]) -> Float[Tensor, "width dead"]:
    """Orthonormal basis of the directions with less than ``NEVER`` of the largest variance."""
    values, vectors = torch.linalg.eigh(covariance.double())
    dead: Float64[Tensor, "width dead"] = vectors[:, values <= NEVER * values[-1]]
    return dead.float()
