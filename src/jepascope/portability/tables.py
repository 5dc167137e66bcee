"""The run folder's tables of portability: one row per pair of subspaces, one row per principal angle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from math import isfinite, nan

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.portability.alignment import calibrated, principal_angles, random_angles, sas, sas_chance, sas_chance_sd
from jepascope.portability.cca import canonical_readings
from jepascope.portability.refits import Refits, aligned_with_fit
from jepascope.portability.retained import EQUAL_NORM
from jepascope.schema import TABLES
from jepascope.stats import RESAMPLES, Interval, holm, null_bound

PORTABILITY_COLUMNS = TABLES["portability"].written
ANGLE_COLUMNS = TABLES["angles"].written


APART = 0.5
"""SAS is far below its ceiling at less than this share of the way from chance to the ceiling."""

Pair = tuple[str, str]
"""Names of two subspaces: a (used, or carried) and b (native)."""


def sas_rows(
    subspaces: Mapping[str, Subspace],
    across: str,
    layer: int,
    ceilings: Mapping[str, Interval] | None = None,
    pairs: Iterable[Pair] | None = None,
    refits: Mapping[str, Refits] | None = None,
) -> list[dict[str, object]]:
    """SAS of pairs (by default of every two). A pair's ceiling is the lower of the two split-half ceilings (NaN where one is missing).
    ``refits``: what stands beside it, of the subspaces for which that is known (see ``sas_nulls``)."""
    rows: list[dict[str, object]] = []
    for a, b in pairs if pairs is not None else combinations(subspaces, 2):
        u, v = subspaces[a], subspaces[b]
        value, chance = sas(u.basis, v.basis), sas_chance(u.width, u.rank, v.rank)
        known = [ceilings[name].value for name in (a, b) if ceilings and name in ceilings]
        rows.append(
            {
                **_named("sas", across, a, b, layer, u, v),
                "value": value,
                "n": 0,
                "chance": chance,
                "chance_sd": sas_chance_sd(u.width, u.rank, v.rank),
                "calibrated": calibrated(value, chance),
                "ceiling": (ceiling := min(known) if len(known) == 2 else nan),
                **sas_nulls(u.basis, v.basis, (refits or {}).get(a), (refits or {}).get(b), halfway(chance, ceiling)),
            }
        )
    return rows


def halfway(chance: float, ceiling: float) -> float:
    """The SAS below which two subspaces lie far apart: half of the way from chance to the split-half ceiling."""
    return chance + APART * (ceiling - chance)


def sas_nulls(
    a: Float[Tensor, "width rank_a"], b: Float[Tensor, "width rank_b"], of_a: Refits | None, of_b: Refits | None, far: float
) -> dict[str, float]:
    """What gives as much SAS with b for nothing: a's finder on permuted labels of a's clips (mean, and what one more draw exceeds in 5 % of
    cases), and PCA of a's clips; the intervals of SAS, and of SAS less PCA's, that a new fit of both belongs to; and the one-sided p that
    SAS does not lie below ``far``."""
    if of_a is None:
        return {}
    drawn = np.array([sas(basis, b) for basis in of_a.permuted])
    columns = {"null_pca": sas(of_a.pca, b)}
    if len(drawn):
        columns |= {"null_shuffled": float(drawn.mean()), "null_shuffled_high": null_bound(drawn)}
    own = None if of_b is None else aligned_with_fit(a, b, of_a, of_b)
    less = None if of_b is None else aligned_with_fit(a, b, of_a, of_b, of_a.pca)
    if own is not None and less is not None:
        fit, pca = own.interval(bounds=(0.0, 1.0)), less.interval(bounds=(-1.0, 1.0))
        columns |= {"fit_low": fit.low, "fit_high": fit.high, "pca_low": pca.low, "pca_high": pca.high}
        columns |= {"p": own.p_below(far)} if isfinite(far) else {}
    return columns


def readings_rows(
    subspaces: Mapping[str, Subspace],
    across: str,
    layer: int,
    fit: Float[Tensor, "fit width"],
    test: Float[Tensor, "test width"],
    pairs: Iterable[Pair] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    scenes_test: Int[Tensor, " test"] | None = None,
) -> list[dict[str, object]]:
    """How far two subspaces read the same numbers (``canonical_readings``) off pooled activations: axes from ``fit``, scored on
    ``test``, whose scenes are resampled where some have several clips."""
    scenes = None if scenes_test is None else scenes_test.numpy()
    rows: list[dict[str, object]] = []
    for a, b in pairs if pairs is not None else combinations(subspaces, 2):
        u, v = subspaces[a], subspaces[b]
        fit_a, fit_b, test_a, test_b = (x @ side.basis for x in (fit, test) for side in (u, v))
        similarity = canonical_readings(fit_a, fit_b, test_a, test_b, seed=seed, resamples=resamples, scenes_test=scenes).similarity
        stated = {name: getattr(similarity, name) for name in ("value", "low", "high", "n", "chance")}
        rows.append({**_named("readings", across, a, b, layer, u, v), **stated})
    return rows


def _named(metric: str, across: str, a: str, b: str, layer: int, u: Subspace, v: Subspace) -> dict[str, object]:
    return {"metric": metric, "across": across, "a": a, "b": b, "layer": layer, "edit": "", "rank": min(u.rank, v.rank)}


def angle_rows(subspaces: Mapping[str, Subspace], across: str, layer: int, pairs: Iterable[Pair] | None = None) -> list[dict[str, object]]:
    """Principal angles of pairs (by default of every two) beside the law of those of random subspaces of the same ranks."""
    rows: list[dict[str, object]] = []
    for a, b in pairs if pairs is not None else combinations(subspaces, 2):
        u, v = subspaces[a], subspaces[b]
        reference = random_angles(u.width, u.rank, v.rank)
        for i, degrees in enumerate(principal_angles(u.basis, v.basis)):
            random = {f"random_{name}": float(getattr(reference, name)[i]) for name in ("mean", "low", "high")}
            rows.append({"a": a, "b": b, "across": across, "layer": layer, "index": i, "degrees": float(degrees), **random})
    return rows


def portability_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows of ``sas_rows``, ``readings_rows`` and ``rce_rows`` as the table of the run folder."""
    table = pd.DataFrame(rows, columns=PORTABILITY_COLUMNS)
    table = table.assign(saturated=table["saturated"].eq(True))  # of RCE alone
    return with_dissociation(table)


def with_dissociation(table: pd.DataFrame) -> pd.DataFrame:
    """``p_holm`` of every transfer at equal token norm, corrected for all that the table looks at (Holm), and their number: the p that the
    effect is not kept there, or that SAS does not lie far below its ceiling (where the fit of both is known). What could not be tested
    counts as looked at."""
    norm = table["metric"] == EQUAL_NORM
    if not norm.any():
        return table
    far = {frozenset((row["across"], row["a"], row["b"])): row["p"] for row in table[table["metric"] == "sas"].to_dict("records")}
    looked_at = table[norm].to_dict("records")
    p = [
        np.nanmax([row["p"], far.get(frozenset((row["across"], row["a"], row["b"])), nan)]) if isfinite(row["p"]) else 1.0
        for row in looked_at
    ]
    out = table.assign(p_holm=nan, looked_at=nan)
    out.loc[norm, "p_holm"], out.loc[norm, "looked_at"] = holm(p), float(len(p))
    return out


def angle_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows of ``angle_rows`` as the table of the run folder."""
    return pd.DataFrame(rows, columns=ANGLE_COLUMNS)
