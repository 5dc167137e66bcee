"""What a probe's accuracy is held against: control tasks, whose labels say nothing of the variable, and permuted labels.

Control task (after Hewitt & Liang 2019, there for word types): every *type* of scene, a combination of a few of its other factors,
has one random class, in every split. Unlike the identity of a word, those factors are things that an encoder may well encode, so a
probe that is right there has read them, not learnt clips by heart: the control is what the same probe gets for an arbitrary
function of other factors. Accuracy on the variable less that on the control is the selectivity.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepascope.discovery.probes.folds import check_labels, exchanged
from jepascope.discovery.probes.paths import stacked
from jepascope.discovery.probes.readouts import standardise
from jepascope.discovery.solver.elastic_net import prepare
from jepascope.discovery.solver.solve import TOLERANCE, solve
from jepascope.errors import BadArgument, BadData

NOT_FACTORS = ("scene", "split", "noise_seed", "clip", "source", "file", "start", "end", "part", "labelled_by")  # of no clip's looks
RECUR = 2  # fit clips that every type has at least, and test clips that a type has on average
DEALS = 20  # random control tasks of which the most balanced is taken

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class SceneTypes:
    """The type of each clip (0, 1, ...), and the columns of the factor table whose combinations the types are."""

    index: Int[Tensor, " clips"]
    columns: tuple[str, ...]

    @property
    def count(self) -> int:
        return int(self.index.max()) + 1


def scene_types(factors: pd.DataFrame, fit: Bool[np.ndarray, " clips"], own: Collection[str], classes: int) -> SceneTypes:
    """Types of scenes from factors other than the variable's ``own`` columns, as many as recur.

    Columns are taken in the table's order, categories as they are and numbers cut at the ``fit`` clips' median, each for as long as every
    type still has 2 ``fit`` clips or more, and 2 of the rest on average. Raises BadData where that makes fewer types than classes.
    """
    index, columns = np.zeros(len(factors), dtype=np.int64), list[str]()
    for name in factors.columns:
        if name in own or name in NOT_FACTORS:
            continue
        parts = _halves_or_categories(factors[name], fit)
        finer = np.unique(np.stack([index, parts]), axis=1, return_inverse=True)[1]
        types = int(finer.max()) + 1
        if types > index.max() + 1 and np.bincount(finer[fit], minlength=types).min() >= RECUR and types * RECUR <= (~fit).sum():
            index = finer
            columns.append(str(name))
    if index.max() + 1 < classes:
        raise BadData(
            f"A control task for {classes} classes needs as many types of scenes that recur in fit and in test, and the clips' other "
            f"factors make {index.max() + 1}; add clips or columns of other factors, or leave selectivity out."
        )
    return SceneTypes(torch.tensor(index), tuple(columns))


def control_labels(types: SceneTypes, classes: int, seed: int = 0) -> Int[Tensor, " clips"]:
    """A random class for every type; no class without a type.

    Types are dealt in random order, each to the class with the fewest clips so far; of some such deals the most even is taken.
    """
    if types.count < classes:
        raise BadArgument(f"{types.count} types of scenes cannot fill {classes} classes.")
    rng = np.random.default_rng(seed)
    sizes = np.bincount(types.index.numpy(), minlength=types.count)
    deals = [_deal(sizes, classes, rng) for _ in range(DEALS)]
    class_of = min(deals, key=lambda deal: np.bincount(deal, weights=sizes, minlength=classes).std())
    return torch.from_numpy(class_of)[types.index]


def _deal(sizes: Int[np.ndarray, " types"], classes: int, rng: np.random.Generator) -> Int[np.ndarray, " types"]:
    filled, class_of = np.zeros(classes), np.zeros(len(sizes), dtype=np.int64)
    for kind in rng.permutation(len(sizes)):
        # less than one clip: it only decides ties
        class_of[kind] = (filled + rng.uniform(0, 0.5, classes)).argmin()
        filled[class_of[kind]] += sizes[kind]
    return class_of


def permuted_hits(
    layers: Mapping[Key, Float[Tensor, "clips _"]],
    y: Int[Tensor, " clips"],
    held: Mapping[Key, Float[Tensor, "held _"]],
    held_y: Int[Tensor, " held"],
    strengths: Mapping[Key, float],
    draws: int = 20,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    groups: Int[Tensor, " clips"] | None = None,
) -> dict[Key, Int[Tensor, " draws"]]:
    """How many ``held`` (test) clips dense probes get right whose labels were permuted: the null of the accuracy.

    Each at the L2 strength that the true labels chose (``strengths``, by layer); permutations are the same in every layer.
    With ``groups`` (scenes) whole scenes are exchanged where each shows one class.
    """
    if draws < 1:
        raise BadArgument(f"A permutation null needs at least 1 draw, not {draws}.")
    classes = check_labels(y)
    generator = torch.Generator().manual_seed(seed)
    permuted = torch.stack([exchanged(y, groups, generator) for _ in range(draws)])
    hits: dict[Key, Tensor] = {}
    for keys, raw in stacked(layers, len(y), torch.float64):
        x, mean, scale = standardise(raw)
        batch = prepare(x, permuted[None], torch.ones(1, 1, len(y)), classes, principal=True)
        l2 = torch.tensor([[strengths[key]] for key in keys])
        fits = solve(batch, 0.0, l2, tolerance=tolerance)
        for i, key in enumerate(keys):
            z = (held[key].double() - mean[i].double()) / scale[i].double()
            logits = z.float() @ fits.weights[i].mT + fits.bias[i][:, None]
            hits[key] = (logits.argmax(dim=2) == held_y).sum(dim=1)
    return {key: hits[key] for key in layers}


def _halves_or_categories(column: pd.Series, fit: Bool[np.ndarray, " clips"]) -> Int[np.ndarray, " clips"]:
    """A number: above the fit clips' median or not. Anything else: its categories. What is unknown (NaN) is a category of its own."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        halves = (column > column[fit].median()).to_numpy(np.int64)
        return np.where(column.isna().to_numpy(), 2, halves)
    return np.asarray(pd.factorize(column.astype(str), sort=True)[0], dtype=np.int64)
