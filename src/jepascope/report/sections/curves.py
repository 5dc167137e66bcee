"""Section of stage two: how the effect grows with the dose."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.beside import readings_by
from jepascope.findings.judges import judge_words
from jepascope.findings.numbers import count_range, finite, with_interval
from jepascope.findings.selection import (
    DONOR_DOSE_WORDS,
    EDIT_WORDS,
    EDITS,
    FULL_DOSE,
    FULL_DOSE_WORDS,
    claim_layer,
    finders_of,
    has_twins,
    in_order,
    main_ranks,
    of_tokens,
)
from jepascope.findings.verdict import beside_draws, unread_words
from jepascope.report.blocks import Block, Figure, Finding, Section, not_run
from jepascope.report.figures.dose_curves import dose_curves
from jepascope.report.folder import RunFolder
from jepascope.report.sections.natural_dose import natural_doses
from jepascope.stats import side

TITLE = "Dose curves"


def curves_section(run: RunFolder) -> Section:
    """CE over the dose for each edit and finder, then the doses in natural units."""
    table = run.table("curves")
    blocks: list[Block] = []
    if table is not None:
        curves = of_tokens(run, table)
        judges = list(curves["judge"].unique())
        curves = curves[curves["judge"] == ("probe" if "probe" in judges else judges[0])]
        layer = claim_layer(run, curves)
        curves = curves[curves["layer"] == layer]
        curves = curves[curves["rank"] == curves["finder"].map(main_ranks(curves))]
        for edit in in_order(curves["edit"], EDITS):
            blocks += _edit(run, curves[curves["edit"] == edit], layer, edit)
    blocks += natural_doses(run)
    return Section("doses", TITLE, tuple(blocks)) if blocks else not_run("doses", TITLE, "no dose curves (stage intervene)")


def _edit(run: RunFolder, curves: pd.DataFrame, layer: int, edit: str) -> list[Block]:
    finders = finders_of(run, curves)
    words = FULL_DOSE_WORDS if has_twins(run) else DONOR_DOSE_WORDS
    what = EDIT_WORDS.get(edit, edit)
    judge = readings_by(run).get(str(curves["judge"].iloc[0]))
    if judge is not None and not judge.reads:
        said = [f"{what.capitalize()}: {unread_words(judge)}, so that nothing is said of its effects."]
    else:
        said = [curve_words(curves[curves["finder"] == finders[0]], f"{what.capitalize()}, {finders[0]}")]
        said += [starts(curves, finders[1:], what)] if len(finders) > 1 else []
    null = curves[curves["control"] != "subspace"]
    caption = (
        f"{what.capitalize()} at layer {layer}, CE by {judge_words(str(curves['judge'].iloc[0]))} (no unit). n = "
        f"{count_range(curves['n'])} {run.tested}; vertical lines: {run.confidence} over {run.units}. Controls: mean over "
        f"{count_range(null['draws'])} draws, bands from the least to the largest draw; too few for ratios, which stand at dose 1 above. "
        f"{words.get(edit, 'dose 1 is the edit in full').capitalize()} (dotted line)."
    )
    return [*(Finding(sentence) for sentence in said), Figure(dose_curves(curves, finders, edit), caption)]


def curve_words(rows: pd.DataFrame, name: str) -> str:
    """One finder and edit: where the effect starts to stand clear of its controls, and whether it goes on beyond dose 1."""
    own = rows[rows["control"] == "subspace"].sort_values("dose").to_dict("records")
    nulls = rows[rows["control"] != "subspace"]
    known = [row for row in own if finite(row["value"])]
    if not known:
        return f"{name}: no effect was measured at any dose."
    full = min(known, key=lambda row: abs(row["dose"] - FULL_DOSE))
    said = f"{name}: CE {_size(full)} at dose {full['dose']:g}"
    others = [row for row in (min(known, key=lambda row: row["dose"] or full["dose"]), known[-1]) if row["dose"] != full["dose"]]
    ends = ", ".join(f"{_size(row)} at {row['dose']:g}" for row in others)
    said += f" ({ends})." if others else "."
    return f"{said} {_clear_words(clear_doses(rows), [row['dose'] for row in known if row['dose']], nulls)}{_beyond(full, known)}"


def clear_doses(rows: pd.DataFrame) -> list[float]:
    """Doses at which one finder's interval lies above every draw of every control that was run there."""
    own, nulls = rows[rows["control"] == "subspace"].sort_values("dose"), rows[rows["control"] != "subspace"]
    return [row["dose"] for row in own.to_dict("records") if _clear(row, nulls[nulls["dose"] == row["dose"]])]


def starts(curves: pd.DataFrame, finders: list[str], what: str) -> str:
    """From which dose on each of the other finders stands clear of its controls."""
    by: dict[str, list[str]] = {}
    for finder in finders:
        clear = clear_doses(curves[curves["finder"] == finder])
        by.setdefault(f"first at dose {clear[0]:g}" if clear else "at no dose", []).append(finder)
    said = "; ".join(f"{when}: {', '.join(names)}" for when, names in by.items())
    return f"{what.capitalize()}, the other finders, above every draw of their controls {said}."


def _size(row: dict[Any, Any]) -> str:
    return with_interval(row["value"], row["low"], row["high"])


def _clear(row: dict[Any, Any], nulls: pd.DataFrame) -> bool:
    """Whether an effect is shown, and its interval lies above every draw of every control at the same dose."""
    readings = [beside_draws(row["low"], row["high"], null["low"], null["high"]) for null in nulls.to_dict("records")]
    return side(row["low"], row["high"]) == "above" and bool(readings) and all(word.startswith("above") for word in readings)


def _clear_words(clear: list[float], doses: list[float], nulls: pd.DataFrame) -> str:
    if nulls.empty:
        return "No control was run beside it."
    what = f"every draw of {' and '.join(sorted(nulls['control'].unique()))} controls ({count_range(nulls['draws'])} draws each)"
    if not clear:
        return f"At no dose does its interval lie above {what}."
    if clear == doses[-len(clear) :]:
        from_on = "At every dose" if len(clear) == len(doses) else f"From dose {clear[0]:g} on"
        return f"{from_on} its interval lies above {what}."
    return f"Its interval lies above {what} at dose {', '.join(f'{dose:g}' for dose in clear)} only."


def _beyond(full: dict[Any, Any], known: list[dict[Any, Any]]) -> str:
    """What happens beyond dose 1, as far as intervals tell."""
    last = known[-1]
    if last["dose"] <= full["dose"] or not all(finite(row[end]) for row in (last, full) for end in ("low", "high")):
        return ""
    if last["low"] > full["high"]:
        return f" It goes on growing to dose {last['dose']:g}."
    if last["high"] < full["low"]:
        return f" At dose {last['dose']:g} it is smaller again: a larger edit is not a stronger one."
    return f" At dose {last['dose']:g} it is not told apart from that at dose {full['dose']:g}."
