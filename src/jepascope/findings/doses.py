"""Words: how an effect grows with the dose, what dose 1 is beside the change that the real twin makes, and whether the effect fades along
the layers."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.names import EDITS, edit_name, in_order
from jepascope.findings.numbers import apart, count_range, finite, interval_of, interval_words, shown
from jepascope.findings.selection import FULL_DOSE
from jepascope.findings.verdict import beside_draws
from jepascope.stats import side

EXACT = 1e-4  # a shift this close to 1 is a swap's own, up to the rounding of float32


def curve_words(rows: pd.DataFrame, name: str) -> str:
    """One finder and edit: where the effect starts to stand clear of its controls, and whether it goes on beyond dose 1."""
    own = rows[rows["control"] == "subspace"].sort_values("dose").to_dict("records")
    nulls = rows[rows["control"] != "subspace"]
    known = [row for row in own if finite(row["value"])]
    if not known:
        return f"{name}: no effect was measured at any dose."
    full = min(known, key=lambda row: abs(row["dose"] - FULL_DOSE))
    text = f"{name}: CE {interval_words(full)} at dose {full['dose']:g}"
    others = [row for row in (min(known, key=lambda row: row["dose"] or full["dose"]), known[-1]) if row["dose"] != full["dose"]]
    ends = ", ".join(f"{interval_words(row)} at {row['dose']:g}" for row in others)
    text += f" ({ends})." if others else "."
    return f"{text} {_clear_words(clear_doses(rows), [row['dose'] for row in known if row['dose']], nulls)}{_beyond(full, known)}"


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
    if last["dose"] <= full["dose"]:
        return ""
    dose = f"{last['dose']:g}"
    return {
        "above": f" It goes on growing to dose {dose}.",
        "below": f" At dose {dose} it is smaller again: a larger edit is not a stronger one.",
        "across": f" At dose {dose} it is not told apart from that at dose {full['dose']:g}.",
        "unknown": "",
    }[apart(last, full)]


def shift_words(value: float, low: float, high: float) -> str:
    """An edit's pooled step beside the twin's own change inside the subspace (1 = the same)."""
    if not (finite(value) and finite(low) and finite(high)):
        return "no natural dose to compare with"
    if max(abs(low - 1), abs(high - 1)) < EXACT:
        return "the twin's change itself"
    if low <= 0 <= high:
        return "no step along the twin's change that is told from zero"
    if high < 0:
        return "a step against the twin's change"
    return (
        "less than the twin's change" if high < 1 else "more than the twin's change" if low > 1 else "not told apart from the twin's change"
    )


def natural_words(doses: pd.DataFrame, finder: str) -> str:
    """What dose 1 of a finder's edits is."""
    own = doses[doses["finder"] == finder].drop_duplicates("edit").set_index("edit")
    parts = []
    for edit in in_order(own.index, EDITS):
        row = own.loc[edit]
        size = interval_words(row, "shift") if finite(row["shift"]) else shown(row["shift"])
        parts.append(f"{edit_name(edit)} {size}, {shift_words(*interval_of(row, 'shift'))}")
    return f"In natural units dose 1 of {finder} shifts pooled activations, 1 being the natural dose: {'; '.join(parts)}."


def fade_words(rows: pd.DataFrame, name: str) -> str:
    """Whether one edit's effect fades or grows from the edited layer to the last, as far as the two intervals are apart."""
    own = rows[rows["control"] == "subspace"].sort_values("read_layer").to_dict("records")
    if len(own) < 2:
        return ""
    first, last = own[0], own[-1]
    why = " Blocks that restore what was taken (self-repair) do this, and so does a code computed afresh from other directions."
    says = {
        "below": f". The effect fades along the layers.{why if first['edit'] == 'ablate' else ''}",
        "above": ". The effect grows along the layers: later read-outs see more of it than one where the edit was made.",
        "across": ". The two are not told apart (overlapping intervals): neither fading nor growing is shown.",
        "unknown": "; without intervals it is not known whether it fades.",
    }
    return (
        f"{name}: CE {interval_words(first)} where it is read at the edited layer {first['read_layer']:.0f} itself, "
        f"{interval_words(last)} at layer {last['read_layer']:.0f}{says[apart(last, first)]}"
    )
