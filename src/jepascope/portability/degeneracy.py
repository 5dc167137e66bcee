"""Degeneracy: do two subspaces each carry the variable when the other one is gone, or do they share one and the same part?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import FLOORS
from jepascope.portability.exchange import Bases, Exchange, exchange_controls, exchanged, joint, remainder
from jepascope.stats import EffectRatio, Interval, causal_effect_ratio, ratio_of_means

WORKS = 0.05  # of the natural change: the least that counts as an effect
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
        return bool(self.against) and self.effect.low > WORKS and all(compared.excess.low > 0 for compared in self.against.values())


@dataclass(frozen=True)
class PairTest:
    """The decisive test of two subspaces (docs/science.md, "Degeneracy").

    ``a_alone``: a exchanged while b is ablated in clip and twin; ``b_alone`` the other way round; ``whole``: both exchanged; ``a``,
    ``b``: each exchanged with nothing ablated. ``surplus`` = CE(a_alone) + CE(b_alone) - CE(whole): 0 where the two carry parts that
    add up, CE(whole) where either is enough. In a linear network that reads one subspace, which holds the difference w between clip and
    twin, it is |(P_a - P_b) w|^2 - |w|^2 <= 0 for any a and b, oblique ones too: the norm of a difference of projectors is at most 1.
    """

    a_alone: Part
    b_alone: Part
    whole: Part
    a: Part
    b: Part
    surplus: Interval

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
    controlled = {"a without b": both, "b without a": both, "whole": both}
    parts, below = measure(context, wanted, controlled, progress)
    total = parts["a without b"].numerator + parts["b without a"].numerator - parts["whole"].numerator
    surplus = ratio_of_means(total, below, np.random.default_rng(context.seed), context.resamples)
    return PairTest(parts["a without b"], parts["b without a"], parts["whole"], parts["a"], parts["b"], surplus)


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
        effect = ratio_of_means(own, below, rng(context.seed), context.resamples)
        parts[name] = Part(name, swapped.shape[1], own, effect, against)
    return parts, below
