"""JudgeEntry: what every judge declares of itself. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from jepascope.catalog import Catalog, Entry, attribute


@dataclass(frozen=True, kw_only=True)
class JudgeEntry(Entry):
    """``made``: "trained" on pooled activations of split ``judge``, from what ``run`` names (``judges.own``); or "run", on whole tokens, by
    a step of the study. ``main``: claims are made in its margin; ``beside``: they do not lead with it, and each condition costs
    much; ``asked``: it is run only where a study names it. ``reads``: "pooled" activations, the "forecast" of the rest of a clip, the
    "rollout" under actions, or the task "head"; ``layers``: where a trained one reads: the "last" layer, or "all" from the edited one on.
    ``unavailable``: the function ``(card, spec) -> reason`` of its module, "" where the encoder and the study have what it needs.
    ``check``: the function ``(spec, encoder)`` of its module that refuses what a study asks of it and cannot have. ``words`` stand in
    sentences."""

    made: Literal["trained", "run"] = "trained"
    main: bool = False
    beside: bool = False
    asked: bool = False
    reads: Literal["pooled", "forecast", "rollout", "head"] = "pooled"
    layers: Literal["last", "all"] = "last"
    unavailable: str = ""
    check: str = ""
    words: str = ""

    @classmethod
    def of_code(cls, given: object, name: str, path: str) -> JudgeEntry | None:
        """A function, a class, or an object that can be fitted or is a module."""
        if not callable(given) and hasattr(given, "fit"):
            return cls(name=name, meaning=f"{type(given).__name__}, {path}", run=path)
        return Entry.of_code.__func__(cls, given, name, path)  # type: ignore[attr-defined,no-any-return]


JUDGES = Catalog("judge", JudgeEntry, "jepascope.intervention.judges")
MAIN = next(name for name, entry in JUDGES.own.items() if entry.main)
"""The judge that claims are made in."""
USUAL = tuple(name for name, entry in JUDGES.own.items() if not entry.asked)
"""Those that every study has, as far as its model allows."""


def reason_against(name: str, card: Any, spec: Any) -> str:
    """Why a study on an encoder cannot have a judge that it asks for; "" where it can."""
    entry = JUDGES.entry(name)
    if not entry.unavailable:
        return ""
    with JUDGES.blamed(name):
        return str(_beside(entry, entry.unavailable)(card, spec))


def check_judge(name: str, spec: Any, encoder: Any) -> None:
    """BadArgument where a judge that the study can have is asked for something that it cannot."""
    entry = JUDGES.entry(name)
    if entry.check and not reason_against(name, encoder.card, spec):
        with JUDGES.blamed(name):
            _beside(entry, entry.check)(spec, encoder)


def _beside(entry: JudgeEntry, function: str) -> Any:
    return attribute(f"{entry.run.partition(':')[0]}:{function}", f"judge '{entry.name}'")
