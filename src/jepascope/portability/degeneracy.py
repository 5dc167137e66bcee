"""Degeneracy: do two subspaces each carry the variable when the other one is gone, or do they share one and the same part?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import FLOORS
from jepascope.portability.exchange import Bases, Exchange, exchange_controls, exchanged, joint, remainder
from jepascope.stats import EffectRatio, Interval, causal_effect_ratio, ratio_of_means

WORKS = 0.05  # of the natural change: the least that counts as an effect
BEYOND = 0.01  # of the natural change: a surplus below it is rounding
COPY = 0.5  # a copy carries, alone, more than this share of what all together do
SPANNED = 1e-3  # of the differences of class means: what may lie outside a subspace that holds them all
Scenes = Float64[np.ndarray, " scenes"]


@dataclass(frozen=True)
class Part:
    """One exchange: its numerators, its CE, and its comparison with every control (none where there was no room for them)."""

    name: str
    rank: int
    numerator: Scenes
    effect: Interval
    against: dict[str, EffectRatio]

    @property
    def above(self) -> bool:
        """Whether there is an effect worth the name (lower end above ``WORKS``), outside the draws of every control."""
        return self.moves and bool(self.against) and all(compared.excess.low > 0 for compared in self.against.values())

    @property
    def moves(self) -> bool:
        """Whether there is an effect worth the name, whatever controls do."""
        return self.effect.low > WORKS

    @property
    def drowned(self) -> bool:
        """Whether it moves the margin and a control does, too: nothing is told by it. A second copy may lie where the control is drawn."""
        return self.moves and not self.above


def share(context: InterventionContext, numerator: Scenes, below: Scenes) -> Interval:
    """Of the natural change: sum over sum, with its interval over scenes."""
    return ratio_of_means(numerator, below, np.random.default_rng(context.seed), context.resamples)


@dataclass(frozen=True)
class AddedUp:
    """What several subspaces do, each with all others ablated (``alone``), and all exchanged together; ``surplus``: the sum of the former
    less the latter."""

    alone: tuple[Interval, ...]
    whole: Interval
    surplus: Interval

    @classmethod
    def of(cls, context: InterventionContext, alone: Sequence[Scenes], whole: Scenes, below: Scenes) -> AddedUp:
        """From numerators, and the denominators that are common to them."""
        every = [share(context, numerator, below) for numerator in (*alone, whole, np.sum(alone, axis=0) - whole)]
        return cls(tuple(every[:-2]), *every[-2:])

    @property
    def copies(self) -> tuple[bool, ...]:
        """Which carry alone (lower end) more than half of what all do together."""
        return tuple(effect.low > COPY * self.whole.value for effect in self.alone)

    @property
    def beyond(self) -> bool:
        """Whether they add up to more than the whole (lower end)."""
        return self.surplus.low > BEYOND

    @property
    def unclear(self) -> bool:
        """Whether they are not shown to add up to more than the whole, nor to no more than would make one of them half a copy."""
        return not self.beyond and not self.surplus.high < COPY * self.whole.value


@dataclass(frozen=True)
class PairTest:
    """The decisive test of two subspaces (docs/science.md, "Degeneracy").

    ``a_alone``: a exchanged while b is ablated in clip and twin; ``b_alone`` the other way round; ``whole``: both exchanged; ``a``,
    ``b``: each exchanged with nothing ablated. ``surplus`` = CE(a_alone) + CE(b_alone) - CE(whole): 0 where the two carry parts that
    add up, CE(whole) where either is enough. In a linear network that reads one subspace, which holds the difference w between clip and
    twin, it is |(P_a - P_b) w|^2 - |w|^2 <= 0 for any a and b, oblique ones too: the norm of a difference of projectors is at most 1.

    The scale of a norm falls where part of a token is ablated, and what is left is read louder: that alone makes a surplus. ``held``: the
    same with every norm's scale held at the unedited clip's.

    ``interplay``: what the part of a outside b moves while b is as it is, less what a moves while b is gone, or the same of b and a, the
    larger. Above 0 where one needs the other, and not above it where both do what they do through a part that they share.

    ``spans``: whether a, and b, hold all differences of class means. With such a one ablated, next to no linear code is left in pooled
    activations, a second copy included: that the other one then does nothing is nearly forced.
    """

    a_alone: Part
    b_alone: Part
    whole: Part
    a: Part
    b: Part
    surplus: Interval
    held: AddedUp
    interplay: Interval
    spans: tuple[bool, bool] = (False, False)

    @property
    def added(self) -> AddedUp:
        """With norms as they are."""
        return AddedUp((self.a_alone.effect, self.b_alone.effect), self.whole.effect, self.surplus)

    @property
    def parts(self) -> dict[str, Part]:
        return {"a without b": self.a_alone, "b without a": self.b_alone, "whole": self.whole, "a": self.a, "b": self.b}


def pair_test(context: InterventionContext, a: Subspace, b: Subspace, progress: Callable[[int, int], None] | None = None) -> PairTest:
    """Exchanges of two subspaces at one site, beside random and variance-matched subspaces that are orthogonal to both."""
    both = joint(a.basis, b.basis)
    wanted: dict[str, tuple[Bases, Bases | None]] = {
        "a without b": (_unless_inside(a.basis, b.basis), b.basis),
        "b without a": (_unless_inside(b.basis, a.basis), a.basis),
        "whole": (both, None),
        "a": (a.basis, None),
        "b": (b.basis, None),
    }
    outside: dict[str, tuple[Bases, Bases | None]] = {
        "a outside b": (remainder(a.basis, b.basis), None),
        "b outside a": (remainder(b.basis, a.basis), None),
    }
    controlled = {"a without b": both, "b without a": both, "whole": both}
    parts, below = measure(context, wanted | outside, controlled, progress)
    a_alone, b_alone, whole = (parts[name] for name in controlled)
    added = AddedUp.of(context, (a_alone.numerator, b_alone.numerator), whole.numerator, below)
    more = [parts[name].numerator - alone.numerator for name, alone in zip(outside, (a_alone, b_alone), strict=True)]
    interplay = max((share(context, numerator, below) for numerator in more), key=lambda found: found.low)
    held = held_norms(context, [wanted[name] for name in controlled])
    spans = (holds_means(a, context.scenes.class_means), holds_means(b, context.scenes.class_means))
    return PairTest(a_alone, b_alone, whole, parts["a"], parts["b"], added.surplus, held, interplay, spans)


def held_norms(context: InterventionContext, wanted: Sequence[tuple[Bases, Bases | None]]) -> AddedUp:
    """What several do alone and (the last) together, (swapped, held) each, with the norms' scales held."""
    present = [Exchange(swapped, held) for swapped, held in wanted if swapped.shape[1]]
    numerators, below = exchanged(context, present, hold_norms=True)
    rows = iter(numerators)
    every = [next(rows) if swapped.shape[1] else np.zeros_like(below) for swapped, _ in wanted]
    return AddedUp.of(context, every[:-1], every[-1], below)


