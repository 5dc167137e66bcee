"""What the headline says beyond the probe's margin: the predictor, a refitted read-out, other factors. Made from the summary alone."""

from __future__ import annotations

from typing import Any

from jepascope.study.stage_two.isolation import MARGIN


def beyond(summary: dict[str, Any]) -> str:
    """Sentences on the first finder's subspace, as found: "" where those steps were not run."""
    finder = next(iter(summary["ce"]), "")
    parts = [_predicted(summary, finder), _refitted(summary, finder), _isolated(summary)]
    return "".join(f" {part}" for part in parts if part)


def _predicted(summary: dict[str, Any], finder: str) -> str:
    effects = summary.get("by_judge", {}).get("predictor", {}).get(finder, {})
    ratios = summary.get("ratio_by_judge", {}).get("predictor", {}).get(finder, {})
    words = {"ablate": "of what tells it from its twin is lost by ablation", "swap": "of the real twin's change is made by the swap"}
    said = []
    for edit, what in words.items():
        effect = effects.get(edit)
        if effect is None or effect["low"] is None:
            continue
        outside = [name for name, ratio in ratios.get(edit, {}).items() if ratio["excess_low"] is not None and ratio["excess_low"] > 0]
        inside = [name for name, ratio in ratios.get(edit, {}).items() if ratio["excess_low"] is not None and ratio["excess_low"] <= 0]
        beside = f"outside the draws of {_listed(outside)}" if outside else "outside no control's draws"
        beside += f", not of {_listed(inside)}" if inside and outside else ""
        share = f"{100 * effect['value']:.0f} [{100 * effect['low']:.0f}, {100 * effect['high']:.0f}] %"
        said.append(f"{share} {what} ({beside if outside or inside else 'too few draws to compare'})")
    if not said:
        return ""
    return f"By the encoder's own predictor, shown the first {summary['forecast']['context']} tubelets: {'; '.join(said)}."


def _refitted(summary: dict[str, Any], finder: str) -> str:
    refit = summary.get("refit", {}).get(finder)
    if not refit:
        return ""
    fresh = refit["refit"]
    still = "still reads" if fresh["low"] > refit["chance"] else "is not shown to read"
    return (
        f"A fresh read-out {still} the variable after the ablation (accuracy {fresh['value']:.2f} "
        f"[{fresh['low']:.2f}, {fresh['high']:.2f}], frozen {refit['frozen']:.2f}, unedited {refit['clean']:.2f})."
    )


def _isolated(summary: dict[str, Any]) -> str:
    """Of the ablation's effect on read-outs of other factors. A leak is clear of zero and of what random and variance-matched directions
    do on average, and larger than the margin of equivalence."""
    factors = summary.get("isolation", {}).get("ablate", {})
    if not factors:
        return ""
    kinds: dict[str, list[str]] = {"leaks": [], "none": [], "undecided": [], "unread": []}
    for name, one in factors.items():
        if not one["readable"] or one["low"] is None:
            kinds["unread"].append(name)
        elif one["equivalent"]:
            kinds["none"].append(name)
        else:
            nulls = [0.0, *(one[name] for name in ("random", "variance") if one.get(name) is not None)]
            clear = (one["low"] > max(nulls) or one["high"] < min(nulls)) and abs(one["value"]) > MARGIN
            kinds["leaks" if clear else "undecided"].append(name)
    said = [f"it leaks on {_listed(kinds['leaks'])}" if kinds["leaks"] else "no leak is shown"]
    said += [f"no effect worth mentioning on {_listed(kinds['none'])}"] if kinds["none"] else []
    said += [f"undecided: {_listed(kinds['undecided'])}"] if kinds["undecided"] else []
    said += [f"not readable here: {_listed(kinds['unread'])}"] if kinds["unread"] else []
    return f"On other factors: {'; '.join(said)}."


def _listed(names: list[str]) -> str:
    return ", ".join(names)
