"""What opens a chapter is short, follows the verdicts, and says nothing that was not run."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any, get_args

import pytest

from jepascope.findings.claim import Claim, Number, Verdict
from jepascope.findings.claims import claims_of
from jepascope.findings.facts import Facts
from jepascope.findings.openings import OPENINGS, listed, opening
from jepascope.report.chapters import CHAPTERS

FACTS = Facts({"model": "nano", "variable": "direction", "rank": 2, "best_layer": 2}, {})
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
NUMBERS = (
    *(Number("CE of swap", 0.46, 0.39, 0.53, 40, "share"), Number("CE of swap", 0.27, control="top_pca")),
    *(Number("most that a factor that is read loses", 0.31), Number("change that would not be seen", 0.26)),
    Number("most that the lesser of two subspaces moves without the other", 0.02, control=""),
)


def claims(numbers: tuple[Number, ...] = NUMBERS, **verdicts: Verdict) -> list[Claim]:
    every: list[Any] = list(claims_of(FACTS))
    return [
        replace(claim, verdict=verdicts[claim.name], sentence="said", numbers=numbers) if claim.name in verdicts else claim
        for claim in every
    ]


def said(chapter: str, given: list[Claim]) -> str:
    return " ".join(opening(chapter, FACTS, given)).replace("\u00a0", " ")


def test_every_chapter_has_an_opening_and_none_says_anything_of_what_was_not_run() -> None:
    assert OPENINGS.keys() == {chapter.anchor for chapter in CHAPTERS}
    spoken = {chapter: opening(chapter, Facts({**FACTS.summary, "rank": None}, {}), claims()) for chapter in OPENINGS}
    assert all(sentences == () for sentences in spoken.values())


@pytest.mark.parametrize("verdict", VERDICTS)
def test_whatever_the_verdicts_there_are_three_short_sentences_at_most(verdict: Verdict) -> None:
    names = [claim.name for claim in claims_of(FACTS)]
    for chapter, numbers in product(OPENINGS, (NUMBERS, ())):
        sentences = opening(chapter, FACTS, claims(numbers, **dict.fromkeys(names, verdict)))
        assert len(sentences) <= 3
        for sentence in sentences:
            assert sentence.endswith(".") and len(sentence.split()) <= 40 and "  " not in sentence and "nan" not in sentence


def test_words_turn_with_the_verdict() -> None:
    assert "the closest control, PCA, 27 %" in said("cause", claims(used="shown"))
    assert said("cause", claims(used="undecided")) == "Whether the network uses direction is undecided."
    assert "agrees: 46 [39, 53] %" in said("cause", claims(**{"by its own predictor": "shown"}))
    assert "its own rollout agrees: 46 [39, 53] %" in said("cause", claims(**{"used by its own rollout": "shown"})).lower()
    assert "does not confirm it" in said("cause", claims(**{"by its own predictor": "not shown"}))
    assert "less than 26 % would not be seen" in said("mechanism", claims(**{"other factors": "no power"}))
    assert "also changes another factor, by 31 %" in said("mechanism", claims(**{"other factors": "refuted"}))
    assert "No copy of it is shown" in said("mechanism", claims(copies="not shown"))


def test_what_carries_over_and_what_does_not_are_told_together() -> None:
    given = claims(
        **{
            "carries over across finders": "shown",
            "carries over across data seeds": "shown",
            "carries over across layers": "refuted",
            "carries over across clip sets": "undecided",
        }
    )
    assert said("carries-over", given) == "It carries over across finders and data seeds; not across layers; undecided across clip sets."
    assert listed(["one"]) == "one" and listed(["one", "two", "three"]) == "one, two and three"
