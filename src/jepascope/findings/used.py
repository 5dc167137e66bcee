"""Claims: the network uses what the first finder found, more than it would matched controls; by the probe, and by its own predictor."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

from jepascope.findings.claim import Answer, Evidence, Number, Question, row_key, row_number, sentence_of
from jepascope.findings.facts import Facts
from jepascope.findings.names import judge_words
from jepascope.findings.numbers import finite
from jepascope.findings.selection import Edited, edited, first_finder, has_twins, in_force, leading
from jepascope.findings.verdict import ALWAYS, edit_words, unread_words, verdict_of
from jepascope.intervention.refits import SAME

UNIT = "share"
WITH_FITS = " over fits, read-outs and scenes"
ONE_FIT = ", for this subspace and this read-out"
IN_TURN = ", each fold with a subspace and a read-out of its own; folds share most of their videos, and intervals may be too narrow"


def by_probe(facts: Facts) -> Answer | None:
    """Swap, which leads: large directions of any kind are missed when they are deleted. Then ablation, with a verdict of its own; where a
    study of few videos has no margin to take from, the first other edit that has an interval."""
    facts = in_force(facts)
    table = "leave_one_out" if facts.in_turn else "ce"
    finder = first_finder(facts)
    own, swapped = (edited(facts, finder, edit) for edit in ("ablate", "swap"))
    if facts.table("ce") is None:
        return None
    if own is not None and own.effect.unread:
        assert own.effect.judge is not None
        return _answer([own], f"No causal effect can be stated: {unread_words(own.effect.judge)}", table)
    tested = facts.tested + (", which are what intervals resample" if "footage" in facts.summary else "")
    lead = next((row for row in (swapped, own) if row is not None), None)
    said_of = IN_TURN if facts.in_turn else WITH_FITS if lead is not None and lead.effect.of_encoder else ONE_FIT
    tested += f"; 95 % intervals{said_of}"
    if swapped is not None and swapped.effect.side != "unknown":
        rows = [row for row in (swapped, own) if row is not None and row.effect.side != "unknown"]
        return _answer(rows, "; ".join(words(facts, row, tested if row is swapped else facts.tested) for row in rows), table)
    if own is None or own.effect.side == "unknown":
        other = stateable(facts, finder) if "footage" in facts.summary else None
        none = f"No causal effect {'of ablation ' if other else ''}can be stated: the judge reads no margin there"
        return _answer(
            [row for row in (own, other) if row], none + (f". {sentence_of(words(facts, other, tested))}" if other else ""), table
        )
    return _answer([own], words(facts, own, tested), table)


def by_predictor(facts: Facts) -> Answer | None:
    """Ablation and swap by the encoder's own predictor."""
    forecasts = facts.table("forecasts")
    return _by(facts, "predictor", "" if forecasts is None else f", shown the first {forecasts['context'].iloc[0]:.0f} tubelets")


def by_head(facts: Facts) -> Answer | None:
    """The same in the margins of the checkpoint's own task head, among the labels that are paired with classes."""
    return _by(facts, "head")


def _by(facts: Facts, judge: str, shown: str = "") -> Answer | None:
    """What a judge of the checkpoint's own says of ablation and swap; ``shown``: of what."""
    edits, who = leading(facts, judge), judge_words(judge)
    if edits and edits[0].effect.unread:
        assert edits[0].effect.judge is not None
        return _answer(edits[:1], f"{who} says nothing of edits: {unread_words(edits[0].effect.judge)}")
    rows = [row for row in edits if row.effect.side != "unknown"]
    if not rows:
        return None
    return _answer(rows, f"By {who}{shown}: {'; '.join(words(facts, row, facts.tested, judge='its', named=()) for row in rows)}")


def words(
    facts: Facts, row: Edited, tested: str, what: str = "", judge: str = "the judge's", named: Sequence[str] = ALWAYS, partner: str = ""
) -> str:
    """A clause on one edit of a finder's subspace, beside the closest control and those ``named``; ``partner``: what a swap goes to, by
    default the twin, or a clip of another class."""
    what = what or f"the rank-{row.row['rank']:.0f} {row.row['finder']} subspace"
    partner = partner or ("its twin" if has_twins(facts) else "a clip of another class")
    direct = float(row.row["direct"]) if row.row["judge"] == "probe" else nan
    return edit_words(row.row["edit"], what, row.effect, row.beside, tested, partner, judge, direct, named)


def stateable(facts: Facts, finder: str) -> Edited | None:
    """The first edit with an interval."""
    rows = (edited(facts, finder, edit) for edit in ("ablate", "swap", "steer"))
    return next((row for row in rows if row is not None and row.effect.side != "unknown"), None)


def _answer(rows: list[Edited], clause: str, table: str = "ce") -> Answer:
    """What the edit that leads shows, the effects of all, and each beside every control."""
    leads = verdict_of(rows[0].effect, rows[0].beside) if rows else "undecided"
    numbers = [number for row in rows for number in numbers_of(row)]
    evidence = tuple(Evidence(table, row_key(row.row, *SAME)) for row in rows)
    return Answer(leads, sentence_of(clause), tuple(numbers), evidence)


def numbers_of(row: Edited) -> list[Number]:
    """The effect, and beside each control what that does (mean draw), how much more the effect is, and, where one is stated, the ratio."""
    edit = str(row.row["edit"])
    numbers = [row_number(f"CE of {edit}", row.row, UNIT)]
    for against in row.beside:
        numbers.append(row_number(f"CE of {edit}", row.controls[against.control], UNIT, against.control))
        if all(map(finite, against.beyond)):
            numbers.append(Number(f"CE of {edit}, beyond", *against.beyond, row.effect.n, UNIT, against.control))
        if against.has_ratio:
            ratio = (against.ratio, nan, nan) if against.is_bound else (against.ratio, against.ratio_low, against.ratio_high)
            what = f"CE ratio of {edit}" + (", at least" if against.is_bound else "")
            numbers.append(Number(what, *ratio, row.effect.n, "times", against.control))
    return numbers


RULE = (
    f"The judge reads the variable of unedited scenes; the interval of the swap's effect,{WITH_FITS}, lies above zero; "
    "and the effect lies outside the draws of every matched control, the closest one deciding. Ablation stands second: deleting large "
    "directions of any kind costs margin. Where few videos are tested, of every video in turn. "
    "No power: the interval that holds zero also holds a quarter of the whole effect."
)
USED = Question("used", "Does the network use it, beyond matched controls?", RULE, by_probe)
PREDICTED = Question("by its own predictor", "Does the encoder's own predictor use it?", RULE, by_predictor)
HEADED = Question("by its own task head", "Does the checkpoint's own classifier use it?", RULE, by_head)
