"""Verdicts on degeneracy in words, by criteria on what was measured: for a pair of subspaces, and for a curve of peeled ones."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan

from jepascope.portability.degeneracy import COPY, WORKS, PairTest
from jepascope.portability.erasure import Refit
from jepascope.portability.peeling import Peeling, count_of
from jepascope.stats import Interval

ONE = 0.9  # calibrated SAS from which two subspaces count as one

VERDICTS = {
    "one subspace": f"calibrated SAS >= {ONE}, or one lies in the other",
    "degenerate": "each alone carries (lower end), with the other one gone, more than half of what both do together, outside its "
    "controls, and the two alone add up to more than the whole (lower end of the surplus above 0.01); both also with the scales of all "
    "norms held, so that no norm makes up for what is gone",
    "degenerate in part": "each alone has an effect of its own and they add up to more than the whole, with norms held as well, but not "
    "each carries half",
    "parts of one": "each alone has an effect of its own, and they add up to no more than the whole, or to no more where norms are held",
    "conjunctive": "neither alone, both together: with the other one gone neither has an effect, both together do, and one of them moves "
    "more while the other is as it is, or does nothing by itself even then; on a curve, the sum of what each does alone is less (upper "
    "ends) than half of the whole",
    "redundant by correlation": "one of the two has no effect of its own once the other is gone, although it keeps some of the effect "
    "or reads the same numbers; or neither has one, both together do, and each as much by itself: they do it through what they share",
    "saturated": "neither has an effect of its own, and every dose saturates: nothing can be told",
    "not degenerate": "no two subspaces each carry the variable without the other; on a curve, all that was not found moves (upper end) "
    "less than half of what was",
    "undecided": "the judge moves too little between clip and twin; what both do together is not shown to be anything; nothing matched was "
    "left to compare with; a control moves the margin as far; an interval is too wide to say that there is no copy; or a search ended "
    "without an effect although what is left of the activations has one",
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
    if drowned := [name for name, part in zip((a, b), alone, strict=True) if part.drowned]:
        return "undecided", f"{said}; but controls of {' and of '.join(drowned)} move as much, so nothing is told by it."
    own = [part.above for part in alone]
    if not any(own) and not test.whole.moves and not beside.saturated:
        return "not degenerate", f"{said}: none of it lies outside the controls."
    wide = [name for name, part, above in zip((a, b), alone, own, strict=True) if not above and not part.effect.high < COPY * whole.value]
    if wide:
        return "undecided", f"{said}: the interval of {' and of '.join(wide)} holds no effect and half of the whole alike."
    if all(own):
        return _both(test, beside, said)
    if any(own):
        return _one(test, beside, said, *((a, b) if own[0] else (b, a)))
    if beside.saturated:
        return "saturated", f"{said}: neither has an effect of its own outside its controls, and every dose of the sweep saturates."
    if test.whole.drowned:
        return "undecided", f"{said}; but controls of both move as much, so nothing is told by it."
    if test.interplay.low > WORKS or not (test.a.moves and test.b.moves):
        return "conjunctive", f"{said}: neither alone, both together (what one adds to the other: {_said(test.interplay)})."
    return (
        "redundant by correlation",
        f"{said}: neither has an effect of its own outside its controls; what moves the read-out is what they share.",
    )


def _both(test: PairTest, beside: Beside, said: str) -> tuple[str, str]:
    """Each has an effect of its own."""
    natural, held = test.added, test.held
    if natural.unclear or (natural.beyond and held.unclear):
        return (
            "undecided",
            f"{said}: the surplus {_said((held if natural.beyond else natural).surplus)} is too wide to tell parts from copies.",
        )
    if not natural.beyond:
        return "parts of one", f"{said}: each has a part of its own, and the parts do not add up to more than the whole."
    if not held.beyond:
        return (
            "parts of one",
            f"{said}: each has a part of its own, and only because norms turn up what is left do they add up to more than the whole "
            f"(surplus {_said(natural.surplus)}, with the norms' scales held {_said(held.surplus)}).",
        )
    if all(natural.copies) and all(held.copies):
        unread = beside.refit is not None and not beside.refit.ablated.low > beside.refit.chance
        note = "; when one is ablated a fresh linear probe of pooled activations finds nothing, so the other is read otherwise" * unread
        return "degenerate", f"{said}: either one is enough (surplus {_said(test.surplus)}){note}."
    return (
        "degenerate in part",
        f"{said}: the two overlap in what they do (surplus {_said(test.surplus)}), but neither replaces the other.",
    )


def _one(test: PairTest, beside: Beside, said: str, with_effect: str, idle: str) -> tuple[str, str]:
    """One has an effect of its own, the other none."""
    forced = ""
    if test.spans[0 if test.a_alone.above else 1]:
        forced = (
            f" But {with_effect} holds every difference of class means: without it next to no linear code is left, a second copy included, "
            f"so that this was nearly forced; try {with_effect} at a lower rank."
        )
    if beside.keeps or beside.reads_the_same:
        how = " and ".join(["keeps some of its effect"] * beside.keeps + ["reads what goes together with it"] * beside.reads_the_same)
        return (
            "redundant by correlation",
            f"{said}: {idle} has no effect of its own without {with_effect}, although it {how}.{forced}",
        )
    return "not degenerate", f"{said}: {idle} has no effect of its own without {with_effect}.{forced}"


def peeling_verdict(peeling: Peeling, finder: str) -> tuple[str, str]:
    """The verdict on the degeneracy curve: how many subspaces each carry the variable alone."""
    carriers = peeling.carriers
    if not peeling.stages:
        return "undecided", f"No subspace of {finder} could be tested ({peeling.ended})."
    first = peeling.stages[0].peeled.effect
    if not isfinite(first.low):
        return "undecided", f"The judge does not tell clip from twin ({peeling.ended})."
    rest = "" if peeling.rest is None else f"all that is left moves {_said(peeling.rest)}"
    if peeling.whole is None or peeling.added is None or peeling.held is None:
        why = "moves the margin no further than a control" if peeling.stages[0].peeled.drowned else "is not shown to move anything"
        return "undecided", f"What {finder} found {why} ({_said(first)} of the natural change; {peeling.ended}); {rest}."
    alone = ", ".join(_said(stage.alone.effect) for stage in carriers if stage.alone is not None)
    said = (
        f"{count_of(len(carriers), 'subspace')} of {finder} above {'their' if len(carriers) > 1 else 'its'} controls "
        f"({peeling.ended}), moving alone {alone} of the natural change"
    )
    beyond = peeling.added.beyond and peeling.held.beyond
    if peeling.copies >= 2 and beyond:
        return "degenerate", f"{said}: {peeling.copies} copies, each enough by itself."
    if any(stage.peeled.drowned for stage in peeling.stages):
        return "undecided", f"{said}; another one moves the margin no further than a control, so that nothing is told by it."
    if peeling.rest is not None and not peeling.rest.high < COPY * peeling.whole.effect.value:
        return "undecided", f"{said}; but without {'them' if len(carriers) > 1 else 'it'} {rest}: what carries it there was not found."
    if len(carriers) == 1:
        return "not degenerate", f"{said}: one subspace, and without it {rest or 'no other one was found'}."
    together = f"{said}, together {_said(peeling.whole.effect)}"
    if peeling.added.unclear or (peeling.added.beyond and peeling.held.unclear):
        return "undecided", f"{together}: the surplus {_said(peeling.added.surplus)} is too wide to tell parts from copies."
    if beyond:
        return "degenerate in part", f"{together}: they overlap in what they do, but are no copies."
    if sum(effect.high for effect in peeling.added.alone) < COPY * peeling.added.whole.value:
        return "conjunctive", f"{together}: none of them alone, all of them together."
    return "parts of one", f"{together}: parts that add up to no more than the whole."


def _said(effect: Interval) -> str:
    return f"{effect.value:.2f} [{effect.low:.2f}, {effect.high:.2f}]"
