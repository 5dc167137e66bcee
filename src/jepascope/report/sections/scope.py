"""How far the result reaches: what was run and what was not, and the verdicts of judges that are the model's own."""

from __future__ import annotations

from jepascope.findings.judges import judge_words, judges_run, skipped, skipped_controls
from jepascope.findings.selection import EDIT_WORDS, claimed_rows, edited_of, finders_of
from jepascope.findings.verdict import verdict
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.report.folder import RunFolder

REACH = (
    "Intervals resample test scenes, and a control's draws with them: they hold for this subspace, this judge and this encoder, and say "
    "nothing about another training run of any of the three."
)
OWN_JUDGES = ("head", "predictor")  # parts of the model itself; the others are trained for the study
EDITS_JUDGED = ("ablate", "swap")
PARTS = {"refits": "a read-out refitted after the edit", "isolation": "isolation of other factors"}


OF_VIDEOS = (
    "Intervals resample whole videos, and a control's draws with them, for windows of one video look alike, and n of effects counts "
    "videos. They hold for this subspace, this judge and this encoder."
)


def scope(run: RunFolder) -> str:
    """What the intervals say, which judges were used, and what this folder does not hold."""
    used, reasons = judges_run(run), skipped(run)
    said = [OF_VIDEOS if "footage" in run.summary else REACH]
    if used:
        said.append(
            f"Judges: {', '.join(judge_words(judge) for judge in used)}; figures are by the linear probe where no other judge is named."
        )
    missing = [f"{judge_words(judge)} as judge ({reason})" for judge, reason in reasons.items() if judge not in used]
    if "predictor" not in used and "predictor" not in reasons:
        missing.append(f"{judge_words('predictor')} as judge")
    missing += [f"{CONTROL_WORDS[control]} as control ({reason})" for control, reason in skipped_controls(run).items()]
    missing += [words for table, words in PARTS.items() if run.table(table) is None]
    if missing:
        said.append(f"Not run: {'; '.join(missing)}.")
    return " ".join(said)


def judge_verdicts(run: RunFolder) -> list[str]:
    """The first finder's edits by the model's own judges, worded as the probe's are."""
    said = []
    for judge in OWN_JUDGES:
        rows = claimed_rows(run, judge)
        for finder in [] if rows is None else finders_of(run, rows)[:1]:
            for edit in EDITS_JUDGED:
                own = None if rows is None else edited_of(run, rows, finder, edit)
                if own is not None:
                    said.append(f"By {judge_words(judge)}: {verdict(finder, own.effect, own.beside, EDIT_WORDS[edit])}")
    return said
