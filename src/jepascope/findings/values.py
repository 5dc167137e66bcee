"""Words: how the value itself is read, an angle or a number."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.circle import Error, HeldArcs, circle_words
from jepascope.findings.numbers import finite, shown, span, with_interval

HELD = ("clips", "arcs")
ERROR = ("error", "low", "high")
R2 = ("r2", "r2_low", "r2_high")


def measures_of(circular: bool) -> tuple[tuple[str, str, str], ...]:
    """The columns of a value's measures with their intervals, the telling one first: error alone for angles, R^2 and error for numbers."""
    return (ERROR,) if circular else (R2, ERROR)


def value_words(values: pd.DataFrame, layer: int, tokens: str, output: str) -> str:
    """What the value probes of one output say at one layer."""
    at = values[(values["encoder"] == "model") & (values["layer"] == layer) & (values["tokens"] == tokens)]
    clips, arcs = (at[at["held_out"] == kind] for kind in HELD)
    where = f"At layer {layer} ({tokens} tokens)"
    if clips.empty:
        return f"{where} {output} was not read from held-out clips."
    row = clips.iloc[0]
    error = _error(row, ERROR)
    if row["probe"] == "circular":
        held = None if arcs.empty else _held_arcs(arcs.iloc[0])
        return f"{where}, {output}: {circle_words(error, held, float(row['chance']))}"
    low, high = float(row["r2_low"]), float(row["r2_high"])
    # each measure has its own best constant, so that neither alone says that a constant would do better
    worse = high < 0 and error.beside(float(row["chance"])) == "worse"
    if not (finite(low) and finite(high)):
        text = f"{where}, {output}: R² {shown(row['r2'])}, without an interval"
    elif low > 0:
        text = f"{where} a linear reader reads {output}: R² {with_interval(row['r2'], low, high)}"
    else:
        word = "is worse at" if worse else "is not told apart from the best constant guess at"
        text = f"{where} a linear reader {word} {output}{' than the best constant guess' if worse else ''}: R² "
        text += with_interval(row["r2"], low, high)
    size = with_interval(error.value, error.low, error.high) + (f" {row['unit']}" if row["unit"] else "")
    return f"{text}, mean absolute error {size} where the best constant guess has {shown(row['chance'])}{_over_untrained(values, row)}."


def _error(row: pd.Series[float], names: tuple[str, str, str]) -> Error:
    return Error(*(float(row[name]) for name in names))


def _held_arcs(row: pd.Series[float]) -> HeldArcs:
    return HeldArcs(_error(row, ERROR), _error(row, ("gap", "gap_low", "gap_high")), float(row["floor"]), float(row["p_order"]))


def _over_untrained(values: pd.DataFrame, row: pd.Series[float]) -> str:
    """Beside every twin's own interval, not its bare value."""
    same = (values["layer"] == row["layer"]) & (values["tokens"] == row["tokens"]) & (values["held_out"] == "clips")
    fresh = values[same & (values["encoder"] == "untrained")].dropna(subset=list(R2))
    if fresh.empty or not finite(float(row["r2_low"])):
        return ""
    least, most = float(fresh["r2_low"].min()), float(fresh["r2_high"].max())
    word = "more than" if row["r2_low"] > most else "less than" if row["r2_high"] < least else "not told apart from"
    if len(fresh) == 1:
        twin = f"the one untrained twin of the same architecture reads (R² {with_interval(*(fresh.iloc[0][name] for name in R2))})"
        return f"; {word} {twin}"
    values_of = f"{shown(fresh['r2'].min())} to {shown(fresh['r2'].max())} over {len(fresh)} seed{'' if len(fresh) == 1 else 's'}"
    return (
        f"; {word} untrained twins of the same architecture read (R² {values_of} on the same clips, their intervals within "
        f"{span(least, most)})"
    )
