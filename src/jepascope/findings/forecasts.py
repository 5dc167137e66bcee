"""Words: what the encoder's own predictor forecasts, unedited, from the twin, and after an edit."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.effect import COIN
from jepascope.findings.names import control_name, edit_name
from jepascope.findings.numbers import count, finite, interval_of, interval_words, share_words, shown
from jepascope.findings.verdict import beside_draws
from jepascope.stats import side


def natural_words(references: pd.DataFrame) -> str:
    """What the predictor can tell at all, before anything is edited."""
    by: dict[str, dict[Any, Any]] = {str(row["control"]): row for row in references.to_dict("records")}
    natural = by.get("natural")
    if natural is None or not finite(natural["recovery"]):
        return "The forecast from the twin's own beginning was not measured, so recoveries below have no natural reference."
    seen = count(natural["context"])
    text = (
        f"Natural reference: from the twin's own first {'tubelet' if seen == '1' else f'{seen} tubelets'} the predictor recovers R = "
        f"{interval_words(natural, 'recovery')} of the difference of the two futures, and {nearer_share(natural)} of its forecasts are "
        f"nearer to the twin's future (n = {count(natural['n'])})"
    )
    none, last = by.get("none"), by.get("persistence")
    text += f"; from the clip's own beginning {nearer_share(none)}" if none else ""
    text += f"; repeating the twin's last latents: R = {interval_words(last, 'recovery')}, {nearer_share(last)}" if last else ""
    low, high = float(natural["identified_low"]), float(natural["identified_high"])
    if not finite(low):
        return f"{text}."
    if low > COIN:
        more = last is None or natural["recovery_low"] > last["recovery_high"]
        rest = "" if more else ", though not shown to forecast more than the last latents hold already"
        return f"{text}. It tells the two futures apart, so it can judge{rest}."
    word = "worse than" if high < COIN else "not told apart from"
    return f"{text}. That is {word} a coin: this predictor cannot tell the two futures apart, and what it says of edits is worth little."


def recovery_words(rows: pd.DataFrame, finder: str, edit: str) -> str:
    """One finder's edit: recovery, identification, and where the recovery lies beside each control's draws."""
    edited, what = rows[rows["control"] == "subspace"], f"{edit_name(edit).capitalize()}, {finder}"
    if edited.empty or not finite(edited.iloc[0]["recovery"]):
        return f"{what}: no forecast was measured."
    own = edited.iloc[0]
    future = "its own" if edit == "ablate" else "the twin's"
    text = f"{what}: R = {interval_words(own, 'recovery')}, {nearer_share(own)} of forecasts nearer to {future} future"
    if finite(float(own["angle_error"])):
        text += f", decoded angle off by {interval_words(own, 'angle_error')} degrees"
    if side(float(own["recovery_low"]), float(own["recovery_high"])) == "across":
        return f"{text}. R is not shown to be anything."
    places: dict[str, list[str]] = {}
    for null in rows[rows["control"] != "subspace"].to_dict("records"):
        place = beside_draws(own["recovery_low"], own["recovery_high"], null["recovery_low"], null["recovery_high"])
        places.setdefault(place, []).append(
            f"{control_name(null['control'])} ({shown(null['recovery'])} on average, {count(null['draws'])} draws)"
        )
    beside = "; ".join(f"{place} {', '.join(names)}" for place, names in places.items())
    return f"{text}. R is {beside}." if beside else f"{text}. No control was run."


def nearer_share(row: Any) -> str:
    return share_words(*interval_of(row, "identified"))
