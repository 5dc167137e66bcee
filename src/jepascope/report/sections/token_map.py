"""Section of stage one: which tokens tell the variable when read alone."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.numbers import Cell, count, count_range, exact, finite
from jepascope.findings.selection import claim_layer
from jepascope.findings.tokens import bar_of, level_words, null_words, quantity_words, token_interval, token_words
from jepascope.report.blocks import Block, Figure, Finding, Grid, section
from jepascope.report.charts.token_map import token_map
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, declared, grid, words

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
        f"Layer {layer}: {quantity_words(at)} of a reader of each token alone, by its place; one map a time step t, in brackets the tokens "
        f"that count. n = {count_range(at['n'])} test clips. Control: the max-null, {null_words(at)}. A token counts above both the "
        f"max-null and {level_words(at)}; hatched cells do not. The null covers the {len(at)} tokens of this variable; several variables "
        "are not corrected for each other. Intervals of the best tokens below, of all in token_map.parquet."
    )
    return [Finding(token_words(at, layer, run.variable)), Figure(token_map(at, layer), caption), _grid(run, at)]


def _grid(run: RunFolder, at: pd.DataFrame) -> Grid:
    best = at.sort_values("accuracy", ascending=False, kind="stable", na_position="last").head(BEST)
    bar = bar_of(at)
    columns = (
        words("token", lambda row: count(row["token"])),
        *declared("token_map", "t row column"),
        Column(quantity_words(at), lambda row: Cell(token_interval(at, row), exact(row["accuracy"]))),
        Column("counts", lambda row: "yes" if row["accuracy"] > bar else "no" if finite(bar) else "not known"),
    )
    caption = f"The {len(best)} tokens that tell most. Brackets: {run.confidence}, for a token chosen beforehand, which these are not."
    return grid(best, columns, caption)
