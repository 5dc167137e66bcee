"""Claims of real videos: what leaving out one video at a time gives, and what another run's subspaces do there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jepascope.findings.beside import readings_by
from jepascope.findings.claim import Answer, Evidence, Number, Question, Verdict, row_key, row_number, sentence_of
from jepascope.findings.effect import Effect
from jepascope.findings.facts import Facts, leads_in_turn
from jepascope.findings.numbers import decimals, decimals_span
from jepascope.findings.selection import Edited, edited, edited_of, leading
from jepascope.findings.used import numbers_of, stateable, words
from jepascope.findings.verdict import unread_words, verdict_of
from jepascope.intervention.refits import SAME
from jepascope.stats import side

PUBLISHED = "5.3"  # CE ratio on Kinetics over random directions, in the abstract of the paper (OpenReview CC5xKstwmf)
PROCEDURAL = ("nano", "nano-wide")
KEPT: dict[str, tuple[Verdict, str]] = {"above": ("shown", "above what"), "below": ("refuted", "below what")}


UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, LookupError)  # of what a stranger wrote into summary.json


def reach_words(summary: dict[str, Any]) -> str:
    """What the encoder was trained on, where that is known and matters."""
    if "footage" not in summary or summary.get("model") not in PROCEDURAL:
        return ""
    return f"The encoder {summary['model']} was trained on procedural clips alone: nothing here speaks for encoders trained on real video."


def readable(find: Callable[[Facts], Answer | None], why: str) -> Callable[[Facts], Answer | None]:
    """The same of folders whose summary is not what a study writes."""

    def guarded(facts: Facts) -> Answer | None:
        try:
            return find(facts)
        except UNREADABLE:
            return Answer("undecided", f"What summary.json says of {why}.")

    return guarded


def left_out(facts: Facts) -> Answer | None:
    """What leaving out one video at a time gives, beside the split's figures."""
    left, table = facts.summary.get("leave_one_out"), facts.table("leave_one_out")
    if not left or table is None:
        return None
    read, finder = left["accuracy"], str(table["finder"].iloc[0])
    accuracy = row_number("accuracy", read, "share right")
    above = "" if read["low"] is not None and read["low"] > read["chance"] else ", not shown to be above it"
    span = "" if read["low"] is None else f" {decimals_span(read['low'], read['high'])}"
    text = (
        f"By leaving out one of {left['videos']} videos at a time: accuracy {decimals(read['value'], 3)}{span} "
        f"(chance {decimals(read['chance'], 3)}{above})"
    )
    numbers = [accuracy, Number("accuracy", read["chance"], unit="share right", control="chance")]
    if leads_in_turn(facts.summary):  # the claim of use is made of the same folds
        row = next(iter(leading(facts)), None)
        verdict = "undecided" if row is None else verdict_of(row.effect, row.beside)
        evidence = Evidence("leave_one_out", {} if row is None else row_key(row.row, *SAME)), Evidence("leave_one_out_videos", {})
        return Answer(verdict, f"{text}; effects as above.", tuple(numbers), evidence)
    judged = Facts({**facts.summary, "judge_reading": left.get("judge_reading", {})}, {"ce": table})
    row = edited_of(judged, table, finder, "ablate")
    if row is None or row.effect.side == "unknown":
        return Answer("undecided", f"{text}; the judges read no margin of which ablation could take a share.", tuple(numbers))
    if row.effect.unread:
        assert row.effect.judge is not None
        return Answer("undecided", f"{text}; {unread_words(row.effect.judge)}, so no effect of ablation can be stated.", tuple(numbers))
    key = row_key(row.row, *SAME)
    evidence = Evidence("leave_one_out", key), Evidence("leave_one_out_videos", {})
    clause = f"{text}, and {words(facts, row, 'test videos')}"
    return Answer(verdict_of(row.effect, row.beside), sentence_of(clause), (*numbers, *numbers_of(row)), evidence)


def taken(facts: Facts) -> Answer | None:
    """What the first of another run's subspaces does on these videos, and no more than its interval says."""
    carried, table = facts.summary.get("carried"), facts.table("ce")
    if not carried or table is None:
        return None
    name = next((name for name in carried["finders"] if (table["finder"] == name).any()), None)
    if name is None:
        return None
    finder, row = carried["finders"][name], stateable(facts, name)
    where = f"Carried from {carried['clips']} ({carried['run']}) to these videos"
    published = f"the published ratio on Kinetics, of another encoder and by another group, is {PUBLISHED}"
    unread = readings_by(facts).get("probe")
    if row is None or row.effect.unread:
        why = "the judge reads no margin here" if row is None or unread is None else unread_words(unread)
        return Answer("undecided", f"{where}: {why}, so no effect of the {finder} subspace can be stated; {published}.")
    what = f"the rank-{carried['ranks'][name]} {finder} subspace at layer {carried['layer']}"
    kept, retained = _retained(facts, name, finder)
    clause = f"{where}, {words(facts, row, 'test videos', what)}; {published}; {retained}"
    verdict = verdict_of(row.effect, row.beside)
    verdict = verdict if kept == "shown" or verdict != "shown" else kept
    return Answer(verdict, sentence_of(clause), tuple(numbers_of(row)), (Evidence("ce", row_key(row.row, *SAME)),))


def _retained(facts: Facts, name: str, finder: str) -> tuple[Verdict, str]:
    """What share of the native subspace's effect is kept, beside what variance-matched directions keep."""
    kept = (facts.summary["carried"].get("rce") or {}).get(name)
    native: Edited | None = edited(facts, finder, kept["edit"]) if kept else None
    effect: Effect | None = native.effect if native else None
    if not kept or kept["value"] is None or kept["low"] is None or (effect is not None and not effect.works):
        return "undecided", f"in place of the {finder} subspace found here its share of the effect cannot be stated"
    by = {"ablate": "ablation", "swap": "swaps"}.get(kept["edit"], kept["edit"])
    text = (
        f"RCE {decimals(kept['value'])} {decimals_span(kept['low'], kept['high'])} of {by} in place of the {finder} subspace found here "
        f"(rank {facts.summary['rank']})"
    )
    if kept.get("saturated"):
        return "undecided", f"{text}, saturated at every dose, so that it says nothing"
    verdict, place = KEPT.get(side(kept["excess_low"], kept.get("excess_high")), ("not shown", "not shown to be more than"))
    return verdict, f"{text}, {place} variance-matched directions keep"


LEFT_OUT = Question(
    "leaving out one video at a time",
    "Does the effect hold when each video is tested by what the others gave?",
    "As for the split: the effect of ablation lies outside the draws of every matched control, over videos.",
    readable(left_out, "leaving out one video at a time (leave_one_out) cannot be read; its table is there"),
)
REAL = Question(
    "carries over to real videos",
    "Do subspaces found on other clips have the effect on these videos?",
    "Their effect lies outside the draws of every matched control, and its share of the native effect above what variance-matched "
    "directions keep.",
    readable(taken, "another run's subspaces (carried) cannot be read; their effects are in the table"),
)
