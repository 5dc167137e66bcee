"""Decoy rejection: does a score tell causal subspaces from inert ones that hold the class more decodably?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.encoders.planted.encoder import PlantedEncoder
from jepascope.errors import BadArgument
from jepascope.intervention.effects import intervene
from jepascope.planted.bench import PlantedBench, accuracy_inside, planted_benches
from jepascope.stats import LEVEL, Interval, bootstrap_weights
from jepascope.study.progress import Progress, Silent

SEEDS = 10
KINDS = ("causal", "inert")
SCORES = ("ablate", "swap", "accuracy")


def candidates(bench: PlantedBench[PlantedEncoder], seed: int) -> dict[tuple[str, str], Float[Tensor, "width _"]]:
    """(kind, shape) -> basis. Causal and inert come in the same shapes: the plane, one direction of it, and it with two nuisances added."""
    rng = np.random.default_rng([0xDEC0, seed])
    nuisance = bench.encoder.frame.planes["N"].float()
    out = {}
    for kind, plane in {"causal": bench.encoder.causal, "inert": bench.encoder.inert}.items():
        turn = 2 * np.pi * rng.random()
        picked = torch.from_numpy(rng.choice(nuisance.shape[1], 2, replace=False))
        out[kind, "plane"] = plane
        out[kind, "direction"] = plane @ torch.tensor([[np.cos(turn)], [np.sin(turn)]], dtype=torch.float32)
        out[kind, "plane and two nuisances"] = torch.cat([plane, nuisance[:, picked]], dim=1)
    return out


def rejection_scores(seeds: Sequence[int], network: str = "decoy", progress: Progress | None = None) -> pd.DataFrame:
    """One row a seed and candidate: its CE by ablation and by swap, and the accuracy of a probe inside it.

    Every seed has a frame and clips of its own.
    """
    if not seeds:
        raise BadArgument("Decoy rejection needs at least one seed.")
    tick = (progress or Silent()).start("decoy rejection")
    rows: list[dict[str, object]] = []
    inside: dict[tuple[int, str, str], tuple[PlantedBench[PlantedEncoder], Float[Tensor, "width _"]]] = {}
    for done, (seed, bench) in enumerate(zip(seeds, planted_benches([(network, seed) for seed in seeds], fit=24, judge=16), strict=True)):
        bases = candidates(bench, seed)
        subspaces = {" ".join(key): Subspace(basis, bench.mean, {}) for key, basis in bases.items()}
        effects, _ = intervene(bench.encoder, bench.site, bench.scenes, subspaces, {}, [bench.judge], ("ablate", "swap"), batch=512)
        sums = effects.groupby(["finder", "edit"])[["numerator", "denominator"]].sum()
        ce = (sums["numerator"] / sums["denominator"]).to_dict()
        for kind, shape in bases:
            inside[seed, kind, shape] = (bench, bases[kind, shape])
            rows.append({"seed": seed, "kind": kind, "shape": shape, **{edit: ce[f"{kind} {shape}", edit] for edit in ("ablate", "swap")}})
        tick(done + 1, len(seeds))
    accuracy = accuracy_inside(inside)
    return pd.DataFrame(rows).assign(accuracy=[accuracy[key].value for key in inside])


def area_under_curve(scores: pd.DataFrame, score: str, seed: int = 0, resamples: int = 1000) -> Interval:
    """Area under the ROC curve of causal against inert, with its bootstrap interval over seeds (n: seeds).

    The share of pairs (causal, inert) in which the causal subspace scores higher, ties counted half (Mann & Whitney 1947; Hanley &
    McNeil 1982). 1: every causal subspace scores above every inert one; 0.5: the score does not tell; below: it prefers the inert.
    """
    seeds = sorted(scores["seed"].unique())
    parts = [[scores[(scores["seed"] == each) & (scores["kind"] == kind)][score].to_numpy() for each in seeds] for kind in KINDS]
    wins = np.array([[_wins(causal, inert) for inert in parts[1]] for causal in parts[0]])
    pairs = np.array([[len(causal) * len(inert) for inert in parts[1]] for causal in parts[0]])
    counts = bootstrap_weights(len(seeds), resamples, np.random.default_rng(seed)).astype(np.float64)
    areas = np.einsum("bi,ij,bj->b", counts, wins, counts) / np.einsum("bi,ij,bj->b", counts, pairs, counts)
    low, high = np.quantile(areas, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(wins.sum() / pairs.sum()), float(low), float(high), len(seeds))


def _wins(causal: np.ndarray, inert: np.ndarray) -> float:
    above, equal = causal[:, None] > inert, causal[:, None] == inert
    return float(above.sum() + 0.5 * equal.sum())
