"""Words: for how many finders each of the other judges puts the effect outside the draws of every control."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from jepascope.findings.beside import rows_beside
from jepascope.findings.effect import FEW, NOT_SHOWN, OUTSIDE, JudgeReading
from jepascope.findings.judges import judge_words
from jepascope.findings.selection import EDIT_WORDS
from jepascope.findings.verdict import not_shown_words
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.stats import MIN_DRAWS

Judges = Mapping[str, JudgeReading]
MOST_NAMED = 4  # finders that are not clear of a control, named one by one


def agreement(parts: dict[str, pd.DataFrame], edit: str, judges: Judges) -> str:
    """For how many finders each judge puts the effect outside the draws of every control, and which ones it does not."""
    said = [f"{judge_words(judge)}{_clear(part, judges)}" for judge, part in parts.items()]
    return f"{EDIT_WORDS.get(edit, edit).capitalize()} by the other judges, counted in finders. By {'. By '.join(said)}."


def _clear(part: pd.DataFrame, judges: Judges) -> str:
    own = part[part["control"] == "subspace"].drop_duplicates("finder").to_dict("records")
    finders = [str(row["finder"]) for row in own]
    beside = {str(row["finder"]): rows_beside(row, part, judges).values() for row in own}
    everyone = [one for ones in beside.values() for one in ones]
    unread = next((one.effect for one in everyone if one.effect.unread), None)
    if unread is not None:
        return f": {not_shown_words(unread)}, so that nothing is compared"
    if everyone and all(one.standing == FEW for one in everyone):
        return f": fewer than {MIN_DRAWS} draws of every control, so that nothing is compared"
    short: dict[str, list[str]] = {}
    for finder, ones in beside.items():
        for one in ones:
            if one.standing == NOT_SHOWN:
                short[finder] = [not_shown_words(one.effect)]
            elif one.standing != OUTSIDE:
                short.setdefault(finder, []).append(f"{CONTROL_WORDS.get(one.control, one.control)}: {one.standing}")
    text = f", outside the draws of every control: {sum(finder not in short for finder in finders)} of {len(finders)}"
    if not short:
        return text
    listed = ", ".join(f"{finder} ({', '.join(words)})" for finder, words in list(short.items())[:MOST_NAMED])
    more = f" and {len(short) - MOST_NAMED} more" if len(short) > MOST_NAMED else ""
    return f"{text}; not {listed}{more}"
