"""Section of stage one: which tokens tell the variable when read alone."""

from __future__ import annotations

from math import ceil, nan
from typing import Any

import pandas as pd

from jepascope.findings.numbers import Cell, count, count_range, finite, percent, percent_span, shown, with_interval
from jepascope.findings.selection import claim_layer
from jepascope.report.blocks import Block, Figure, Finding, Grid
from jepascope.report.charts.token_map import bar_of, token_map
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, counted, exact, grid, words
from jepascope.report.sections.declared import section
from jepascope.stats import LEVEL

MOST_SIDE, MOST_TIMES = 64, 64  # a map beyond this is no map of tokens: nothing is drawn
BEST = 5  # tokens listed


@section("tokens", "Where in the clip: the token map", needs=("token_map",), absent="no token map (stage discover)")
def token_section(run: RunFolder, table: pd.DataFrame) -> list[Block] | str:
    """Every token position with a reader of its own, held against what the best of all tokens reaches by chance."""
    placed = table[table["layer"].notna()].dropna(subset=["t", "row", "column"])
    if placed.empty:
        return []
    layer = claim_layer(run, placed)
    at = placed[placed["layer"] == layer].drop_duplicates(["t", "row", "column"])
    places = at[["t", "row", "column"]]
    if (places < 0).any(axis=None) or (places[["row", "column"]] >= MOST_SIDE).any(axis=None) or at["t"].nunique() > MOST_TIMES:
        return f"the places in token_map.parquet are not those of tokens (0 to {MOST_SIDE - 1})"
    caption = (
        f"Layer {layer}: {_quantity(at)} of a reader of each token alone, by its place; one map a time step t, in brackets the tokens "
        f"that count. n = {count_range(at['n'])} test clips. Control: the max-null, {null_words(at)}. A token counts above both the "
        f"max-null and {_level(at)}; hatched cells do not. The null covers the {len(at)} tokens of this variable; several variables are "
        "not corrected for each other. Intervals of the best tokens below, of all in token_map.parquet."
    )
    return [Finding(token_words(at, layer, run.variable)), Figure(token_map(at, layer), caption), _grid(run, at)]


def _is_share(at: pd.DataFrame) -> bool:
    return bool(at["metric"].iloc[0] == "accuracy")


def _quantity(at: pd.DataFrame) -> str:
    return "accuracy" if _is_share(at) else "R² on test clips"


def _level(at: pd.DataFrame) -> str:
    return "chance" if _is_share(at) else "the best constant guess"


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
    say = percent if _is_share(at) else shown
    null, bar = float(at["null"].max()), bar_of(at)
    if not at["accuracy"].notna().any():
        return f"At layer {layer} no token was scored."
    best = at.iloc[int(at["accuracy"].argmax())]
    level = "chance" if _is_share(at) else "best constant guess"
    crosses = f", so its interval crosses {'chance' if _is_share(at) else '0'}" if best["low"] <= best["chance"] <= best["high"] else ""
    place = (
        f"t = {count(best['t'])}, row {count(best['row'])}, column {count(best['column'])}, with {_with_interval(at, best)} "
        f"({level} {say(best['chance'])}){crosses}"
    )
    if not finite(null):
        return (
            f"At layer {layer} the token that tells most about {variable} alone is {place}. No null was drawn, so none of this is judged."
        )
    above = at[at["accuracy"] > bar]
    under = f"the best of all does under permuted labels ({say(null)}{_drawn(at)})"
    if null < bar:
        under = f"{_level(at)} ({say(bar)}, which the best of all does not reach under permuted labels: {say(null)}{_drawn(at)})"
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


def _with_interval(at: pd.DataFrame, row: Any) -> str:
    if _is_share(at):
        return f"{percent(row['accuracy'])} {percent_span(row['low'], row['high'])}"
    return with_interval(row["accuracy"], row["low"], row["high"])


def _grid(run: RunFolder, at: pd.DataFrame) -> Grid:
    best = at.sort_values("accuracy", ascending=False, kind="stable", na_position="last").head(BEST)
    bar = bar_of(at)
    columns = (
        words("token", made=lambda row: count(row["token"])),
        *(counted(name, name) for name in ("t", "row", "column")),
        Column(_quantity(at), lambda row: Cell(_with_interval(at, row), exact(row["accuracy"]))),
        Column("counts", lambda row: "yes" if row["accuracy"] > bar else "no" if finite(bar) else "not known"),
    )
    caption = f"The {len(best)} tokens that tell most. Brackets: {run.confidence}, for a token chosen beforehand, which these are not."
    return grid(best, columns, caption)
