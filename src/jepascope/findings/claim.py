"""A claim: a question, the rule that answers it, the rows that it is read off, a verdict of six, and the sentence that says it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from math import nan
from typing import Any, Literal

from jepascope.findings.facts import Facts
from jepascope.findings.numbers import json_values

Verdict = Literal["shown", "not shown", "refuted", "undecided", "no power", "not run"]
"""no power: what was measured is too uncertain to have shown either."""
WORST_FIRST: tuple[Verdict, ...] = ("refuted", "not shown", "undecided", "no power", "shown")


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """A claim on several things is no better than the least of them."""
    return min(verdicts, key=WORST_FIRST.index)


@dataclass(frozen=True)
class Number:
    """A number that a claim rests on: its interval, what n counts, its unit, and the matched control that it is of ("": the thing itself).
    NaN for what is not known."""

    what: str
    value: float
    low: float = nan
    high: float = nan
    n: float = nan
    unit: str = ""
    control: str = ""


@dataclass(frozen=True)
class Evidence:
    """Rows of a table of the run folder: those whose columns have these values."""

    table: str
    key: Mapping[str, str | int | float]


@dataclass(frozen=True)
class Answer:
    """What a question's rule makes of a folder."""

    verdict: Verdict
    sentence: str
    numbers: tuple[Number, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What is said of one question, the same wherever it is printed. ``sentence`` is "" where nothing was run that answers it."""

    name: str
    question: str
    rule: str
    verdict: Verdict
    sentence: str
    numbers: tuple[Number, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    def stored(self) -> dict[str, Any]:
        """As it stands in claims.json: a number that does not exist is null."""
        return json_values(asdict(self))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Question:
    """A claim as it is declared; ``find`` answers it from a folder's facts, None where nothing was run that could."""

    name: str
    question: str
    rule: str
    find: Callable[[Facts], Answer | None]

    def claim(self, facts: Facts) -> Claim:
        """The claim that a folder allows."""
        answer = self.find(facts) or Answer("not run", "")
        return Claim(self.name, self.question, self.rule, answer.verdict, answer.sentence, answer.numbers, answer.evidence)


def row_number(
    what: str, row: Mapping[Any, Any], unit: str = "", control: str = "", columns: Iterable[str] = ("value", "low", "high", "n")
) -> Number:
    """Of a table's row, or of an entry of summary.json; ``columns`` hold value, low, high and n."""
    value, low, high, n = (nan if row.get(name) is None else float(row[name]) for name in columns)
    return Number(what, value, low, high, n, unit, control)


def row_key(row: Mapping[Any, Any], *columns: str) -> dict[str, str | int | float]:
    """Columns of a row that tell it apart; those that are whole numbers as such."""
    return {name: _whole(row[name]) for name in columns if name in row}


def sentence_of(clause: str) -> str:
    """A clause as a sentence: its first letter large, a full stop at its end."""
    return clause[:1].upper() + clause[1:] + ("" if clause.endswith((".", "!", "?", "…")) else ".") if clause else ""


def _whole(value: Any) -> str | int | float:
    if isinstance(value, str):
        return value
    number = float(value)
    return int(number) if number.is_integer() else number