def holds_means(subspace: Subspace, class_means: Float[Tensor, "classes width"]) -> bool:
    """Whether all differences of class means lie in a subspace."""
    apart = (class_means - class_means.mean(dim=0)).double()
    basis = subspace.basis.double()
    return bool((apart - apart @ basis @ basis.T).square().sum() < SPANNED * apart.square().sum())


def _unless_inside(u: Bases, v: Bases) -> Bases:
    """u, or no columns where it lies in v: with v ablated nothing of it is left."""
    return u if remainder(u, v).shape[1] else u[:, :0]


def measure(
    context: InterventionContext,
    wanted: dict[str, tuple[Bases, Bases | None]],
    controlled: dict[str, Bases],
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, Part], Scenes]:
    """Parts by name, each (swapped, held), all in one run; those in ``controlled`` beside controls that avoid the basis given there.

    A part of rank 0 (it lies in what is held) has no effect by definition: CE 0, no controls.
    """
    exchanges: list[Exchange] = []
    place: dict[tuple[str, str], list[int]] = {}
    for name, (swapped, held) in wanted.items():
        if not swapped.shape[1]:
            continue
        drawn = exchange_controls(context, swapped, controlled[name], held) if name in controlled else None
        for control, bases in {"subspace": [swapped], **(drawn or {})}.items():
            place[name, control] = list(range(len(exchanges), len(exchanges) + len(bases)))
            exchanges += [Exchange(basis, held) for basis in bases]
    numerators, below = exchanged(context, exchanges, progress)
    parts = {}
    for name, (swapped, _) in wanted.items():
        own = numerators[place[name, "subspace"][0]] if swapped.shape[1] else np.zeros_like(below)
        rng = np.random.default_rng
        against = {
            control: causal_effect_ratio(own, below, numerators[place[name, control]], rng(context.seed), context.resamples)
            for control in FLOORS
            if (name, control) in place
        }
        parts[name] = Part(name, swapped.shape[1], own, share(context, own, below), against)
    return parts, below
