"""What opens each chapter of a page: at most three short sentences, drawn from the claims that the chapter is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import nan

from jepascope.findings.beside import unread_judge
from jepascope.findings.claim import Claim, Number, sentence_of
from jepascope.findings.copies import COPIES_OF, LESSER
from jepascope.findings.distrust import MOST, doubts
from jepascope.findings.facts import Facts
from jepascope.findings.fresh import FRESH
from jepascope.findings.isolation import ISOLATED, MOST_LOST, UNSEEN_CHANGE
from jepascope.findings.names import brief_name, judge_words
from jepascope.findings.numbers import finite, whole_percent
from jepascope.findings.ported import CARRIES
from jepascope.findings.questions import effect_and_closest, own_and_closest, points, replies
from jepascope.findings.read import READ, SHORTCUTS
from jepascope.findings.rollouts import STEPPED
from jepascope.findings.selection import first_finder, has_twins, in_force, leading
from jepascope.findings.used import HEADED, PREDICTED, USED
from jepascope.findings.videos import REAL

Claims = Mapping[str, Claim]
Say = Callable[[Facts, Claims], Sequence[str]]


def opening(chapter: str, facts: Facts, claims: Sequence[Claim]) -> tuple[str, ...]:
    """The sentences of a chapter by its anchor; none where nothing was run that it is about."""
    return tuple(filter(None, OPENINGS[chapter](facts, {claim.name: claim for claim in claims})))


def _ran(claims: Claims, name: str) -> Claim | None:
    claim = claims.get(name)
    return None if claim is None or claim.verdict == "not run" else claim


def _span(number: Number) -> str:
    return whole_percent(number.value, number.low, number.high) if finite(number.low) and finite(number.high) else points(number.value)


def _read(facts: Facts, claims: Claims) -> list[str]:
    read, leaks = _ran(claims, READ.name), _ran(claims, SHORTCUTS.name)
    told = []
    if read is not None:
        reply = replies([read])[0]
        can = {"shown": "reads", "not shown": "is not shown to read"}.get(read.verdict, "may read")
        size = ("right for " if reply.number.endswith("%") else "" if reply.number.startswith("R²") else "off by ") + reply.number
        size = f", {size}" if reply.number else ""
        beside = f" ({reply.control})" if reply.control else ""
        where = "of every video in turn" if in_force(facts).in_turn else f"at layer {facts.best_layer}"
        told.append(f"A linear probe {can} {facts.variable} {where}{size}{beside}.")
    if leaks is not None:
        told.append(
            {
                "shown": "Clips without motion give away no more than position or axis explains.",
                "refuted": "Clips without motion give it away, so that it may be read by a shortcut.",
            }.get(leaks.verdict, "Whether clips without motion give it away could not be seen.")
        )
    return [*told, "That it can be read does not say that the network uses it."] if told else []


def _cause(facts: Facts, claims: Claims) -> list[str]:
    used, fresh = (_ran(claims, name) for name in (USED.name, FRESH.name))
    told = []
    if used is not None:
        own, closest = effect_and_closest(used)
        if own is not None:
            swapped, finder = own.what == "CE of swap", first_finder(facts)
            where = f"inside the subspace{f' of {finder}' if finder else ''}"
            twin = "the twin" if has_twins(facts) else "a clip of another class"
            what = f"moves the read-out {_span(own)} of the way to {twin}" if swapped else f"takes {_span(own)} of the margin"
            beside = "" if closest is None else f"; the closest control, {brief_name(closest.control)}, {points(closest.value)}"
            told.append(f"{'A swap' if swapped else 'Ablation'} {where} {what}{beside}.")
            if in_force(facts).in_turn:
                told.append(f"That is of {own.n:.0f} videos, each left out in turn; the tables below are of the {facts.tested} alone.")
        else:
            why = "" if unread_judge(in_force(facts)) is None else ": the judge does not read it"
            told.append(f"Whether the network uses {facts.variable} is undecided{why}.")
    for question, judge in ((PREDICTED, "predictor"), (STEPPED, "rollout"), (HEADED, "head")):
        claim = _ran(claims, question.name)
        if claim is not None and (own := effect_and_closest(claim)[0]) is not None:
            agrees = "agrees" if claim.verdict == "shown" else "does not confirm it"
            told.append(sentence_of(f"{judge_words(judge)} {agrees}: {_span(own)}"))
            break
    if fresh is not None and fresh.numbers:
        right = points(fresh.numbers[0].value)
        told.append(
            f"After ablation a fresh read-out still reads {right} of the clips: the variable was not removed."
            if fresh.verdict == "shown"
            else f"After ablation a fresh read-out reads {right} of the clips."
        )
    return told


def _mechanism(facts: Facts, claims: Claims) -> list[str]:
    copies, others = _ran(claims, COPIES_OF.name), _ran(claims, ISOLATED.name)
    told = []
    rank = facts.summary.get("rank")
    if isinstance(rank, int):
        told.append(f"The subspace has {rank} dimension{'s' * (rank > 1)}.")
    if copies is not None:
        own = own_and_closest(copies.numbers, LESSER)[0]
        most = "" if own is None else f": of two subspaces the lesser moves {points(own.value)} without the other"
        told.append(f"{'Copies are shown' if copies.verdict == 'shown' else 'No copy of it is shown'}{most}.")
    if others is not None:
        named = {number.what: number.value for number in others.numbers}
        unseen, lost = named.get(UNSEEN_CHANGE, nan), named.get(MOST_LOST, nan)
        told.append(
            {
                "shown": f"Other factors stay as they were, within {points(abs(lost))}.",
                "refuted": f"The edit also changes another factor, by {points(abs(lost))}.",
                "no power": f"Whether other factors change is not known: less than {points(unseen)} would not be seen.",
            }.get(others.verdict, "Whether other factors change is undecided.")
            if finite(lost) or finite(unseen)
            else "Whether other factors change is undecided."
        )
    return told


def _carries_over(facts: Facts, claims: Claims) -> list[str]:
    ran = [claim for name in (*(question.name for question in CARRIES), REAL.name) if (claim := _ran(claims, name)) is not None]
    if not ran:
        return []
    by: dict[str, list[str]] = {}
    for claim in ran:
        by.setdefault(claim.verdict, []).append(claim.name.removeprefix("carries over ").removeprefix("across "))
    words = {"shown": "It carries over across", "refuted": "Not across", "not shown": "Not shown across", "undecided": "Undecided across"}
    parts = [f"{words.get(verdict, 'No power across')} {listed(names)}" for verdict, names in by.items()]
    reply = next(reply for reply in replies(ran) if reply.name == "carried")
    floor = reply.control.removeprefix("matched ")
    worst = f"The worst transfer keeps {reply.number} of the effect, where a matched subspace keeps {floor}." if reply.number else ""
    return [f"{'; '.join([parts[0], *(part[:1].lower() + part[1:] for part in parts[1:])])}.", worst]


def listed(names: Sequence[str]) -> str:
    """'finders and data seeds'."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _trust(facts: Facts, claims: Claims) -> list[str]:
    """The doubts that the first screen had no room for, and how far intervals reach."""
    more = [doubt.text for doubt in doubts(facts, list(claims.values()), most=2 * MOST + 1)[MOST:]]
    told = [f"Further doubts: {'; '.join(text[:1].lower() + text[1:] for text in more)}."] if more else []
    leads = next(iter(leading(facts)), None)
    if leads is not None:
        over = "the procedure in this encoder: fits, read-outs and scenes vary" if leads.effect.of_encoder else "this subspace and read-out"
        over = "what is found and trained without each video in turn" if in_force(facts).in_turn else over
        told += [f"Intervals are said of {over}.", "Nothing is said of another training run of the encoder."]
    return told


OPENINGS: Mapping[str, Say] = {
    "read": _read,
    "cause": _cause,
    "mechanism": _mechanism,
    "carries-over": _carries_over,
    "trust": _trust,
}
