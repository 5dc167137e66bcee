"""RCE over re-fits: what it is where both subspaces are found anew, and where a read-out trained anew reads both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from jepascope.intervention.judge_entry import MAIN
from jepascope.intervention.refits import FIT, JUDGE, LEFT_OUT, SUBSPACE
from jepascope.stats import FEWEST_GROUPS, NOTHING, Interval, Refitted, of_the_encoder

BESIDE = ["finder", "edit", "dose", "part"]
SEED = "data seed"  # what a transfer is across whose two subspaces are of one finder, in clips of different seeds


@dataclass(frozen=True)
class EffectsAnew:
    """CE of subspaces found anew, and of the study's own read anew, by (finder, edit, dose, split that was another one), fit by fit."""

    values: Mapping[tuple[object, ...], Float[np.ndarray, " fits"]]
    left_out: bool

    @classmethod
    def of(cls, fits: pd.DataFrame) -> EffectsAnew:
        """Of the table ``fits``, as the judge of claims reads them."""
        own = fits[(fits["control"] == SUBSPACE) & (fits["judge"] == MAIN)].sort_values("fit", kind="stable")
        found = {key: rows["value"].to_numpy() for key, rows in own.groupby(BESIDE)}
        return cls(found, left_out=bool(len(own)) and bool((own["how"] == LEFT_OUT).all()))

    def rce(self, used: str, native: str, edit: str, dose: float) -> list[Refitted]:
        """RCE of one finder's subspace in place of another's, both found in the same clips, and both read by the same read-out anew; of a
        finder in place of itself: each fit beside the next, which has other clips (what a read-out changes of both cancels). Nothing where
        one of the two was not found anew, or too seldom to know a spread."""
        made = []
        for part in (FIT,) if used == native else (FIT, JUDGE):
            ours, theirs = (self.values.get((finder, edit, dose, part)) for finder in (native, used))
            if ours is None or theirs is None or not FEWEST_GROUPS <= len(ours) == len(theirs):
                return []
            kept = np.roll(theirs, -1) if used == native else theirs
            # no share of an effect that is not there
            made.append(Refitted(np.divide(kept, ours, out=np.full(len(ours), np.nan), where=ours > 0), self.left_out))
        return made


def over_fits(rows: Iterable[Mapping[str, Any]], fits: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of RCE (``retained.rce_rows``), with intervals of RCE, and of what lies beyond the variance floor, that are said of the encoder;
    those of these two subspaces stand beside (``one_low``, ``one_high``). Without a ratio where the native effect of a re-fit is not above
    zero. Rows of which nothing was found anew stay as they are."""
    anew = EffectsAnew.of(fits)
    return [dict(row) | _wider(row, anew) for row in rows]


def _wider(row: Mapping[str, Any], anew: EffectsAnew) -> dict[str, float]:
    used = row["b"] if row["across"] == SEED else row["a"]
    refitted = anew.rce(used, row["b"], row["edit"], row["dose"]) if isfinite(row["low"]) else []
    if not refitted:
        return {}
    one = Interval(row["value"], row["low"], row["high"], row["n"])
    beyond = Interval(row["value"] - row["floor_variance"], row["excess_low"], row["excess_high"], row["n"])
    stated = one if all(np.isfinite(each.again).all() for each in refitted) else NOTHING
    wider = of_the_encoder(beyond, refitted)
    ends = {"one_low": one.low, "one_high": one.high, "excess_low": wider.low, "excess_high": wider.high}
    return of_the_encoder(stated, refitted).columns() | ends
