"""Synthetic tables of portability: alignment, retained effect, principal angles."""

from __future__ import annotations

from itertools import combinations, cycle
from typing import Any

import numpy as np
import pandas as pd
from synthetic_study import BEST, RANK, SCENES


def portability_table(finders: tuple[str, ...]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []

    def add(metric: str, across: str, a: str, b: str, dose: float, value: float, **more: Any) -> None:
        rows.append(
            {"metric": metric, "across": across, "a": a, "b": b, "layer": BEST, "rank": RANK, "dose": dose, "value": value}
            | {"low": value - 0.06, "high": value + 0.06, "n": SCENES, "chance": np.nan, "calibrated": np.nan, "ceiling": np.nan}
            | {"floor_random": np.nan, "floor_variance": np.nan, "saturated": False}
            | more
        )

    overlap = {("diff_means", "class_pca"): 0.93, ("diff_means", "l1_probe"): 0.31, ("class_pca", "l1_probe"): 0.29}
    pairs = [("finder", a, b, overlap.get((a, b), 0.4)) for a, b in combinations(finders, 2)]
    pairs += [("data seed", f"{f}/seed 0", f"{f}/seed 1", 0.88) for f in finders]
    chance = RANK / 96
    for across, a, b, sas in pairs:
        add("sas", across, a, b, np.nan, sas, chance=chance, calibrated=(sas - chance) / (1 - chance), ceiling=0.94, n=200)
        for first, second, value in ((a, b, min(1.02, sas + 0.35)), (b, a, min(1.05, sas + 0.42))):
            for dose in (0.25, 0.5, 1.0, 1.5):
                add(
                    "rce",
                    across,
                    first,
                    second,
                    dose,
                    value + 0.05 * (dose - 1),
                    floor_random=0.02 * dose,
                    floor_variance=0.5,
                    ceiling=1.0,
                    saturated=dose > 1.2,
                )
    return pd.DataFrame(rows)


def angles_table(finders: tuple[str, ...]) -> pd.DataFrame:
    rows = []
    for (a, b), tilt in zip(combinations(finders, 2), cycle((3.0, 9.0, 10.0)), strict=False):
        for index in range(RANK):
            random = 62 + 4 * index
            rows.append(
                {"a": a, "b": b, "across": "finder", "layer": BEST, "index": index, "degrees": min(tilt * (index + 1), 89.0)}
                | {"random_mean": random, "random_low": random - 6, "random_high": min(random + 6, 90)}
            )
    return pd.DataFrame(rows)
