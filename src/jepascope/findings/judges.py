"""The judges of an effect: which were run, why the others were not, and for how many finders each of them agrees with the claims."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from jepascope.findings.beside import with_controls
from jepascope.findings.effect import FEW, NOT_SHOWN, OUTSIDE, JudgeReading
from jepascope.findings.facts import Facts
from jepascope.findings.names import JUDGES, control_name, edit_name, in_order, judge_words, short
from jepascope.findings.verdict import not_shown_words
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.stats import MIN_DRAWS

MOST_REASON = 200  # characters of a reason
Judges = Mapping[str, JudgeReading]
MOST_NAMED = 4  # finders that are not clear of a control, named one by one


def judges_run(run: Facts) -> list[str]:
    """Judges that the summary names, the customary order first; none for folders of earlier versions, which had the probe alone."""
    named = run.summary.get("judges")
    return in_order(map(short, named), JUDGES) if isinstance(named, list) else []


def skipped(run: Facts) -> dict[str, str]:
    """Judges that this study could not use, each with its reason, without the full stop."""
    return {name: reason for name, reason in _left_out(run).items() if name not in CONTROL_WORDS}


def skipped_controls(run: Facts) -> dict[str, str]:
    """Controls that came to nothing, or that some subspaces cannot have."""
    return {name: reason for name, reason in _left_out(run).items() if name in CONTROL_WORDS}


def _left_out(run: Facts) -> dict[str, str]:
    reasons = run.summary.get("skipped")
    if not isinstance(reasons, dict):
        return {}
    return {short(name): short(reason, MOST_REASON).rstrip(". ") for name, reason in reasons.items()}


def agreement(parts: dict[str, pd.DataFrame], edit: str, judges: Judges) -> str:
    """For how many finders each judge puts the effect outside the draws of every control, and which ones it does not."""
    each = [f"{judge_words(judge)}{_clear(part, judges)}" for judge, part in parts.items()]
    return f"{edit_name(edit).capitalize()} by the other judges, counted in finders. By {'. By '.join(each)}."


def _clear(part: pd.DataFrame, judges: Judges) -> str:
    beside = {str(own["finder"]): [against for _, against in own["beside"].values()] for own in with_controls(part, judges)}
    everyone = [against for each in beside.values() for against in each]
    unread = next((against.effect for against in everyone if against.effect.unread), None)
    if unread is not None:
        return f": {not_shown_words(unread)}, so that nothing is compared"
    if everyone and all(against.standing == FEW for against in everyone):
        return f": fewer than {MIN_DRAWS} draws of every control, so that nothing is compared"
    unclear: dict[str, list[str]] = {}
    for finder, each in beside.items():
        for against in each:
            if against.standing == NOT_SHOWN:
                unclear[finder] = [not_shown_words(against.effect)]
            elif against.standing != OUTSIDE:
                unclear.setdefault(finder, []).append(f"{control_name(against.control)}: {against.standing}")
    text = f", outside the draws of every control: {len(beside) - len(unclear)} of {len(beside)}"
    if not unclear:
        return text
    listed = ", ".join(f"{finder} ({', '.join(words)})" for finder, words in list(unclear.items())[:MOST_NAMED])
    more = f" and {len(unclear) - MOST_NAMED} more" if len(unclear) > MOST_NAMED else ""
    return f"{text}; not {listed}{more}"
