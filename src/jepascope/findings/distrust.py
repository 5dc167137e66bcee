"""What to distrust in a run: the doubts that its own claims and tables raise, worst first, each in a few words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jepascope.findings.beside import unread_judge
from jepascope.findings.claim import Claim
from jepascope.findings.copies import COPIES_OF
from jepascope.findings.distances import distance_rows, leaves
from jepascope.findings.facts import Facts
from jepascope.findings.fresh import FRESH
from jepascope.findings.heterogeneity import tails_words
from jepascope.findings.isolation import ISOLATED
from jepascope.findings.layer_choice import STEADY, candidates
from jepascope.findings.names import brief_name
from jepascope.findings.numbers import finite
from jepascope.findings.questions import effect_and_closest, points
from jepascope.findings.read import READ, SHORTCUTS
from jepascope.findings.selection import first_finder, in_force, leading
from jepascope.findings.used import PREDICTED, USED
from jepascope.stats import OUTSIDE_DRAWS

MOST = 3  # that are told
CLOSE = 0.5  # of the effect, from which a control is said to come close
FEW_SCENES = 20
Claims = dict[str, Claim]


@dataclass(frozen=True)
class Doubt:
    """``about``: the section of the page that says more."""

    text: str
    about: str


def doubts(facts: Facts, claims: Sequence[Claim], most: int = MOST) -> tuple[Doubt, ...]:
    """The gravest that apply; none where nothing speaks against what is claimed."""
    by = {claim.name: claim for claim in claims}
    raised = (Doubt(text[:1].upper() + text[1:], about) for about, find in DOUBTS if (text := find(facts, by)))
    return tuple(raised)[:most]


def _unread(facts: Facts, claims: Claims) -> str:
    return "" if unread_judge(in_force(facts)) is None else "The judge does not read it"


def _shortcut(facts: Facts, claims: Claims) -> str:
    return "Motionless clips give it away" if _verdict(claims, SHORTCUTS.name) == "refuted" else ""


def _as_good(facts: Facts, claims: Claims) -> str:
    return "Not read better than without training" if _verdict(claims, READ.name) == "not shown" else ""


def _leaks(facts: Facts, claims: Claims) -> str:
    return "The edit changes other factors" if _verdict(claims, ISOLATED.name) == "refuted" else ""


def _predictor(facts: Facts, claims: Claims) -> str:
    return "The predictor does not confirm it" if _verdict(claims, PREDICTED.name) in ("not shown", "refuted", "no power") else ""


def _close(facts: Facts, claims: Claims) -> str:
    """Of the edit that leads: the control that does most, where it does half as much, however few draws it has."""
    used = claims.get(USED.name)
    own, closest = (None, None) if used is None else effect_and_closest(used)
    if used is None or own is None or closest is None:
        return ""
    most = max((number for number in used.numbers if number.what == own.what and number.control), key=lambda number: number.value)
    return "" if most.value < CLOSE * own.value else f"{brief_name(most.control)}: {points(most.value / own.value)} of it"


def _still_read(facts: Facts, claims: Claims) -> str:
    fresh = claims.get(FRESH.name)
    if fresh is None or fresh.verdict != "shown" or not fresh.numbers:
        return ""
    return f"Fresh read-outs read {points(fresh.numbers[0].value)}"


def _no_power(facts: Facts, claims: Claims) -> str:
    what = {ISOLATED.name: "leaks", SHORTCUTS.name: "shortcuts", USED.name: "an effect"}
    blind = [word for name, word in what.items() if _verdict(claims, name) == "no power"]
    return f"No power to see {' or '.join(blind)}" if blind else ""


def _open(facts: Facts, claims: Claims) -> str:
    what = {USED.name: "use", ISOLATED.name: "other factors", COPIES_OF.name: "copies"}
    left = [word for name, word in what.items() if _verdict(claims, name) == "undecided"]
    return f"Undecided: {', '.join(left)}" if left else ""


def _tails(facts: Facts, claims: Claims) -> str:
    return f"A few {facts.units} carry the effect" if tails_words(facts) else ""


def _layer(facts: Facts, claims: Claims) -> str:
    rows, best = candidates(facts), facts.best_layer
    chosen = [] if rows is None or len(rows) < 2 else rows[rows["layer"] == best]["layer_share"].tolist()
    return f"{points(chosen[0])} of resamples choose this layer" if chosen and chosen[0] < STEADY else ""


def _few(facts: Facts, claims: Claims) -> str:
    """Scenes, or draws of the control that has fewest, of the edit that leads."""
    leads = next(iter(leading(facts)), None)
    if leads is None:
        return ""
    draws = [against.draws for against in leads.beside if 1 < against.draws < OUTSIDE_DRAWS]
    if finite(leads.effect.n) and leads.effect.n < FEW_SCENES:
        return f"Only {leads.effect.n:.0f} {in_force(facts).tested}"
    return f"Only {min(draws):.0f} draws of a control" if draws else ""


def _far(facts: Facts, claims: Claims) -> str:
    rows = distance_rows(facts, first_finder(facts))
    own = [] if rows is None else rows[rows["control"] == "subspace"].to_dict("records")
    return "Edited clips leave natural ones" if any(leaves(row, name) for row in own for name in ("nearest", "mahalanobis")) else ""


def _one_fit(facts: Facts, claims: Claims) -> str:
    leads = next(iter(leading(facts)), None)
    if leads is None or leads.effect.of_encoder:
        return ""
    return "Folds share most videos" if in_force(facts).in_turn else "Intervals hold for one fit"


DOUBTS: tuple[tuple[str, Callable[[Facts, Claims], str]], ...] = (
    ("effects", _unread),
    ("leaks", _shortcut),
    ("emergence", _as_good),
    ("isolation", _leaks),
    ("predictor", _predictor),
    ("effects", _few),
    ("effects", _close),
    ("reads", _still_read),
    ("isolation", _no_power),
    ("headline", _open),
    ("heterogeneity", _tails),
    ("layer-choice", _layer),
    ("distances", _far),
    ("headline", _one_fit),
)
"""The gravest first, each with the section that says more."""


def _verdict(claims: Claims, name: str) -> str:
    return claims[name].verdict if name in claims else "not run"
