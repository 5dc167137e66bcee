"""Plain sentences on effects. What may be said is decided by ``intervention.claims``; here it is worded, positive and negative alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import nan

from jepascope.findings.claim import Verdict
from jepascope.findings.effect import (
    ABOVE_IT,
    ABOVE_MEAN,
    BELOW,
    BELOW_IT,
    BELOW_MEAN,
    FEW,
    NO_INTERVAL,
    OUTSIDE,
    SAME,
    Against,
    Effect,
    JudgeReading,
    worst_first,
)
from jepascope.findings.numbers import Cell, decimals, finite, percent, percent_span, ratio_text, shown, span, whole_percent, with_interval
from jepascope.intervention.control_words import doer
from jepascope.intervention.edit_entry import EDITS

NO_RATIO = "no ratio"
CLOSE_RATIO = 2.0  # a control that reaches half of the effect is named in the verdict
MUCH_OVERLAP = 1 / 3  # SAS from which a control is said to find much of the same subspace
BESIDE = {
    OUTSIDE: "more than {} do",
    ABOVE_IT: "more than {} do",
    ABOVE_MEAN: "not shown to be more than {} do",
    BELOW: "less than {} do",
    BELOW_IT: "less than {} do",
    BELOW_MEAN: "no more than {} do",
    SAME: "not told apart from what {} do",
    FEW: "whether that is more than {} do is not known (too few draws)",
    NO_INTERVAL: "whether that is more than {} do is not known",
}


def ratio_words(against: Against) -> str:
    """A ratio as it is printed; 'no ratio' where none may be stated: of an effect that is not shown, by a judge that reads nothing, beside
    too few draws, or to a control that works the other way."""
    return ratio_text(against.ratio, against.ratio_low, against.ratio_high, against.is_bound) if against.has_ratio else NO_RATIO


def ratio_cell(against: Against) -> Cell:
    """The same in a table, with the stored value behind it."""
    return Cell(ratio_words(against), repr(against.ratio) if against.has_ratio else "")


def against_cell(against: Against) -> Cell:
    """The ratio, and below it how the effect stands to the control; stressed unless it lies outside the control's draws."""
    cell = ratio_cell(against)
    return Cell(f"{cell.text}\n{against.standing}", cell.exact, strong=against.standing != OUTSIDE)


def unread_words(judge: JudgeReading) -> str:
    """Why nothing is said of effects by a judge that does not read the variable."""
    right = f"{percent(judge.accuracy)} {percent_span(judge.low, judge.high)}, chance {percent(judge.chance)}"
    return f"the judge is not shown to read the variable ({right})"


def not_shown_words(effect: Effect) -> str:
    """'not shown to do anything [-0.1, 0.3]', why nothing is said where the judge reads nothing, or nothing."""
    if effect.unread:
        assert effect.judge is not None
        return unread_words(effect.judge)
    return "" if effect.shown or effect.side == "unknown" else f"not shown to do anything {span(effect.low, effect.high)}"


def verdict(finder: str, effect: Effect, beside: Iterable[Against], edit: str = "ablation") -> str:
    """One sentence: does an edit have an effect, and is it more than each control has, the closest first?"""
    size = f"CE {with_interval(effect.value, effect.low, effect.high)}"
    if effect.side == "unknown":
        return f"{finder}: no interval could be computed for the effect of {edit} ({size}), so nothing is claimed."
    if effect.unread:
        return f"{finder}: {not_shown_words(effect)}, so what {edit} moves is no effect on it ({size})."
    if effect.side == "across":
        return f"{finder}: {edit} is not shown to do anything ({size})."
    if effect.side == "below":
        grows = ", it grows" if edit == "ablation" else ""
        return f"{finder}: {edit} changes the margin the other way{grows} ({size})."
    ordered = worst_first(beside)
    if not ordered:
        return f"{finder}: {edit} has an effect ({size}); no control was run."
    if all(against.standing in (FEW, NO_INTERVAL) and not against.has_ratio for against in ordered):
        return f"{finder}: {edit} has an effect ({size}); whether that is more than any control has is not known (no ratio to any)."
    return f"{finder}: {edit} has an effect ({size}): {closest_words(ordered)}.{_closest(ordered)}"


def closest_words(ordered: Sequence[Against]) -> str:
    """The closest control and all that the effect does not lie outside of, each in words; how many others there are."""
    told = [one for place, one in enumerate(ordered) if place == 0 or one.standing not in (OUTSIDE, ABOVE_IT, FEW, NO_INTERVAL)]
    others = [one for one in ordered if one not in told]
    parts, beyond = [beside_words(told)], sum(one.standing in (OUTSIDE, ABOVE_IT) for one in others)
    if beyond:
        parts.append("more than the other control does" if beyond == 1 else f"more than each of the {beyond} other controls does")
    if len(others) > beyond:
        parts.append(f"of {len(others) - beyond} with few draws it is not known")
    return "; ".join(parts)


