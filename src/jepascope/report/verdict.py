"""Plain sentences computed from intervals. The same rule words a positive and a negative result."""

from __future__ import annotations

from math import isnan, nan
from typing import Any

from jepascope.report.numbers import finite, ratio_text, with_interval

BASELINE = {
    "random": "random directions of the same rank do",
    "variance": "directions that remove the same variance do",
    "shuffled": "the same finder on shuffled labels does",
    "norm": "random edits of the same size do",
}


CLOSE_RATIO = 2.0  # a control that reaches half of the effect is named in the verdict


def is_bound(ratio: dict[str, Any]) -> bool:
    """Whether a ratio of summary.json is a lower bound only: said so, or a value without an upper end (JSON has no infinity)."""
    return bool(ratio.get("bound", finite(ratio.get("value")) and not finite(ratio.get("high"))))


def has_effect(ce: dict[str, Any]) -> bool | None:
    """Whether the interval of a causal effect lies above zero; None when there is no interval."""
    return ce["low"] > 0 if finite(ce.get("low")) and finite(ce.get("high")) else None


def against(ratio: dict[str, Any]) -> str:
    """'more', 'no more' or 'less' than the control does, or 'unknown', from the interval of a ratio."""
    value, low, high = (float(ratio[key]) if finite(ratio.get(key)) else nan for key in ("value", "low", "high"))
    if is_bound(ratio):
        return "more" if value > 1 else "unknown"
    if isnan(low) or isnan(high):
        return "unknown"
    return "more" if low > 1 else "less" if high < 1 else "no more"


def ratio_words(ratio: dict[str, Any]) -> str:
    """A ratio of summary.json as it is printed."""
    return ratio_text(ratio.get("value"), ratio.get("low"), ratio.get("high"), is_bound(ratio))


def verdict(finder: str, ce: dict[str, Any], ratios: dict[str, dict[str, Any]]) -> str:
    """One sentence: is there an effect, and is it more than variance explains?"""
    effect = has_effect(ce)
    size = f"CE {with_interval(ce.get('value'), ce.get('low'), ce.get('high'))}"
    if effect is None:
        return f"{finder}: no interval could be computed for the effect of ablation ({size}), so nothing is claimed."
    if not effect:
        return f"{finder}: ablation has no effect that can be told from zero ({size})."
    parts = []
    for control in ("variance", "random", "shuffled", "norm"):
        if control not in ratios:
            continue
        word = against(ratios[control])
        figure = ratio_words(ratios[control])
        if word == "unknown":
            parts.append(f"whether that is more than the {control} control does is not known (ratio {figure})")
        elif control == "variance":
            said = {
                "more": "more than its variance explains",
                "no more": "no more than its variance explains",
                "less": "less than its variance alone would do",
            }
            parts.append(f"{said[word]} (ratio to the variance-matched control {figure})")
        else:
            parts.append(f"{word} than {BASELINE[control]} (ratio {figure})")
    if not parts:
        return f"{finder}: ablation has an effect ({size}); no control was run."
    return f"{finder}: ablation has an effect ({size}): {'; '.join(parts)}.{_closest(ratios)}"


def _closest(ratios: dict[str, dict[str, Any]]) -> str:
    """Names the control that comes nearest to the subspace's own effect, and what that one means when it is the shuffled one."""
    known = {control: ratio["value"] for control, ratio in ratios.items() if finite(ratio.get("value")) and not is_bound(ratio)}
    if not known:
        return ""
    control = min(known, key=lambda name: known[name])
    if known[control] >= CLOSE_RATIO:
        return ""
    text = f" The {control} control comes close ({100 / known[control]:.0f} % of the effect)."
    if control == "shuffled":
        text += (
            " Permuted labels still pick out the directions in which clips differ most; where the variable is most of that difference, "
            "they find much of the same subspace, so this control says that the labels add little, not that the subspace is inert."
        )
    return text


def row_verdict(low: Any, high: Any) -> str:
    """Three words on a difference between subspace and control, from its interval."""
    if not finite(low) or not finite(high):
        return "no interval"
    return "above control" if low > 0 else "below control" if high < 0 else "not told apart"
