"""Words: which tokens tell the variable when read alone."""

from __future__ import annotations

from math import ceil, nan
from typing import Any

import numpy as np
import pandas as pd

from jepascope.findings.numbers import count, finite, percent, percent_span, shown, with_interval
from jepascope.stats import LEVEL


def bar_of(tokens: pd.DataFrame) -> float:
    """What a token has to exceed: chance, and ``null``, what the best token reaches under permuted labels; NaN where no null was drawn.

    Where every reader is worse than a constant guess under permuted labels, the null lies below chance and chance is the bar.
    """
    return float(max(tokens["null"].max(), tokens["chance"].mean())) if tokens["null"].notna().any() else np.nan


def is_share(at: pd.DataFrame) -> bool:
    return bool(at["metric"].iloc[0] == "accuracy")


def quantity_words(at: pd.DataFrame) -> str:
    return "accuracy" if is_share(at) else "R² on test clips"


def level_words(at: pd.DataFrame) -> str:
    return "chance" if is_share(at) else "the best constant guess"


def null_words(at: pd.DataFrame) -> str:
    """Which of the draws of permuted labels the null is, and how often one more draw exceeds it (``stats.null_bound``)."""
    draws = float(at["draws"].max()) if "draws" in at else nan
    if not finite(at["null"].max()):
        return "not drawn"
    if not finite(draws):
        return "a bound on the best of all tokens under permuted labels, which a further draw exceeds in at most 5 % of cases"
    rank = ceil(LEVEL * (draws + 1) - 1e-9)
    which = f"the largest of {draws:.0f} draws" if rank == draws else f"the value at rank {rank} of {draws:.0f} draws"
    return f"{which} of the best of all tokens under permuted labels; a further draw exceeds it in at most {_odds(draws, rank)}"


def _odds(draws: float, rank: int) -> str:
    return f"{draws + 1 - rank:.0f} of {draws + 1:.0f}"


def token_words(at: pd.DataFrame, layer: int, variable: str) -> str:
    """How many tokens exceed the null, and where the best one lies."""
    say = percent if is_share(at) else shown
    null, bar = float(at["null"].max()), bar_of(at)
    if not at["accuracy"].notna().any():
        return f"At layer {layer} no token was scored."
    best = at.iloc[int(at["accuracy"].argmax())]
    level = "chance" if is_share(at) else "best constant guess"
    crosses = f", so its interval crosses {'chance' if is_share(at) else '0'}" if best["low"] <= best["chance"] <= best["high"] else ""
    place = (
        f"t = {count(best['t'])}, row {count(best['row'])}, column {count(best['column'])}, with {token_interval(at, best)} "
        f"({level} {say(best['chance'])}){crosses}"
    )
    if not finite(null):
        return (
            f"At layer {layer} the token that tells most about {variable} alone is {place}. No null was drawn, so none of this is judged."
        )
    above = at[at["accuracy"] > bar]
    under = f"the best of all does under permuted labels ({say(null)}{_drawn(at)})"
    if null < bar:
        under = f"{level_words(at)} ({say(bar)}, which the best of all does not reach under permuted labels: {say(null)}{_drawn(at)})"
    if above.empty:
        return f"At layer {layer} none of {len(at)} tokens alone tells {variable} better than {under}; the highest is {place}."
    by = above.groupby("t").size()
    often = ", ".join(count(t) for t in by[by == by.max()].index[:4])
    return (
        f"At layer {layer}, {len(above)} of {len(at)} tokens ({percent(len(above) / len(at))}) tell {variable} alone better than {under}. "
        f"The best is {place}. Most of them lie at t = {often} ({int(by.max())} tokens), "
        f"in {_places(above)} of {_places(at)} places of the frame."
    )


def _drawn(at: pd.DataFrame) -> str:
    draws = float(at["draws"].max()) if "draws" in at else nan
    return f"; {draws:.0f} draws" if finite(draws) else ""


def _places(at: pd.DataFrame) -> int:
    return len(at[["row", "column"]].drop_duplicates())


def token_interval(at: pd.DataFrame, row: Any) -> str:
    if is_share(at):
        return f"{percent(row['accuracy'])} {percent_span(row['low'], row['high'])}"
    return with_interval(row["accuracy"], row["low"], row["high"])
