"""What the headline says beyond the probe's margin: the predictor, a refitted read-out, other factors. Made from the summary alone."""

from __future__ import annotations

from math import nan
from typing import Any

from jepascope.findings.effect import OUTSIDE, SILENT, cross_reading
from jepascope.findings.units import units_in
from jepascope.intervention.control_words import doer
from jepascope.stats import side
from jepascope.study.stage_two.isolation import MARGIN
from jepascope.study.steps.effect_words import beside_in, effect_in, percent_with_interval, plain, unread_words


def beyond(summary: dict[str, Any]) -> str:
    """Sentences on the first finder's subspace, as found: "" where those steps were not run."""
    finder = next(iter(summary["ce"]), "")
    parts = [_predicted(summary, finder), _refitted(summary, finder), _isolated(summary)]
    return "".join(f" {part}" for part in parts if part)


def _predicted(summary: dict[str, Any], finder: str) -> str:
    words = {"ablate": "of what tells it from its twin is lost by ablation", "swap": "of the real twin's change is made by the swap"}
    said = []
    for edit, what in words.items():
        effect = effect_in(summary, finder, edit, "predictor")
        if effect is None or effect.side == "unknown":
            continue
        if effect.unread:
            why = unread_words(effect, summary["variable"], f"test {units_in(summary)}")
            return f"The encoder's own predictor says nothing of edits: {why}."
        share = f"{percent_with_interval(effect)} {what}"
        if not effect.shown:
            said.append(f"{share} (not shown to do anything)")
            continue
        beside = [one for one in beside_in(summary, finder, edit, effect, "predictor") if one.standing not in SILENT]
        outside, inside = ([doer(one.control) for one in beside if (one.standing == OUTSIDE) == out] for out in (True, False))
        places = [f"not outside the draws of {_listed(inside)}"] * bool(inside) + [f"outside those of {_listed(outside)}"] * bool(outside)
        said.append(f"{share} ({', '.join(places) or 'too few draws to compare'})")
    if not said:
        return ""
    return f"By the encoder's own predictor, shown the first {summary['forecast']['context']} tubelets: {'; '.join(said)}."


def _refitted(summary: dict[str, Any], finder: str) -> str:
    refit = summary.get("refit", {}).get(finder)
    if not refit:
        return ""
    fresh = refit["refit"]
    still = "still reads" if side(fresh["low"], fresh["high"], refit["chance"]) == "above" else "is not shown to read"
    return (
        f"A fresh read-out {still} the variable after the ablation (accuracy {plain(fresh['value'])} "
        f"[{plain(fresh['low'])}, {plain(fresh['high'])}], frozen {plain(refit['frozen'])}, unedited {plain(refit['clean'])})."
    )


def _isolated(summary: dict[str, Any]) -> str:
    """Of the ablation's effect on read-outs of other factors (``cross_reading``)."""
    factors = summary.get("isolation", {}).get("ablate", {})
    if not factors:
        return ""
    words = {
        "leaks": "it leaks on {}",
        "unaffected": "no effect worth mentioning on {}",
        "undecided": "undecided, neither a leak nor its absence is shown: {}",
        "not readable": "not readable here: {}",
    }
    kinds: dict[str, list[str]] = {kind: [] for kind in words}
    for name, one in factors.items():
        effect = tuple(nan if one[key] is None else one[key] for key in ("value", "low", "high"))
        nulls = [one[null] for null in ("random", "variance") if one.get(null) is not None]
        kinds[cross_reading(one["readable"], one["equivalent"], (effect[0], effect[1], effect[2]), MARGIN, nulls)].append(name)
    said = [words[kind].format(_listed(names)) for kind, names in kinds.items() if names]
    return f"On other factors: {'; '.join(said)}."


def _listed(names: list[str]) -> str:
    return ", ".join(names)
