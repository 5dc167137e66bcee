"""Verdicts on degeneracy in words, by criteria on what was measured: for a pair of subspaces, and for a curve of peeled ones."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan

from jepascope.portability.degeneracy import PairTest
from jepascope.portability.erasure import Refit
from jepascope.portability.peeling import BEYOND, COPY, Peeling
from jepascope.stats import Interval

ONE = 0.9  # calibrated SAS from which two subspaces count as one

VERDICTS = {
    "one subspace": f"calibrated SAS >= {ONE}, or one lies in the other",
    "degenerate": "each alone carries (lower end), with the other one gone, more than half of what both do together, outside its "
    "controls; the two alone add up to more than the whole (lower end of the surplus above 0.01); and a fresh probe still reads the "
    "variable when either is ablated",
    "degenerate in part": "each alone has an effect of its own and they add up to more than the whole, but not each carries half",
    "parts of one": "each alone has an effect of its own, and they add up to no more than the whole",
    "redundant by correlation": "one of the two has no effect of its own once the other is gone, although it keeps some of the effect "
    "or reads the same numbers; or neither has one, and both together do; or both have one, and a fresh probe finds nothing when one is "
    "ablated: what they do, they do through what they share",
    "saturated": "neither has an effect of its own, and every dose saturates: nothing can be told",
    "not degenerate": "no two subspaces each carry the variable without the other",
    "undecided": "the judge moves too little between clip and twin, what both do together is not shown to be anything (its interval holds "
    "zero), or nothing matched was left to compare with",
}


@dataclass(frozen=True)
class Beside:
    """What else is known of a pair; None and NaN where it was not measured.

    Alignment with its chance level, calibrated value and split-half ceiling; what the two read (``canonical_readings``); what one in place
    of the other keeps of its effect, at the dose at which that is reported, and what a variance-matched subspace keeps (the lower of the
    two ways round), and whether every dose of that saturates, so that it says nothing; what a fresh probe still reads at the site when
    either is gone.
    """

    sas: float = nan
    sas_chance: float = nan
    calibrated: float = nan
    ceiling: float = nan
    readings: Interval | None = None
    readings_chance: float = nan
    rce: Interval | None = None
    rce_dose: float = nan
    rce_floor: float = nan
    saturated: bool = False
    refit: Refit | None = None

    @property
    def found_again(self) -> bool:
        """Whether a fresh probe finds the variable after either is ablated (also where that was not tried)."""
        return self.refit is None or self.refit.ablated.low > self.refit.chance

    @property
    def reads_the_same(self) -> bool:
        """Whether what the two read goes together more than in shuffled pairs."""
        return self.readings is not None and self.readings.low > self.readings_chance

    @property
    def keeps(self) -> bool:
        """Whether one in place of the other keeps more of the effect than a matched subspace."""
        return self.rce is not None and not self.saturated and isfinite(self.rce_floor) and self.rce.low > self.rce_floor


def pair_verdict(test: PairTest, beside: Beside, a: str, b: str) -> tuple[str, str]:
    """The first of VERDICTS that holds, and the sentence that says why."""
    alone, whole = (test.a_alone, test.b_alone), test.whole.effect
    if beside.calibrated >= ONE or not all(part.rank for part in alone):
        return "one subspace", f"{a} and {b} are one subspace (calibrated SAS {beside.calibrated:.2f}), so there is nothing to tell apart."
    if not whole.low > 0 or not all(part.against for part in alone):
        why = "the judge does not tell clip from twin" if not isfinite(whole.low) else "no room is left for controls"
        if isfinite(whole.low) and not whole.low > 0:
            why = f"what both do together is not shown to be anything ({_said(whole)} of the natural change)"
        return "undecided", f"{a} and {b}: {why}."
    said = (
        f"without {b}, {a} moves {_said(alone[0].effect)} of the natural change; without {a}, {b} moves {_said(alone[1].effect)}; both "
        f"together {_said(whole)}"
    )
    own = [part.above for part in alone]
    if all(own):
        if not test.surplus.low > BEYOND:
            return "parts of one", f"{said}: each has a part of its own, and the parts do not add up to more than the whole."
        if not beside.found_again:
            return (
                "redundant by correlation",
                f"{said}; but when one is ablated, a fresh probe finds nothing: they are one code.",
            )
        half = COPY * whole.value
        if all(part.effect.low > half for part in alone):
            return "degenerate", f"{said}: either one is enough (surplus {_said(test.surplus)})."
        return (
            "degenerate in part",
            f"{said}: the two overlap in what they do (surplus {_said(test.surplus)}), but neither replaces the other.",
        )
    if any(own):
        with_effect, idle = (a, b) if own[0] else (b, a)
        if beside.keeps or beside.reads_the_same:
            how = " and ".join(["keeps some of its effect"] * beside.keeps + ["reads what goes together with it"] * beside.reads_the_same)
            return (
                "redundant by correlation",
                f"{said}: {idle} has no effect of its own without {with_effect}, although it {how}.",
            )
        return "not degenerate", f"{said}: {idle} has no effect of its own without {with_effect}."
    if beside.saturated:
        return "saturated", f"{said}: neither has an effect of its own outside its controls, and every dose of the sweep saturates."
    if test.whole.above:
        return (
            "redundant by correlation",
            f"{said}: neither has an effect of its own outside its controls; what moves the read-out is what they share.",
        )
    return "not degenerate", f"{said}: none of it lies outside the controls."


def peeling_verdict(peeling: Peeling, finder: str) -> tuple[str, str]:
    """The verdict on the degeneracy curve: how many subspaces each carry the variable alone."""
    carriers = peeling.carriers
    if not peeling.stages:
        return "undecided", f"No subspace of {finder} could be tested ({peeling.ended})."
    first = peeling.stages[0].peeled.effect
    if not isfinite(first.low):
        return "undecided", f"The judge does not tell clip from twin ({peeling.ended})."
    if not first.low > 0:
        return "undecided", f"What the first subspace of {finder} moves is not shown to be anything ({_said(first)} of the natural change)."
    if not carriers or peeling.whole is None or peeling.surplus is None:
        return "not degenerate", f"No subspace of {finder} has an effect outside its controls ({peeling.ended})."
    alone = ", ".join(_said(stage.alone.effect) for stage in carriers if stage.alone is not None)
    said = (
        f"{len(carriers)} subspace{'s' * (len(carriers) > 1)} of {finder} above {'their' if len(carriers) > 1 else 'its'} controls "
        f"({peeling.ended}), moving alone {alone} of the natural change"
    )
    if peeling.copies >= 2 and peeling.surplus.low > BEYOND:
        return "degenerate", f"{said}: {peeling.copies} copies, each enough by itself."
    if len(carriers) == 1:
        left = "what is left when it is gone does no more than a control" if len(peeling.stages) > 1 else "no other one was found"
        return "not degenerate", f"{said}: one subspace, and {left}."
    if peeling.surplus.low > BEYOND:
        return "degenerate in part", f"{said}, together {_said(peeling.whole.effect)}: they overlap in what they do, but are no copies."
    return "parts of one", f"{said}, together {_said(peeling.whole.effect)}: parts that add up."


def _said(effect: Interval) -> str:
    return f"{effect.value:.2f} [{effect.low:.2f}, {effect.high:.2f}]"
