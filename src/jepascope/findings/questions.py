"""The six questions that a first screen asks of a run: each answered by claims in one word, one number, and the control that comes closest.

A page, a terminal and a comparison print these answers; nothing in them is measured or decided anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from jepascope.findings.claim import Claim, Number, Verdict, worst
from jepascope.findings.copies import COPIES_OF, LESSER
from jepascope.findings.isolation import ISOLATED, MOST_LOST, UNSEEN_CHANGE
from jepascope.findings.names import brief_name
from jepascope.findings.numbers import decimals, finite
from jepascope.findings.ported import CARRIES
from jepascope.findings.read import READ
from jepascope.findings.rollouts import STEPPED
from jepascope.findings.used import PREDICTED, USED
from jepascope.findings.videos import REAL

WORDS: Mapping[Verdict, str] = {
    "shown": "yes",
    "not shown": "not shown",
    "refuted": "no",
    "undecided": "undecided",
    "no power": "no power",
    "not run": "not run",
}


@dataclass(frozen=True)
class Reply:
    """``number`` and ``control`` are texts, "" where there is none; ``claims``: those that it is drawn from."""

    name: str
    ask: str
    question: str
    verdict: Verdict
    word: str
    number: str
    control: str
    claims: tuple[Claim, ...]

    def stored(self) -> dict[str, str]:
        """As it stands in summary.json, for whoever prints it without reading a claim."""
        return {name: getattr(self, name) for name in ("name", "ask", "verdict", "word", "number", "control")}


Told = tuple[str, str]
"""The number and its control, in words."""


@dataclass(frozen=True)
class Asked:
    """A question as it is declared: in a word or two and in full, of which claims (by name), and what their numbers say.

    ``words``: of verdicts that read differently here; ``word`` makes it of several claims.
    """

    name: str
    ask: str
    question: str
    of: tuple[str, ...]
    tell: Callable[[Sequence[Claim]], Told]
    words: Mapping[Verdict, str]
    word: Callable[[Sequence[Claim]], str] | None = None

    def __call__(self, claims: Sequence[Claim]) -> Reply:
        """The reply that claims allow; the least of several decides."""
        own = tuple(claim for claim in claims if claim.name in self.of)
        ran = [claim for claim in own if claim.verdict != "not run"]
        verdict: Verdict = worst(claim.verdict for claim in ran) if ran else "not run"
        number, control = self.tell(ran) if ran else ("", "")
        word = self.word(ran) if ran and self.word is not None else {**WORDS, **self.words}[verdict]
        return Reply(self.name, self.ask, self.question, verdict, word, number, control, own)


def points(share: float) -> str:
    """A share in whole per cent."""
    return f"{decimals(100 * share, 0)}\u00a0%"


def own_and_closest(numbers: Sequence[Number], what: str = "") -> tuple[Number | None, Number | None]:
    """The first number of a name (by default of the first), and the control that stands first beside it: the closest."""
    same = [number for number in numbers if number.what == (what or numbers[0].what)] if numbers else []
    own = next((number for number in same if not number.control), None)
    return own, next((number for number in same if number.control and finite(number.value)), None)


def effect_and_closest(claim: Claim) -> tuple[Number | None, Number | None]:
    """The effect that a claim leads with, and the control that comes closest: no control of an effect that is not shown, and neither
    where the claim is undecided, as by a judge that does not read the variable (see ``findings.effect``)."""
    if claim.verdict in ("undecided", "not run"):
        return None, None
    own, closest = own_and_closest(claim.numbers)
    return own, closest if own is not None and own.low > 0 else None


def _read(claims: Sequence[Claim]) -> Told:
    """By the values of the variable where it has any, else by its classes; beside whatever else comes closest."""
    numbers = claims[0].numbers
    values = [number.what for number in numbers if not number.control and number.what.partition(" ")[0] in ("error", "r2")]
    names = values or [number.what for number in numbers[:1]]
    less = bool(values) and values[0].startswith("error")
    own = [number for number in numbers if number.what in names and not number.control and finite(number.value)]
    if not own:
        return "", ""
    least = (max if less else min)(own, key=lambda number: number.value)
    others = [number for number in numbers if number.what == least.what and number.control and finite(number.value)]
    closest = (min if less else max)(others, key=lambda number: number.value, default=None)
    return _size(least), "" if closest is None else f"{closest.control} {_size(closest)}"


def _size(number: Number) -> str:
    kind = number.what.partition(" ")[0]
    if kind == "r2":
        return f"R² {decimals(number.value)}"
    if kind == "error":
        return f"{decimals(number.value, 1)}°" if number.unit == "degrees" else f"{decimals(number.value, 3)} {number.unit}".rstrip()
    return points(number.value)


def _moved(claims: Sequence[Claim]) -> Told:
    own, closest = effect_and_closest(deciding(claims))
    return "" if own is None else points(own.value), "" if closest is None else f"{brief_name(closest.control)} {points(closest.value)}"


def deciding(claims: Sequence[Claim]) -> Claim:
    """Of several the least."""
    least = worst(claim.verdict for claim in claims)
    return next(claim for claim in claims if claim.verdict == least)


def _others(claims: Sequence[Claim]) -> Told:
    """What the factor that changes most loses; where there is no power, what would not be seen."""
    named = {number.what: number for number in claims[0].numbers}
    if claims[0].verdict == "no power" and UNSEEN_CHANGE in named:
        return f"±{points(named[UNSEEN_CHANGE].value)}", ""
    return (points(named[MOST_LOST].value), "") if MOST_LOST in named else ("", "")


def _copies(claims: Sequence[Claim]) -> Told:
    own, control = own_and_closest(claims[0].numbers, LESSER)
    return "" if own is None else points(own.value), "" if control is None else f"matched {points(control.value)}"


def _carried(claims: Sequence[Claim]) -> Told:
    """What the worst transfer keeps, beside what a matched subspace keeps; of the claims that decide."""
    least = worst(claim.verdict for claim in claims)
    pairs = [
        own_and_closest(claim.numbers, what)
        for claim in claims
        if claim.verdict == least
        for what in dict.fromkeys(number.what for number in claim.numbers if number.what.startswith("RCE"))
    ]
    known = [(own, floor) for own, floor in pairs if own is not None and floor is not None and finite(own.value)]
    if not known:
        return "", ""
    own, floor = min(known, key=lambda pair: pair[0].value - pair[1].value)
    return points(own.value), f"matched {points(floor.value)}"


def _carried_word(claims: Sequence[Claim]) -> str:
    """'yes', or across what it is not carried."""
    least = worst(claim.verdict for claim in claims)
    if all(claim.verdict != "shown" for claim in claims) or least == "shown":
        return WORDS[least]
    named = [claim.name.removeprefix("carries over ") for claim in claims if claim.verdict == least]
    return f"not {named[0]}" if least in ("refuted", "not shown") and len(named) == 1 else "in part"


QUESTIONS = (
    Asked("read", "Readable?", READ.question, (READ.name,), _read, {}),
    Asked("used", "Used?", USED.question, (USED.name,), _moved, {}),
    Asked("predicted", "Own predictor?", PREDICTED.question, (PREDICTED.name, STEPPED.name), _moved, {}),
    Asked("specific", "Specific?", ISOLATED.question, (ISOLATED.name,), _others, {"refuted": "leaks"}),
    Asked("copies", "Copies?", COPIES_OF.question, (COPIES_OF.name,), _copies, {"not shown": "none shown"}),
    Asked(
        *(
            "carried",
            "Carries over?",
            "Does the effect carry over to subspaces found elsewhere: by other finders, on other clips, at other layers?",
        ),
        (*(question.name for question in CARRIES), REAL.name),
        _carried,
        {},
        _carried_word,
    ),
)


def replies(claims: Sequence[Claim]) -> tuple[Reply, ...]:
    """The six, in order."""
    return tuple(question(claims) for question in QUESTIONS)
