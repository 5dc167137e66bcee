"""Linear CKA without the bias of few clips, for every pair of layers of two encoders at once.

CKA of Gram matrices K and L is HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) (Kornblith et al. 2019). The usual, biased HSIC makes it large
for unrelated wide activations of few clips (0.74 at 400 clips); here HSIC is Song et al.'s (2012) unbiased estimator, as in Nguyen,
Raghu & Kornblith (2021): about 0 for unrelated ones, negative by chance, at most 1. The estimator is the mean off-diagonal product of
two U-centred matrices (Szekely & Rizzo 2014), so that each layer is centred once and a pair of layers is one inner product.

All of it works on clips x clips: a Gram matrix is made once a layer, and intervals and shuffled pairs, which need its entries, then cost
nothing that grows with the width.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from scipy.special import stdtrit
from torch import Tensor

from jepascope.errors import BadArgument
from jepascope.portability.similarity import SHUFFLES, Similarity, check_pairs, pair_shuffles
from jepascope.stats import LEVEL, Interval

A = TypeVar("A", bound=Hashable)
B = TypeVar("B", bound=Hashable)

NEAREST = 1 - 1e-12  # to 1, where Fisher's z is infinite


def cka_grid(
    x: Mapping[A, Float[Tensor, "clips _"]],
    y: Mapping[B, Float[Tensor, "clips_y _"]],
    classes: Int[Tensor, " clips"] | None = None,
    draws: int = SHUFFLES,
    seed: int = 0,
) -> dict[tuple[A, B], Similarity]:
    """Unbiased linear CKA of every layer of ``x`` with every layer of ``y``, over the same clips.

    Nothing is fitted, so any clips will do. Intervals are delete-one jackknife in Fisher's z with Student's t: a bootstrap would draw
    clips twice, and a clip is its own double's perfect neighbour, which lifts every resample. Where the two share nothing, the jackknife
    is too wide (the estimator is then degenerate) and the chance levels are what to read. These shuffle pairs, the same pairings for all
    layers; with ``classes``, within classes besides.
    """
    if not x or not y:
        raise BadArgument("CKA needs at least one layer of each encoder.")
    reference = next(iter(x.values()))
    for layer in (*x.values(), *y.values()):
        check_pairs(reference, layer, "CKA")
    a, b = _Grams.of(list(x.values())), _Grams.of(list(y.values()))
    for_pairs, for_classes = np.random.default_rng(seed).spawn(2)
    value = _cosines(a.centred, b.centred)
    low, high = _jackknife_interval(value, _without_each(a, b))
    shuffled = _shuffled(a, b, pair_shuffles(a.clips, draws, for_pairs))
    in_class = None if classes is None else _shuffled(a, b, pair_shuffles(a.clips, draws, for_classes, classes))
    grid: dict[tuple[A, B], Similarity] = {}
    for i, first in enumerate(x):
        for j, second in enumerate(y):
            interval = Interval(float(value[i, j]), float(low[i, j]), float(high[i, j]), a.clips)
            grid[first, second] = Similarity.beside(interval, 0, shuffled[:, i, j], None if in_class is None else in_class[:, i, j])
    return grid


@dataclass(frozen=True)
class _Grams:
    """Gram matrices of layers: with an empty diagonal, and U-centred, at norm 1."""

    hollow: Float64[Tensor, "layers clips clips"]
    centred: Float64[Tensor, "layers clips clips"]

    @classmethod
    def of(cls, layers: list[Tensor]) -> _Grams:
        hollow = torch.stack([_hollow_gram(layer) for layer in layers])
        centred = u_centred(hollow)
        return cls(hollow, centred / centred.square().sum(dim=(1, 2), keepdim=True).sqrt())

    @property
    def clips(self) -> int:
        return self.hollow.shape[1]


def _hollow_gram(x: Float[Tensor, "clips width"]) -> Float64[Tensor, "clips clips"]:
    """x x' of centred activations at scale 1, without its diagonal. U-centring ignores the mean; taking it off first saves digits."""
    exact = x.double().cpu()
    exact = exact - exact.mean(dim=0)
    gram = exact @ exact.T
    return (gram / gram.diagonal().mean()).fill_diagonal_(0)


