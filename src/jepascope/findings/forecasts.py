"""Words: what the encoder's own predictor forecasts, unedited, from the twin, and after an edit."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.effect import COIN
from jepascope.findings.numbers import count, finite, percent, percent_span, shown, with_interval
from jepascope.findings.selection import EDIT_WORDS
from jepascope.findings.verdict import beside_draws
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.stats import side


def natural_words(references: pd.DataFrame) -> str:
    """What the predictor can tell at all, before anything is edited."""
    by: dict[str, dict[Any, Any]] = {str(row["control"]): row for row in references.to_dict("records")}
    natural = by.get("natural")
    if natural is None or not finite(natural["recovery"]):
        return "The forecast from the twin's own beginning was not measured, so recoveries below have no natural reference."
    seen = count(natural["context"])
    said = (
        f"Natural reference: from the twin's own first {'tubelet' if seen == '1' else f'{seen} tubelets'} the predictor recovers R = "
        f"{recovery_interval(natural, 'recovery')} of the difference of the two futures, and {nearer_share(natural)} of its forecasts are "
        f"nearer to the twin's future (n = {count(natural['n'])})"
    )
    none, last = by.get("none"), by.get("persistence")
    said += f"; from the clip's own beginning {nearer_share(none)}" if none else ""
    said += f"; repeating the twin's last latents: R = {recovery_interval(last, 'recovery')}, {nearer_share(last)}" if last else ""
    low, high = float(natural["identified_low"]), float(natural["identified_high"])
    if not finite(low):
        return f"{said}."
    if low > COIN:
        more = last is None or natural["recovery_low"] > last["recovery_high"]
        rest = "" if more else ", though not shown to forecast more than the last latents hold already"
        return f"{said}. It tells the two futures apart, so it can judge{rest}."
    word = "worse than" if high < COIN else "not told apart from"
    return f"{said}. That is {word} a coin: this predictor cannot tell the two futures apart, and what it says of edits is worth little."


def recovery_words(rows: pd.DataFrame, finder: str, edit: str) -> str:
    """One finder's edit: recovery, identification, and where the recovery lies beside each control's draws."""
    found = rows[rows["control"] == "subspace"]
    what = f"{EDIT_WORDS.get(edit, edit).capitalize()}, {finder}"
    if found.empty or not finite(float(found.iloc[0]["recovery"])):
        return f"{what}: no forecast was measured."
    own = found.iloc[0]
    future = "its own" if edit == "ablate" else "the twin's"
    said = f"{what}: R = {recovery_interval(own, 'recovery')}, {nearer_share(own)} of forecasts nearer to {future} future"
    if finite(float(own["angle_error"])):
        said += f", decoded angle off by {recovery_interval(own, 'angle_error')} degrees"
    if side(float(own["recovery_low"]), float(own["recovery_high"])) == "across":
        return f"{said}. R is not shown to be anything."
    places: dict[str, list[str]] = {}
    for null in rows[rows["control"] != "subspace"].to_dict("records"):
        place = beside_draws(own["recovery_low"], own["recovery_high"], null["recovery_low"], null["recovery_high"])
        name = CONTROL_WORDS.get(null["control"], null["control"])
        places.setdefault(place, []).append(f"{name} ({shown(null['recovery'])} on average, {count(null['draws'])} draws)")
    beside = "; ".join(f"{place} {', '.join(names)}" for place, names in places.items())
    return f"{said}. R is {beside}." if beside else f"{said}. No control was run."


def recovery_interval(row: Any, name: str) -> str:
    return with_interval(*(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")))


def nearer_share(row: Any) -> str:
    return f"{percent(row['identified'])} {percent_span(row['identified_low'], row['identified_high'])}"
