"""Retained causal effect: what share of the native subspace's effect a transferred one has, dose by dose, above its floors; and the one
dose at which it is reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import nan

import numpy as np
import pandas as pd
from jaxtyping import Float

from jepascope.errors import BadData
from jepascope.intervention.control_entry import FLOORS
from jepascope.intervention.effects import units
from jepascope.stats import NOTHING, RESAMPLES, Interval, p_above_zero, ratio_of_means, scene_sums

SATURATED = 0.95  # where either effect reaches this, their ratio says little about the subspaces
KEEPS = 0.8  # RCE is near 1 where its interval does not go below this
EQUAL_NORM = "rce_norm"
"""The metric of RCE at equal token norm: every token's edit has the norm of the native one's."""
NORM_FLOORS = ("variance", "shuffled", "pca")
"""What RCE at equal token norm is held against: directions of the native variance, a's finder on permuted labels, and PCA of a's clips."""
TRANSFER = ["across", "a", "b", "layer", "rank", "edit"]
"""Columns of the portability table that tell transfers apart; each has a row a dose."""


def dose_rank(dose: float, saturated: bool, unread: bool) -> tuple[bool, bool, float]:
    """What the doses of one transfer are sorted by; RCE is reported at the largest.

    That is the largest dose at which neither effect is saturated; where all saturate the smallest, which is the least saturated (its row
    stays marked). A dose without a ratio (``unread``) comes after all that have one.
    """
    return (not unread, not saturated, -dose if saturated else dose)


def one_dose(rce: pd.DataFrame, transfer: Sequence[str] = TRANSFER, value: str = "value") -> pd.DataFrame:
    """Of rows of RCE at several doses the one that is reported of each transfer (``dose_rank``), in the order of the table.

    ``transfer``: columns that tell transfers apart; ``value``: the column of the ratio.
    """
    ranks = [
        dose_rank(float(dose), bool(saturated), bool(unread))
        for dose, saturated, unread in zip(rce["dose"], rce["saturated"], rce[value].isna(), strict=True)
    ]
    order = sorted(range(len(rce)), key=lambda row: ranks[row], reverse=True)
    return rce.iloc[order].drop_duplicates(list(transfer)).sort_index(kind="stable")


def rce(
    transferred: Float[np.ndarray, " scenes"],
    native: Float[np.ndarray, " scenes"],
    denominator: Float[np.ndarray, " scenes"],
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """CE(transferred) / CE(native) on the same scenes and read-out, with its bootstrap interval over scenes.

    ``transferred`` and ``native`` are the numerators of the two effects. They share their denominators, which cancel, so that the ratio
    is that of the summed numerators. NaN where the native effect is not shown: where its CE, of which the ratio would be a share, has
    no interval or one that is not above zero.
    """
    effect = ratio_of_means(native, denominator, np.random.default_rng(seed), resamples)
    if not effect.low > 0:
        return Interval(nan, nan, nan, effect.n)
    return ratio_of_means(transferred, native, np.random.default_rng(seed), resamples)


def rce_rows(
    effects: pd.DataFrame,
    pairs: Iterable[tuple[str, str]],
    across: str,
    seed: int = 0,
    resamples: int = RESAMPLES,
    metric: str = "rce",
    beside: Sequence[str] = FLOORS,
) -> list[dict[str, object]]:
    """Rows of the portability table for pairs (native, transferred) of the effects table's ``finder`` names.

    One row for each pair, layer, edit and dose: ``a`` is used in place of ``b``, whose effect is the native one.
    ``floor_random`` and ``floor_variance`` are the RCE that controls matched to ``a`` get on average over their draws (to ``b`` where
    none were run for ``a``, NaN where for neither), with intervals over scenes; ``excess_low`` and ``excess_high``: the interval of
    RCE less the variance floor, paired by scene; ``saturated`` marks doses at which either effect reaches 0.95. ``metric`` is what the
    rows are called and ``beside`` the floors; at equal token norm each has the p of ``kept_p``.
    """
    rows: list[dict[str, object]] = []
    wanted = list(pairs)
    for (layer, edit, dose), group in effects.groupby(["layer", "edit", "dose"], sort=False):
        by_finder = {str(name): rows for name, rows in group.groupby("finder", sort=False)}
        for native, transferred in wanted:
            for name in (native, transferred):
                if name not in by_finder:
                    raise BadData(
                        f"The effects hold no finder '{name}' at layer {layer}, edit '{edit}', dose {dose:g}; intervene on it first."
                    )
            native_own, denominator = _own(by_finder[native])
            theirs, other = _own(by_finder[transferred])
            if not native_own.index.equals(theirs.index) or not np.allclose(denominator, other):
                raise BadData(f"'{native}' and '{transferred}' were not judged on the same scenes; their effects cannot be compared.")
            drawn = {name: _mean_draw(by_finder, (transferred, native), name, native_own) for name in beside}
            scenes = native_own.index.get_level_values("scene").to_numpy()
            own, carried, shared = (scene_sums(by_clip.to_numpy(), scenes) for by_clip in (native_own, theirs, denominator))
            floors = {name: None if by_clip is None else scene_sums(by_clip, scenes) for name, by_clip in drawn.items()}
            retained = rce(carried, own, shared, seed, resamples)
            below = float(denominator.sum())
            largest = max(float(own.sum()), float(carried.sum())) / below
            p = kept_p(carried, own, floors) if metric == EQUAL_NORM and retained.low == retained.low and largest < SATURATED else nan
            rows.append(
                {
                    "metric": metric,
                    "p": p,
                    "across": across,
                    "a": transferred,
                    "b": native,
                    "layer": layer,
                    "edit": edit,
                    "rank": int(by_finder[transferred]["rank"].iloc[0]),
                    "dose": dose,
                    **retained.columns(),
                    "n": retained.n,
                    "saturated": largest >= SATURATED,
                    **_beside_floors(carried, own, shared, floors, seed, resamples),
                }
            )
    return rows


def kept_p(carried: np.ndarray, own: np.ndarray, floors: Mapping[str, np.ndarray | None]) -> float:
    """One-sided p that an effect is not kept: that RCE is not above KEEPS, or not above one of its floors.

    The largest of the p of each alone (an intersection-union test, Berger 1982: all must be rejected), paired by scene, by Student's t.
    """
    known = [drawn for drawn in floors.values() if drawn is not None]
    return max(p_above_zero(carried - KEEPS * own), *(p_above_zero(carried - drawn) for drawn in known), 0.0)


def _beside_floors(
    carried: np.ndarray, own: np.ndarray, below: np.ndarray, floors: Mapping[str, np.ndarray | None], seed: int, resamples: int
) -> dict[str, float]:
    """What matched controls keep of the native effect, and how far the transferred subspace lies above the variance-matched ones."""
    columns: dict[str, float] = {}
    for name, drawn in floors.items():
        columns |= (NOTHING if drawn is None else rce(drawn, own, below, seed, resamples)).columns(f"floor_{name}")
    variance = floors.get("variance")
    excess = NOTHING if variance is None else rce(carried - variance, own, below, seed, resamples)
    return {**columns, "excess_low": excess.low, "excess_high": excess.high}


def _own(rows: pd.DataFrame) -> tuple[pd.Series[float], pd.Series[float]]:
    """Numerators and denominators of a finder's own subspace, by scene (and clip)."""
    own = rows[rows["control"] == "subspace"].set_index(units(rows)).sort_index()
    return own["numerator"], own["denominator"]


def _mean_draw(by_finder: Mapping[str, pd.DataFrame], names: Sequence[str], control: str, own: pd.Series[float]) -> np.ndarray | None:
    """Numerators of the first of the finders' controls that was run, scene by scene, averaged over its draws."""
    for name in names:
        rows = by_finder[name]
        drawn = rows[rows["control"] == control]
        if not drawn.empty:
            return drawn.groupby(units(drawn))["numerator"].mean().loc[own.index].to_numpy()
    return None
