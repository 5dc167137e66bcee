"""The title of a page: what a run found, in one sentence made of its claims."""

from __future__ import annotations

from collections.abc import Sequence

from jepascope.findings.beside import unread_judge
from jepascope.findings.claim import Claim, Number
from jepascope.findings.facts import Facts
from jepascope.findings.names import LABEL, brief_name, edit_name, short
from jepascope.findings.numbers import decimals
from jepascope.findings.questions import effect_and_closest, points, replies
from jepascope.findings.read import READ
from jepascope.findings.selection import in_force
from jepascope.findings.used import USED

DOES = {"swap": ("a swap", "moves it {}"), "ablate": ("ablation", "takes {} of it")}


def title_of(facts: Facts, claims: Sequence[Claim]) -> str:
    """By the verdict on use, worded by the control that comes closest; where nothing was edited, by whether it is read."""
    model, variable = short(facts.model, LABEL), short(facts.variable, LABEL)
    used = next((claim for claim in claims if claim.name == USED.name), None)
    if used is None or used.verdict == "not run":
        return _read(model, variable, claims)
    lead = {
        "shown": f"{model} uses {variable}",
        "not shown": f"{model} is not shown to use {variable}",
        "refuted": f"{model} does not use {variable} more than its controls",
        "no power": f"No power to tell whether {model} uses {variable}",
        "undecided": f"Whether {model} uses {variable} is undecided",
    }[used.verdict]
    own, closest = effect_and_closest(used)
    if own is None:
        return lead if unread_judge(in_force(facts)) is None else f"{lead}: the judge does not read it"
    edit = own.what.removeprefix("CE of ")
    what, does = DOES.get(edit, (edit_name(edit), "moves it {}"))
    if own.low <= 0 <= own.high:
        return f"{lead}: {what} is not shown to do anything"
    return f"{lead}: {what} {does.format(points(own.value))}{_beside(used, own, closest)}"


def _beside(used: Claim, own: Number, closest: Number | None) -> str:
    """', 19 points more than PCA'."""
    if closest is None:
        return "" if own.high < 0 else ", no control was run"
    beyond = next((number for number in used.numbers if number.what == f"{own.what}, beyond" and number.control == closest.control), None)
    if beyond is None:
        return f", {brief_name(closest.control)} {points(closest.value)}"
    by, than = decimals(100 * abs(beyond.value), 0), "more" if beyond.value >= 0 else "less"
    return f", {by} point{'s' * (by != '1')} {than} than {brief_name(closest.control)}"


def _read(model: str, variable: str, claims: Sequence[Claim]) -> str:
    reply, verdict = replies(claims)[0], next((claim.verdict for claim in claims if claim.name == READ.name), "not run")
    if verdict == "not run":
        return f"How {model} represents {variable}"
    beside = f" ({reply.number}, {reply.control})" if reply.number and reply.control else ""
    variable = variable[:1].upper() + variable[1:]
    if verdict == "shown":
        return f"{variable} can be read from {model}{beside}; no edit was made"
    return f"{variable} is not shown to be read from {model}{beside}"
