"""The run folder's tables of portability: one row per pair of subspaces, one row per principal angle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from math import nan

import pandas as pd
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.portability.alignment import calibrated, principal_angles, random_angles, sas, sas_chance, sas_chance_sd
from jepascope.portability.cca import canonical_readings
from jepascope.schema import TABLES
from jepascope.stats import RESAMPLES, Interval

PORTABILITY_COLUMNS = TABLES["portability"].written
ANGLE_COLUMNS = TABLES["angles"].written


Pair = tuple[str, str]
"""Names of two subspaces: a (used, or carried) and b (native)."""


def sas_rows(
    subspaces: Mapping[str, Subspace],
    across: str,
    layer: int,
    ceilings: Mapping[str, Interval] | None = None,
    pairs: Iterable[Pair] | None = None,
) -> list[dict[str, object]]:
    """SAS of pairs (by default of every two). A pair's ceiling is the lower of the two split-half ceilings (NaN where one is missing)."""
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
                "ceiling": min(known) if len(known) == 2 else nan,
            }
        )
    return rows


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
    return table.assign(saturated=table["saturated"].eq(True))  # of RCE alone


def angle_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows of ``angle_rows`` as the table of the run folder."""
    return pd.DataFrame(rows, columns=ANGLE_COLUMNS)
