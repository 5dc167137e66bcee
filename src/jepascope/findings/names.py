"""Names that strangers gave (variables, classes, columns of a labels file), made fit to stand in a sentence, a table and a drawing; and
what edits, controls and judges are called, as each declares it."""

from __future__ import annotations

from collections.abc import Iterable

from jepascope.intervention.control_words import BRIEF, CONTROL_WORDS, CONTROLS
from jepascope.intervention.edit_entry import EDITS as EDIT_CATALOG
from jepascope.intervention.judge_entry import JUDGES as JUDGE_CATALOG

ELLIPSIS = "…"
MOST = 60  # characters of a name in a table or sentence
MOST_OF_A_SENTENCE = 1200  # characters of a sentence that a run folder holds
MOST_OF_A_HEADLINE = 8000  # of a headline; our own are a quarter of that, and none of them may be cut
NO_SHORTCUT = "no shortcut"  # the claim that commands tell beside the headline where it is refuted
LABEL = 24  # characters of a name at an axis or in a legend


def short(name: object, most: int = MOST) -> str:
    """At most ``most`` characters, beginning and end kept; what cannot be printed (and no XML may hold) is replaced.

    Escaping is not done here: the template and the drawings escape every string.
    """
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in str(name)).split())
    if len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail - 1]}{ELLIPSIS}{text[-tail:]}"


EDITS, JUDGES = tuple(EDIT_CATALOG.own), tuple(JUDGE_CATALOG.own)
FULL_DOSE_WORDS, DONOR_DOSE_WORDS, EDIT_WORDS = (EDIT_CATALOG.column(field) for field in ("dose", "donor_dose", "noun"))
JUDGE_WORDS = JUDGE_CATALOG.column("words")


def edit_name(edit: object) -> str:
    """'ablation'."""
    return str(EDIT_WORDS.get(str(edit), edit))


def control_name(control: object) -> str:
    """'random directions'."""
    return str(CONTROL_WORDS.get(str(control), control))


def brief_name(control: object) -> str:
    """'PCA', where there is room for a word alone."""
    return str(BRIEF.get(str(control)) or control_name(control))


def judge_words(judge: object) -> str:
    """How a judge is called in a sentence."""
    return str(JUDGE_WORDS.get(str(judge), judge))


def in_order(names: Iterable[object], known: tuple[str, ...]) -> list[str]:
    """Names in the customary order, unknown ones after them in order of appearance."""
    given = list(dict.fromkeys(map(str, names)))
    return [name for name in known if name in given] + [name for name in given if name not in known]


def controls_in(names: Iterable[object]) -> list[str]:
    """The controls among the values of a column, the matched ones first."""
    return [name for name in in_order(names, CONTROLS) if name != "subspace"]


def unit_of(of_videos: bool) -> str:
    """'video' or 'scene': what no split parts, and what intervals resample."""
    return "video" if of_videos else "scene"
