"""The rank of a study: asked for, or the number of directions in which class means differ more than by chance -> dimensions.parquet."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from jepascope.discovery.dimensions import dimensions, rank_chosen
from jepascope.schema import TABLES
from jepascope.study.captures import Captures
from jepascope.study.folder import Run
from jepascope.study.given import given_in

TABLE = "dimensions"


def run_dimensions(captures: Captures, best: int) -> pd.DataFrame:
    """Every direction of the class means at the layer of the claims, in clips of split ``fit`` alone."""
    data, tokens = given_in(captures, best, finder="diff_means"), captures.spec.tokens
    found = enumerate(dimensions(data, seed=captures.spec.seed), start=1)
    rows = [(best, tokens, number, one.spread, one.null, one.p, len(data.y)) for number, one in found]
    return pd.DataFrame(rows, columns=TABLES[TABLE].written)


def settle_rank(captures: Captures, table: Callable[[], pd.DataFrame]) -> int | None:
    """Ask for the rank that the table says from here on, where the spec names none: one at least. A study beside another one keeps
    what that has."""
    if captures.spec.rank is None and captures.parent is None:
        captures.ask_rank(rank_chosen(table()["p"]))
    return captures.spec.rank


def take_rank(captures: Captures, run: Run) -> None:
    """Ask for the rank that a finished study had."""
    if captures.spec.rank is None and run.has(f"{TABLE}.parquet"):
        captures.ask_rank(rank_chosen(run.table(TABLE)["p"]))
