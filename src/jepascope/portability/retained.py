"""Retained causal effect: what share of the native subspace's effect a transferred one has, dose by dose, above its floors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import nan

import numpy as np
import pandas as pd
from jaxtyping import Float

from jepascope.errors import BadData
from jepascope.stats import RESAMPLES, Interval, ratio_of_means

SATURATED = 0.95  # where either effect reaches this, their ratio says little about the subspaces
FLOORS = ("random", "variance")


def rce(
    transferred: Float[np.ndarray, " scenes"], native: Float[np.ndarray, " scenes"], seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """CE(transferred) / CE(native) on the same scenes and read-out, with its bootstrap interval over scenes.

    The arguments are the numerators of the two effects. They share their denominators, which cancel, so that the ratio
    is that of the summed numerators. NaN where the native effect is not distinguishable from zero.
    """
    return ratio_of_means(transferred, native, np.random.default_rng(seed), resamples)


def rce_rows(
    effects: pd.DataFrame, pairs: Iterable[tuple[str, str]], across: str, seed: int = 0, resamples: int = RESAMPLES
) -> list[dict[str, object]]:
    """Rows of the portability table for pairs (native, transferred) of the effects table's ``finder`` names.

    One row for each pair, layer, edit and dose: ``a`` is used in place of ``b``, whose effect is the native one.
    ``floor_random`` and ``floor_variance`` are the RCE that controls matched to ``a`` get (to ``b`` where none were run for
    ``a``, NaN where for neither); ``saturated`` marks doses at which either effect reaches 0.95.
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
            own, denominator = _own(by_finder[native])
            carried, other = _own(by_finder[transferred])
            if not own.index.equals(carried.index) or not np.allclose(denominator, other):
                raise BadData(f"'{native}' and '{transferred}' were not judged on the same scenes; their effects cannot be compared.")
            found = rce(carried.to_numpy(), own.to_numpy(), seed, resamples)
            below = float(denominator.sum())
            largest = max(float(own.sum()), float(carried.sum())) / below
            rows.append(
                {
                    "metric": "rce",
                    "across": across,
                    "a": transferred,
                    "b": native,
                    "layer": layer,
                    "edit": edit,
                    "rank": int(by_finder[transferred]["rank"].iloc[0]),
                    "dose": dose,
                    "value": found.value,
                    "low": found.low,
                    "high": found.high,
                    "n": found.n,
                    "chance": nan,
                    "calibrated": nan,
                    "ceiling": nan,
                    **{f"floor_{name}": _floor(by_finder, (transferred, native), name, own, seed, resamples) for name in FLOORS},
                    "saturated": largest >= SATURATED,
                }
            )
    return rows


def _own(rows: pd.DataFrame) -> tuple[pd.Series[float], pd.Series[float]]:
    """Numerators and denominators of a finder's own subspace, by scene."""
    own = rows[rows["control"] == "subspace"].set_index("scene").sort_index()
    return own["numerator"], own["denominator"]


def _floor(
    by_finder: Mapping[str, pd.DataFrame], names: Sequence[str], control: str, own: pd.Series[float], seed: int, resamples: int
) -> float:
    """Mean effect of the first of the finders' controls that was run, over the native effect."""
    for name in names:
        rows = by_finder[name]
        drawn = rows[rows["control"] == control]
        if not drawn.empty:
            mean = drawn.groupby("scene")["numerator"].mean().loc[own.index].to_numpy()
            return rce(mean, own.to_numpy(), seed, resamples).value
    return nan