def u_centred(hollow: Float64[Tensor, "*layers clips clips"]) -> Float64[Tensor, "*layers clips clips"]:
    """K_ij - r_i / (n - 2) - r_j / (n - 2) + sum / ((n - 1)(n - 2)) off the diagonal, 0 on it; r are row sums (Szekely & Rizzo 2014).

    <A, B> / (n (n - 3)) of two such matrices is the unbiased HSIC (Song et al. 2012, eq. 5).
    """
    n = hollow.shape[-1]
    rows = hollow.sum(dim=-1, keepdim=True)
    centred = hollow - (rows + rows.mT) / (n - 2) + rows.sum(dim=-2, keepdim=True) / ((n - 1) * (n - 2))
    centred.diagonal(dim1=-2, dim2=-1).zero_()
    return centred


def _cosines(a: Float64[Tensor, "layers_x clips clips"], b: Float64[Tensor, "layers_y clips clips"]) -> Float64[np.ndarray, "_ _"]:
    cosines: np.ndarray = (a.flatten(1) @ b.flatten(1).T).clamp(-1, 1).numpy()
    return cosines


def _shuffled(a: _Grams, b: _Grams, orders: Int[Tensor, "draws clips"]) -> Float64[np.ndarray, "draws _ _"]:
    """Of every pairing, from the pairs of clips i < j: twice their product is that of the whole symmetric matrices."""
    first, second = torch.triu_indices(a.clips, a.clips, 1)
    # pairs of clips x layers, so that a pairing copies whole rows
    rows_a = a.centred[:, first, second].T.contiguous()
    rows_b = b.centred.flatten(1).T.contiguous()
    return np.stack([2 * (rows_a.T @ rows_b[order[first] * a.clips + order[second]]).numpy() for order in orders])


def _without_each(a: _Grams, b: _Grams) -> Float64[np.ndarray, "_ _ clips"]:
    """CKA of every pair of layers without each clip in turn, from sums over all clips."""
    own_a, own_b = (torch.stack([_hsic_without(k[None], k[None])[0, 0] for k in side.hollow]) for side in (a, b))
    without: np.ndarray = (_hsic_without(a.hollow, b.hollow) / (own_a[:, None] * own_b).sqrt()).clamp(-1, 1).numpy()
    return without


def _hsic_without(k: Float64[Tensor, "layers_x clips clips"], m: Float64[Tensor, "layers_y clips clips"]) -> Float64[Tensor, "_ _ clips"]:
    """(n - 1)(n - 4) times the unbiased HSIC of the n - 1 clips that are left: Song et al.'s eq. 5, each term less what has clip i."""
    left = k.shape[-1] - 1
    row_k, row_m = k.sum(dim=2), m.sum(dim=2)
    shared = torch.einsum("aij,bij->abi", k, m)
    trace = shared.sum(dim=2, keepdim=True) - 2 * shared
    total = (row_k.sum(dim=1, keepdim=True) - 2 * row_k)[:, None] * (row_m.sum(dim=1, keepdim=True) - 2 * row_m)
    product = (row_k[:, None] * row_m).sum(dim=2, keepdim=True) - row_k[:, None] * row_m + shared
    product = product - torch.einsum("aij,bj->abi", k, row_m) - torch.einsum("bij,aj->abi", m, row_k)
    hsic: Tensor = trace + total / ((left - 1) * (left - 2)) - 2 / (left - 2) * product
    return hsic


def _jackknife_interval(
    value: Float64[np.ndarray, "x y"], without: Float64[np.ndarray, "x y clips"]
) -> tuple[Float64[np.ndarray, "x y"], Float64[np.ndarray, "x y"]]:
    n = without.shape[-1]
    middle, each = (np.arctanh(np.clip(given, -NEAREST, NEAREST)) for given in (value, without))
    error = np.sqrt((n - 1) / n * np.square(each - each.mean(axis=-1, keepdims=True)).sum(axis=-1))
    half = float(stdtrit(n - 1, 0.5 + LEVEL / 2)) * error
    # a CKA of 1 lies at the end of its own interval, not a little beyond
    return np.minimum(np.tanh(middle - half), value), np.maximum(np.tanh(middle + half), value)
