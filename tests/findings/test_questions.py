"""The first screen's words follow from the claims, whichever way these turn out; nothing in them is decided anew."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import Any, get_args

import pytest

from jepascope.findings.claim import Claim, Number, Verdict
from jepascope.findings.claims import CLAIMS, claims_of
from jepascope.findings.distrust import DOUBTS, Doubt, doubts
from jepascope.findings.facts import Facts
from jepascope.findings.glossary import FORMS, GLOSSARY, MEANINGS, TERMS, explained
from jepascope.findings.questions import QUESTIONS, replies
from jepascope.findings.title import title_of

FACTS = Facts({"model": "nano", "variable": "direction"}, {})
SWAP = (
    Number("CE of swap", 0.46, 0.39, 0.53, 40, "share"),
    Number("CE of swap", 0.27, control="top_pca"),
    Number("CE of swap, beyond", 0.19, 0.13, 0.26, control="top_pca"),
    Number("CE of swap", 0.01, control="random"),
)


def claims(**verdicts: Any) -> tuple[Claim, ...]:
    """Those of a run in which nothing was run, and of these names a verdict with numbers."""
    made = {claim.name: claim for claim in claims_of(FACTS)}
    for name, (verdict, numbers) in {name.replace("_", " "): given for name, given in verdicts.items()}.items():
        made[name] = replace(made[name], verdict=verdict, numbers=tuple(numbers), sentence="said")
    return tuple(made.values())


def reply(name: str, given: tuple[Claim, ...]) -> tuple[str, str, str]:
    told = next(reply for reply in replies(given) if reply.name == name)
    return told.word, told.number.replace("\u00a0", " "), told.control.replace("\u00a0", " ")


def test_every_claim_that_a_question_asks_for_is_one_of_a_run() -> None:
    known = {question.name for question in CLAIMS["run"]}
    assert len(QUESTIONS) == 6 and all(set(question.of) <= known for question in QUESTIONS)


def test_what_was_not_run_is_said_in_a_word_and_needs_no_number() -> None:
    assert {(told.word, told.number, told.control) for told in replies(claims())} == {("not run", "", "")}
    assert title_of(FACTS, claims()) == "How nano represents direction"
    assert doubts(FACTS, claims()) == ()


def test_a_number_stands_beside_the_control_that_comes_closest_not_the_weakest() -> None:
    assert reply("used", claims(used=("shown", SWAP))) == ("yes", "46 %", "PCA 27 %")


def test_a_predictor_that_is_given_actions_answers_for_its_own_and_of_two_the_lesser_decides() -> None:
    less = (Number("CE of swap", 0.21, 0.1, 0.3, 40, "share"), Number("CE of swap", 0.2, control="random"))
    rolled = {"used by its own rollout": ("shown", SWAP)}
    assert reply("predicted", claims(**rolled)) == ("yes", "46 %", "PCA 27 %")
    assert reply("predicted", claims(**rolled, by_its_own_predictor=("not shown", less))) == ("not shown", "21 %", "random 20 %")


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (
            [Number("accuracy", 0.9), Number("accuracy", 0.12, control="chance"), Number("accuracy", 0.51, control="pixels")],
            ("90 %", "pixels 51 %"),
        ),
        (
            [
                *(Number("accuracy", 0.9), Number("error angle", 3.07, unit="degrees")),
                *(
                    Number("error angle", 90.0, unit="degrees", control="chance"),
                    Number("error angle", 12.8, unit="degrees", control="pixels"),
                ),
            ],
            ("3.1°", "pixels 12.8°"),
        ),
        ([Number("r2 x", 0.9), Number("r2 y", 0.4), Number("r2 y", 0.3, control="pixels")], ("R² 0.40", "pixels R² 0.30")),
        ([Number("accuracy", nan)], ("", "")),
    ],
)
def test_reading_is_told_by_its_own_measure_and_its_worst_output(numbers: list[Number], said: tuple[str, str]) -> None:
    assert reply("read", claims(read=("shown", numbers)))[1:] == said


def test_it_carries_over_only_where_every_transfer_does_and_says_across_what_not() -> None:
    def kept(value: float, floor: float) -> list[Number]:
        return [Number("RCE of a in place of b", value), Number("RCE of a in place of b", floor, control="variance-matched subspace")]

    every = {"carries over across finders": ("shown", kept(0.9, 0.1)), "carries over across layers": ("shown", kept(0.5, 0.1))}
    assert reply("carried", claims(**every)) == ("yes", "50 %", "matched 10 %")
    one = every | {"carries over across layers": ("refuted", kept(0.02, 0.18))}
    assert reply("carried", claims(**one)) == ("not across layers", "2 %", "matched 18 %")
    some = one | {"carries over across finders": ("not shown", kept(0.1, 0.2)), "carries over across clip sets": ("undecided", [])}
    assert reply("carried", claims(**some))[0] == "no"


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("shown", "nano uses direction: a swap moves it 46 %, 19 points more than PCA"),
        ("not shown", "nano is not shown to use direction: a swap moves it 46 %, 19 points more than PCA"),
        ("no power", "No power to tell whether nano uses direction: a swap moves it 46 %, 19 points more than PCA"),
        ("refuted", "nano does not use direction more than its controls: a swap moves it 46 %, 19 points more than PCA"),
        ("undecided", "Whether nano uses direction is undecided"),
    ],
)
def test_the_title_says_the_verdict(verdict: Verdict, said: str) -> None:
    assert title_of(FACTS, claims(used=(verdict, SWAP))).replace("\u00a0", " ") == said


def test_nothing_is_compared_of_an_effect_that_is_not_shown_nor_said_by_a_judge_that_reads_nothing() -> None:
    open_ = (replace(SWAP[0], value=0.59, low=-0.8, high=2.0), *SWAP[1:])
    given = claims(used=("no power", open_))
    assert title_of(FACTS, given) == "No power to tell whether nano uses direction: a swap is not shown to do anything"
    assert reply("used", given) == ("no power", "59 %", "") and doubts(FACTS, given) == (Doubt("No power to see an effect", "isolation"),)
    blind = claims(used=("undecided", SWAP))
    assert reply("used", blind) == ("undecided", "", "") and [doubt.text for doubt in doubts(FACTS, blind)] == ["Undecided: use"]


def test_the_title_of_a_study_without_edits_says_whether_it_is_read() -> None:
    numbers = [Number("accuracy", 0.9), Number("accuracy", 0.5, control="pixels")]
    shown, not_shown = (title_of(FACTS, claims(read=(verdict, numbers))).replace("\u00a0", " ") for verdict in ("shown", "not shown"))
    assert shown == "Direction can be read from nano (90 %, pixels 50 %); no edit was made"
    assert not_shown == "Direction is not shown to be read from nano (90 %, pixels 50 %)"


def test_names_of_strangers_are_bounded_in_the_title() -> None:
    facts = Facts({"model": "m" * 500, "variable": "<b>v</b>" * 90}, {})
    assert len(title_of(facts, claims(used=("shown", SWAP)))) < 140


def test_doubts_come_worst_first_and_name_what_they_rest_on() -> None:
    given = claims(**{"used": ("shown", SWAP), "no shortcut": ("refuted", []), "other factors": ("no power", [])})
    told = [doubt.text.replace("\u00a0", " ") for doubt in doubts(FACTS, given)]
    assert told == ["Motionless clips give it away", "PCA: 59 % of it", "No power to see leaks"]
    far = [replace(number, value=0.05) if number.control else number for number in SWAP]
    assert doubts(FACTS, claims(used=("shown", far))) == ()


def test_a_verdict_has_a_word_in_every_question() -> None:
    for name in QUESTIONS:
        for verdict in get_args(Verdict):
            (told,) = [each for each in replies(claims(**{name.of[0]: (verdict, SWAP)})) if each.name == name.name]
            assert told.word and told.verdict == verdict


def test_terms_are_explained_once_and_nothing_is_lost() -> None:
    text = "A swap and a swap, swapped: PCA of equal rank beside pixels"
    pieces = list(explained(text))
    assert "".join(piece for piece, _ in pieces) == text
    assert [piece for piece, meaning in pieces if meaning] == ["swap", "PCA of equal rank", "pixels"]
    assert all(form in TERMS for form in FORMS.values()) and all(meaning.endswith(".") for meaning in MEANINGS.values())
    assert len({term.anchor for term in GLOSSARY}) == len(GLOSSARY) and set(TERMS) <= {word for term in GLOSSARY for word in term.words}


def test_a_doubt_leads_to_a_section_of_the_page() -> None:
    from jepascope.report.chapters import ORDER

    assert {about for about, _ in DOUBTS} <= set(ORDER)
