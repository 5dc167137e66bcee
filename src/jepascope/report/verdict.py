"""Plain sentences computed from intervals. The same rule words a positive and a negative result."""

from __future__ import annotations

from math import isnan, nan
from typing import Any

from jepascope.report.numbers import finite, ratio_text, shown, with_interval
from jepascope.stats import MIN_DRAWS, OUTSIDE_DRAWS

BASELINE = {
    "random": "random directions of the same rank do",
    "variance": "complement directions of the same token variance do",
    "shuffled": "the same finder on shuffled labels does",
    "norm": "random edits of the same size do",
}

CLOSE_RATIO = 2.0  # a control that reaches half of the effect is named in the verdict
MUCH_OVERLAP = 1 / 3  # SAS from which a control is said to find much of the same subspace


def is_bound(ratio: dict[str, Any]) -> bool:
    """Whether a ratio of summary.json is a lower bound only: said so, or a value without an upper end (JSON has no infinity)."""
    return bool(ratio.get("bound", finite(ratio.get("value")) and not finite(ratio.get("high"))))


def direction(ce: dict[str, Any]) -> str:
    """'effect', 'reversed' or 'none' as the interval of a causal effect lies above, below or across zero; 'unknown' without one."""
    if not (finite(ce.get("low")) and finite(ce.get("high"))):
        return "unknown"
    return "effect" if ce["low"] > 0 else "reversed" if ce["high"] < 0 else "none"


def against(ratio: dict[str, Any]) -> str:
    """How an effect stands to its control: 'more', 'less', 'above the mean', 'below the mean', 'not told apart' or 'unknown'.

    'more' and 'less' are about the control's single draws as well as their mean: the ratio's interval lies beyond 1, and that of
    the effect minus a new draw (``excess_low``, ``excess_high``; absent from older folders) beyond 0. An interval that holds 1
    shows no equality, only that the two are not told apart.
    """
    value, low, high, beyond, short = (_number(ratio, key) for key in ("value", "low", "high", "excess_low", "excess_high"))
    if is_bound(ratio):
        low, high = value, nan
    elif isnan(low):
        return "more" if beyond > 0 else "unknown"  # a control that works the other way has no ratio
    if isnan(low) or (isnan(high) and not is_bound(ratio) and not low > 1):
        return "unknown"
    few = "excess_low" in ratio and isnan(beyond)  # too few draws to say that anything lies outside them
    if low > 1:
        return "above the mean" if beyond <= 0 or few else "more"
    if high < 1:
        return "below the mean" if short >= 0 or few else "less"
    return "unknown" if is_bound(ratio) else "not told apart"


def _number(entry: dict[str, Any], key: str) -> float:
    value = entry.get(key)
    return nan if value is None else float(value)


def ratio_words(ratio: dict[str, Any]) -> str:
    """A ratio of summary.json as it is printed."""
    return ratio_text(ratio.get("value"), ratio.get("low"), ratio.get("high"), is_bound(ratio))


def verdict(finder: str, ce: dict[str, Any], ratios: dict[str, dict[str, Any]], edit: str = "ablation") -> str:
    """One sentence: does an edit have an effect, and is it more than each control has?"""
    size = f"CE {with_interval(ce.get('value'), ce.get('low'), ce.get('high'))}"
    effect = direction(ce)
    if effect == "unknown":
        return f"{finder}: no interval could be computed for the effect of {edit} ({size}), so nothing is claimed."
    if effect == "none":
        return f"{finder}: {edit} has no effect that can be told from zero ({size})."
    if effect == "reversed":
        grows = ", it grows" if edit == "ablation" else ""
        return f"{finder}: {edit} changes the margin the other way{grows} ({size})."
    parts = [_beside(control, ratios[control]) for control in ("variance", "random", "shuffled", "norm") if control in ratios]
    if parts and all(against(ratios[control]) == "unknown" and ratio_words(ratios[control]) == "no ratio" for control in ratios):
        return f"{finder}: {edit} has an effect ({size}); whether that is more than any control has is not known (no ratio to any)."
    if not parts:
        return f"{finder}: {edit} has an effect ({size}); no control was run."
    return f"{finder}: {edit} has an effect ({size}): {'; '.join(parts)}.{_closest(ratios)}"


def _beside(control: str, ratio: dict[str, Any]) -> str:
    word, does = against(ratio), BASELINE[control]
    said = {
        "more": f"more than {does}",
        "less": f"less than {does}",
        "above the mean": f"more than {does} on average, but not outside the single draws",
        "below the mean": f"less than {does} on average, but not outside the single draws",
        "not told apart": f"not told apart from what {does}",
        "unknown": f"whether that is more than {does} is not known",
    }
    return f"{said[word]} (ratio {ratio_words(ratio)})" if ratio_words(ratio) != "no ratio" else f"{said[word]} (no ratio)"


def _closest(ratios: dict[str, dict[str, Any]]) -> str:
    """Names the control that comes nearest to the subspace's own effect, and how much of the subspace that control holds."""
    known = {control: ratio["value"] for control, ratio in ratios.items() if finite(ratio.get("value")) and not is_bound(ratio)}
    known = {control: value for control, value in known.items() if value > 0}
    if not known:
        return ""
    control = min(known, key=lambda name: known[name])
    if known[control] >= CLOSE_RATIO:
        return ""
    text = f" The {control} control comes close ({100 / known[control]:.0f} % of the effect)"
    overlap = _number(ratios[control], "overlap")
    if finite(overlap):
        text += ", because it finds much of the same subspace" if overlap >= MUCH_OVERLAP else " with little of the same subspace"
        text += f" (SAS {shown(overlap, 2)})"
    if control == "shuffled":
        text += (
            ". Permuted labels still pick out the directions in which clips differ most; where the variable is most of that difference, "
            "this control says that the labels add little, not that the subspace is inert"
        )
    return text + "."


def row_verdict(
    low: float, high: float, excess_low: float = nan, excess_high: float = nan, percentile: float = nan, draws: float = nan
) -> str:
    """Three words on a subspace beside a control, from the intervals of the difference from its mean and from a new draw.

    Without the latter (older folders) the percentile among the draws stands in.
    """
    if draws < MIN_DRAWS and not (draws == 1 and finite(low)):
        return "too few draws"
    if draws == 1:  # nothing in it is random, and there is one to compare with
        return "above it" if low > 0 else "below it" if high < 0 else "not told apart"
    if not finite(low) or not finite(high):
        return "no interval"
    above, below = (excess_low > 0, excess_high < 0) if finite(excess_low) else (percentile == 100, percentile == 0)
    if draws < OUTSIDE_DRAWS:
        above = below = False
    if low > 0:
        return "outside its draws" if above else "above the mean draw"
    if high < 0:
        return "below its draws" if below else "below the mean draw"
    return "not told apart"


def beside_draws(low: float, high: float, least: float, most: float) -> str:
    """Where an effect's interval lies beside the range of its control's draws; words to be followed by the control's name."""
    if not all(finite(number) for number in (low, high, least, most)):
        return "not comparable with"
    if low > most:
        return "above every draw of"
    if high < least:
        return "below every draw of"
    return "not clear of the draws of"
