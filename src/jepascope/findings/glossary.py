"""The terms that a reader may not know, each in one sentence; controls are explained by their own declarations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jepascope.intervention.control_entry import CONTROLS

TERMS = {
    "swap": "Each clip gets the part that its twin has inside the subspace; 100 % moves the read-out as far as the real twin does.",
    "ablation": "The subspace is removed: its part of every token is set to the mean.",
    "subspace": "A few directions of the network's activations, found by a finder such as diff_means.",
    "twin": "The same scene with another value of the variable, and nothing else changed.",
    "margin": "How far the read-out prefers the right class to the others.",
    "control": "The same edit in other directions, matched in rank and more; what it does as well is no finding.",
    "points": "Percentage points: 60 % is 20 points more than 40 %.",
    "read-out": "A linear probe, trained on other clips, that names the variable from activations.",
    "fresh read-out": "A linear probe trained after the edit: what it still reads was not removed, wherever it lies.",
    "predictor": "The network's own part that forecasts what comes next.",
    "rollout": "What a world model's own predictor arrives at, step by step, under the actions that were taken.",
    "leak": "The edit changes what is read of another factor, such as speed or colour.",
    "no power": "What was measured is too uncertain to have shown either.",
    "undecided": "Neither an effect nor its absence is shown.",
    "resamples": "Repeats with folds and scenes drawn anew: how often the same choice comes out.",
    "CE": "Causal effect: the share of the whole change, or of the clean margin, that an edit makes.",
    "RCE": "Retained causal effect: what a subspace found elsewhere does, over what the one found here does.",
    "SAS": "Subspace alignment: 1 where two subspaces are the same, k/d where they lie by chance.",
    "matched": "A random subspace of the same rank that holds as much variance.",
    "pixels": "The same probe on the clips themselves, without a network.",
    "untrained twins": "The same network with fresh weights: what it gives is no work of training.",
    "copies": "Two subspaces each of which carries the variable alone.",
    "judge": "What reads the variable after an edit: a probe, the model's own head, or its predictor.",
}
FORMS = {
    "swaps": "swap",
    "controls": "control",
    "read-outs": "read-out",
    "fresh read-outs": "fresh read-out",
    "leaks": "leak",
    "twins": "twin",
}
"""Other forms of a term."""


@dataclass(frozen=True)
class Term:
    """An entry: the ``words`` that mean the same, and what they mean. ``anchor`` is its place in a page."""

    words: tuple[str, ...]
    meaning: str

    @property
    def anchor(self) -> str:
        return f"term-{re.sub(r'[^a-z0-9]+', '-', self.words[0].lower())}"


def glossary() -> tuple[Term, ...]:
    """Every term in the order of the alphabet, with the names that controls have in sentences and legends."""
    named = {name: entry.meaning for entry in CONTROLS.own.values() for name in (entry.words, entry.brief) if name and name != "random"}
    by_meaning: dict[str, list[str]] = {}
    for word, meaning in {**named, **TERMS}.items():
        by_meaning.setdefault(f"{meaning[:1].upper()}{meaning[1:].rstrip('.')}.", []).append(word)
    return tuple(sorted((Term(tuple(words), meaning) for meaning, words in by_meaning.items()), key=lambda term: term.words[0].lower()))


GLOSSARY = glossary()
_OF = {word.lower(): term for term in GLOSSARY for word in term.words}
_OF.update({form: _OF[word.lower()] for form, word in FORMS.items()})
MEANINGS = {word: term.meaning for word, term in _OF.items()}
_TERM = re.compile(rf"(?<![\w-])(?:{'|'.join(re.escape(term) for term in sorted(MEANINGS, key=len, reverse=True))})(?![\w-])", re.I)


def explained(text: str) -> Iterator[tuple[str, Term | None]]:
    """A sentence in pieces, each with the term that it is: None for what needs no words, and for a term that came before in it."""
    at, seen = 0, set[Term]()
    for found in _TERM.finditer(text):
        term = _OF[found[0].lower()]
        if term in seen:
            continue
        seen.add(term)
        yield text[at : found.start()], None
        yield found[0], term
        at = found.end()
    yield text[at:], None