def beside_words(ordered: Iterable[Against]) -> str:
    """An effect that works beside controls: 'more than random directions do (by 41 [35, 47] points); ...'."""
    return "; ".join(_beside(against) for against in ordered)


ALWAYS = ("carried",)  # named in every short sentence, and besides it whichever control comes closest
TOWARDS = ("moves the margin by", "of the way to a clip of another class")  # of edits that declare no words


def edit_words(
    edit: str,
    what: str,
    effect: Effect,
    beside: Iterable[Against],
    tested: str,
    partner: str,
    judge: str = "the judge's",
    direct: float = nan,
    named: Sequence[str] = ALWAYS,
) -> str:
    """A clause on one edit of ``what``, beside the closest control and those ``named``: 'ablating the rank-7 lda subspace removes
    62 [57, 67] % of the judge's margin (n = 80 test scenes): more than ...'. For an effect that has an interval, by a judge that reads.

    ``tested``: what n counts; ``partner``: what a swap takes from; ``direct``: the share that no block sees.
    """
    entry = EDITS.own.get(edit)
    doing, does, share = (entry.doing, entry.does, entry.share) if entry is not None and entry.doing else (f"{edit} in", *TOWARDS)
    share = share.replace("the judge's", judge).replace("a clip of another class", partner)
    size = f"{whole_percent(effect.value, effect.low, effect.high)} {share}"
    if effect.works and finite(direct):
        size += f", {decimals(100 * direct, 0)} points of it with no block seeing the edit"
    size += f" (n = {effect.n:.0f} {tested})"
    if not effect.shown:
        lacking = "; no power: a quarter of the whole is not ruled out" if unseen(effect.low, effect.high) else ""
        return f"{doing} {what} is not shown to do anything: it {does} {size}{lacking}"
    if not effect.works:
        return f"{doing} {what} {does} {size}: {'it grows' if edit == 'ablate' else 'the other way'}"
    ordered = worst_first(beside)
    told = [against for place, against in enumerate(ordered) if place == 0 or against.control in named]
    return f"{doing} {what} {does} {size}: {beside_words(told) or 'no control was run'}"


UNSEEN = 0.25  # of the whole effect: what has to be ruled out before a missing one says anything

STANDS: dict[str, Verdict] = {
    OUTSIDE: "shown",
    ABOVE_IT: "shown",
    ABOVE_MEAN: "not shown",
    SAME: "not shown",
    BELOW: "refuted",
    BELOW_IT: "refuted",
    BELOW_MEAN: "refuted",
}


def verdict_of(effect: Effect, beside: Iterable[Against]) -> Verdict:
    """Whether an edit does more than its controls: by the control that comes closest."""
    if effect.unread or effect.side == "unknown":
        return "undecided"
    if not effect.works:
        return "refuted" if effect.side != "across" else "no power" if unseen(effect.low, effect.high) else "not shown"
    closest = next(iter(worst_first(beside)), None)
    stands = "undecided" if closest is None else STANDS.get(closest.standing, "undecided")
    return "no power" if stands == "not shown" and closest is not None and unseen(*closest.beyond[1:]) else stands


def unseen(low: float, high: float) -> bool:
    """Whether an interval that holds zero also holds a quarter of the whole effect: no sign of one is then no sign that there is none."""
    return low <= 0 and high >= UNSEEN


def _beside(against: Against) -> str:
    said, (value, low, high) = BESIDE[against.standing].format(doer(against.control)), against.beyond
    if not all(map(finite, (value, low, high))):
        return said
    lacking = "; no power" if unseen(low, high) else ""
    return f"{said} (by {decimals(100 * value, 0)} [{decimals(100 * low, 0)}, {decimals(100 * high, 0)}] points{lacking})"


def _closest(beside: list[Against]) -> str:
    """Names the control that comes nearest to the subspace's own effect, and how much of the subspace that control holds."""
    known = [against for against in beside if against.has_ratio and not against.is_bound and against.ratio > 0]
    nearest = min(known, key=lambda against: against.ratio, default=None)
    if nearest is None or nearest.ratio >= CLOSE_RATIO:
        return ""
    text = f" The {nearest.control} control comes close ({100 / nearest.ratio:.0f} % of the effect)"
    if finite(nearest.overlap):
        much = nearest.overlap >= MUCH_OVERLAP
        text += ", because it finds much of the same subspace" if much else " with little of the same subspace"
        text += f" (SAS {shown(nearest.overlap, 2)})"
    if nearest.control == "shuffled":
        text += (
            ". Permuted labels still pick out the directions in which clips differ most; where the variable is most of that difference, "
            "this control says that the labels add little, not that the subspace is inert"
        )
    return text + "."


def beside_draws(low: float, high: float, least: float, most: float) -> str:
    """Where an effect's interval lies beside the range of its control's draws; words to be followed by the control's name."""
    if not all(finite(number) for number in (low, high, least, most)):
        return "not comparable with"
    if low > most:
        return "above every draw of"
    if high < least:
        return "below every draw of"
    return "not clear of the draws of"
