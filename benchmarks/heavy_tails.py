"""Scenes of ten times the margin: how often intervals of effects hold the true value, and how often a warning is printed.

Synthetic studies as in benchmarks/coverage.py (errors of scenes grow with their margins, t with 5 degrees of freedom), no network. Margins:
"tenth": log-normal, a tenth of the scenes at ten times (2 of 16, 4 of 40, 8 of 80); "tenth, other effect": these lose 0.2 where the others
lose 0.8; "by chance": each scene with a probability of a tenth, so that in 18 % of studies of 16 scenes there is none to be seen.
Benign: "log-normal" (deviation 0.5), "even" (0.2 to 1.8), "normal" (1, deviation 0.5). "exponential" lies between.

    python benchmarks/heavy_tails.py --studies 2000
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import pandas as pd

from jepascope.stats import causal_effect_ratio, heavy_tailed, proportion, ratio_of_means

SIZES = (16, 40, 80)
TIMES, TENTH = 10.0, 0.1
HEAVY = ("tenth", "tenth, other effect", "by chance")
BENIGN = ("log-normal", "even", "normal")
KINDS = (*HEAVY, *BENIGN, "exponential")
CONTROL, DRAWS = 0.05, 20


def margins(kind: str, scenes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Margins, and which scenes are of ten times the margin."""
    large = np.zeros(scenes, dtype=bool)
    if kind in ("tenth", "tenth, other effect"):
        large[rng.permutation(scenes)[: max(1, round(TENTH * scenes))]] = True
    elif kind == "by chance":
        large = rng.random(scenes) < TENTH
    if kind == "even":
        return rng.uniform(0.2, 1.8, scenes), large
    if kind == "normal":
        return rng.normal(1.0, 0.5, scenes), large
    if kind == "exponential":
        return rng.exponential(1.0, scenes), large
    return np.where(large, TIMES, 1.0) * rng.lognormal(-0.125, 0.5, scenes), large


def study(kind: str, scenes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Numerators, margins, the control's numerators and the true effect."""
    below, large = margins(kind, scenes, rng)
    effects = np.where(large, 0.2, 0.8) if kind == "tenth, other effect" else np.full(scenes, 0.5)
    many = round(TENTH * scenes) * TIMES
    true = (0.2 * many + 0.8 * (scenes - many / TIMES)) / (many + scenes - many / TIMES) if kind == "tenth, other effect" else 0.5
    own = below * (effects + 0.3 * rng.standard_t(5, scenes))
    drawn = rng.gamma(2.0, CONTROL / 2, DRAWS)
    return own, below, below * drawn[:, None] * (1 + 0.3 * rng.standard_normal((DRAWS, scenes))), true


def tally(kind: str, scenes: int, studies: int, seed: int = 0, controlled: bool = True) -> pd.DataFrame:
    """One row a study: whether the effect's and the difference's interval hold the true value, their width, and whether it warns."""
    rows = []
    for number in range(studies):
        rng = np.random.default_rng([0x7A11, seed, number])
        own, below, drawn, true = study(kind, scenes, rng)
        found = {"effect": (ratio_of_means(own, below, rng, 1000), true)}
        if controlled:
            found["difference"] = (causal_effect_ratio(own, below, drawn, rng, 1000).difference, true - CONTROL)
        held = {name: interval.low <= value <= interval.high for name, (interval, value) in found.items()}
        width = found["effect"][0].high - found["effect"][0].low
        rows.append({**held, "width": width, "warned": heavy_tailed(below)})
    return pd.DataFrame(rows)


def summed(table: pd.DataFrame) -> dict[str, float]:
    """Shares of studies with Wilson's intervals, and the median width."""
    shares = {name: proportion(int(table[name].sum()), len(table)) for name in table if name != "width"}
    told = {key: value for name, share in shares.items() for key, value in share.columns(name).items()}
    return {**told, "width": float(table["width"].median())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000, help="of each kind and number of scenes")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    start = time.process_time()
    found = {}
    for kind in KINDS:
        for scenes in SIZES:
            found[f"{kind}, n = {scenes}"] = summed(tally(kind, scenes, chosen.studies, chosen.seed))
    print(pd.DataFrame(found).T[["effect", "difference", "warned", "width"]].round(3).to_string())
    print(json.dumps({"studies": chosen.studies, "seed": chosen.seed, "seconds": round(time.process_time() - start, 1), "found": found}))


if __name__ == "__main__":
    main()
