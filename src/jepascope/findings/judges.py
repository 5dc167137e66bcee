"""The judges of an effect: what each is called, which were run, and why the others were not."""

from __future__ import annotations

from jepascope.findings.facts import Facts
from jepascope.findings.names import short
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.intervention.judge_entry import JUDGES as CATALOG

JUDGES = tuple(CATALOG.own)
JUDGE_WORDS = CATALOG.column("words")
MOST_REASON = 200  # characters of a reason


def judge_words(judge: str) -> str:
    """How a judge is called in a sentence."""
    return str(JUDGE_WORDS.get(judge, judge))


def judges_run(run: Facts) -> list[str]:
    """Judges that the summary names, the customary order first; none for folders of earlier versions, which had the probe alone."""
    named = run.summary.get("judges")
    names = [short(name) for name in named] if isinstance(named, list) else []
    return [name for name in JUDGES if name in names] + [name for name in names if name not in JUDGES]


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
