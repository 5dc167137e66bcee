"""Where on the screen and when a variable can be read: every token position has a linear reader of its own.

The reader of one token is a ridge regression of that token's activations (standardised over the fit clips) to one-hot classes,
scored by accuracy, or to values, scored by R^2. Its strength has the least leave-one-out error, which a ridge gives in closed
form (PRESS, Allen 1974): residual / (1 - h), h the diagonal of the hat matrix. One eigendecomposition a token serves all
strengths, the true labels and all permuted ones.

The best of hundreds of tokens is high by luck alone, so a map is held against what the *best* token reaches with permuted labels
(the maximum statistic of Westfall & Young 1993), each draw with a strength of its own as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.probes.folds import check_labels, exchanged
from jepascope.discovery.probes.readouts import standardise
from jepascope.discovery.probes.ridge import checked_targets
from jepascope.errors import BadArgument, BadData
from jepascope.stats import Interval, null_bound, r_squared, scene_proportion

TOKEN_STRENGTHS = (1000.0, 100.0, 10.0, 1.0, 0.1, 0.01, 0.001)
FEWEST_DRAWS = 20  # of permuted labels: fewer have no bound that a further draw exceeds in at most 5 % of cases (1 of 21)
READ = 2**23  # numbers of activations held at a time: memory stays flat however many tokens there are
SOLVE = 2**18  # and worked on at a time: what a processor's cache holds

TokenRange = Callable[[int, int], Float[Tensor, "clips tokens width"]]
"""Activations of the tokens from one position up to another, clip by clip."""

Metric = Literal["accuracy", "r2"]


@dataclass(frozen=True)
class TokenMap:
    """``scores`` of every token on test clips, with Wilson (accuracy) or bootstrap (R^2) intervals.

    ``maxima``: the largest of all tokens in each draw of permuted labels. ``null``: ``stats.null_bound`` of them, which one more draw
    exceeds in at most 5 % of cases (of 20 draws the largest, exceeded in at most 1 of 21). It covers all tokens, not several variables.
    """

    scores: tuple[Interval, ...]
    metric: Metric
    chance: float
    null: float
    maxima: Float[np.ndarray, " draws"]
    strengths: Float[Tensor, " tokens"]


def token_accuracy(
    fit: TokenRange,
    test: TokenRange,
    tokens: int,
    y: Int[Tensor, " clips"],
    held_y: Int[Tensor, " held"],
    draws: int = FEWEST_DRAWS,
    seed: int = 0,
    where: str = "the tokens",
    groups: Int[Tensor, " clips"] | None = None,
    held_groups: Int[Tensor, " held"] | None = None,
) -> TokenMap:
    """Of each token its accuracy in naming the class. ``where`` names the layer in errors; labels are permuted between scenes
    (``groups``) where each shows one class. ``held_groups``: scenes of the clips scored, which intervals are over.

    Raises BadData for NaN or infinite tokens, tokens that are the same in every clip (all of them), or labels of one class.
    """
    classes = check_labels(y)
    onehot = torch.nn.functional.one_hot(y, classes).double()

    kept: list[Tensor] = []

    def hits(predicted: Tensor) -> Tensor:
        right = predicted.argmax(dim=2) == held_y[:, None]
        kept.append(right[..., 0])
        return right.sum(dim=1)

    scored, strengths = _read(fit, test, tokens, onehot, groups, draws, seed, where, hits)
    n, scenes = len(held_y), None if held_groups is None else held_groups.numpy()
    scores = tuple(scene_proportion(right.numpy(), scenes) for right in torch.cat(kept))
    chance = int(torch.bincount(held_y).max()) / n
    return _map(scores, "accuracy", chance, scored[1:].double() / n, strengths)


def token_r_squared(
    fit: TokenRange,
    test: TokenRange,
    tokens: int,
    values: Float[Tensor, "clips outputs"],
    held_values: Float[Tensor, "held outputs"],
    weights: Float[np.ndarray, "resamples held"],
    draws: int = FEWEST_DRAWS,
    seed: int = 0,
    where: str = "the tokens",
    groups: Int[Tensor, " clips"] | None = None,
) -> TokenMap:
    """Of each token its R^2 on all outputs together (chance is 0, a constant guess), with intervals by ``weights`` from
    ``stats.scene_weights``. Errors as ``token_accuracy``."""
    y, true = checked_targets(values), held_values.double()
    middle = y.mean(dim=0)  # of the fit clips: what a constant guess would say
    spread = (true - middle).square().sum()
    kept = []

    def r2(predicted: Tensor) -> Tensor:
        kept.append(predicted[..., 0])
        return 1 - (predicted - true[..., None]).square().sum(dim=(1, 2)) / spread

    scored, strengths = _read(fit, test, tokens, y, groups, draws, seed, where, r2)
    scores = tuple(r_squared(true.numpy(), predicted.numpy(), weights, about=middle.numpy()) for predicted in torch.cat(kept))
    return _map(scores, "r2", 0.0, scored[1:], strengths)


def _read(
    fit: TokenRange,
    test: TokenRange,
    tokens: int,
    y: Tensor,
    groups: Tensor | None,
    draws: int,
    seed: int,
    where: str,
    score: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Float[Tensor, " tokens"]]:
    """Scores (draws, tokens), the true labels first, and strengths. ``score`` takes predictions (tokens, test clips, outputs, draws) to
    (tokens, draws)."""
    if draws < FEWEST_DRAWS:
        raise BadArgument(f"A token map needs at least {FEWEST_DRAWS} draws of permuted labels, not {draws}.")
    generator = torch.Generator().manual_seed(seed)
    targets = torch.stack([y, *(exchanged(y, groups, generator) for _ in range(draws))], dim=2)
    per_token = len(y) * fit(0, 1).shape[2]
    step, part = max(1, READ // per_token), max(1, SOLVE // per_token)
    scores, strengths, varies = [], [], False
    for start in range(0, tokens, step):
        stop = min(start + step, tokens)
        x, held = fit(start, stop).transpose(0, 1), test(start, stop).transpose(0, 1)
        if not bool(torch.isfinite(x).all()) or not bool(torch.isfinite(held).all()):
            raise BadData(f"Tokens {start} to {stop - 1} of {where} hold NaN or infinite activations; capture them again in float32.")
        for some, some_held in zip(x.split(part), held.split(part), strict=True):
            z, mean, scale = standardise(some, torch.float64)
            varies = varies or bool((z != 0).any())
            predicted, chosen = read_tokens(z, (some_held.double() - mean[:, None]) / scale[:, None], targets, TOKEN_STRENGTHS)
            scores.append(score(predicted))
            strengths.append(torch.tensor(TOKEN_STRENGTHS, dtype=torch.float64)[chosen[:, 0]])
    if not varies:
        raise BadData(f"Every token of {where} is the same in all clips, so there is nothing to map; check the capture of that layer.")
    return torch.cat(scores).T, torch.cat(strengths)


def read_tokens(
    z: Float[Tensor, "tokens clips width"],
    held: Float[Tensor, "tokens held width"],
    targets: Float[Tensor, "clips outputs draws"],
    strengths: Sequence[float],
) -> tuple[Float[Tensor, "tokens held outputs draws"], Int[Tensor, "tokens draws"]]:
    """Predictions of every token's ridge, for each draw of the targets at the strength with the least leave-one-out error.

    ``z`` has mean zero over clips. ``strengths`` are per clip, as in ``ridge_fits``; the second result is their index.
    """
    clips = len(targets)
    outputs, draws = targets.shape[1:]
    middle = targets.mean(dim=0)
    centred = (targets - middle).flatten(1)
    left, singular, right = _axes(z)
    energy = singular.square() / clips
    projected = left.mT @ centred  # tokens axes (outputs draws)
    error = []
    for strength in strengths:
        kept = energy / (energy + strength)
        hat = 1 / clips + (left.square() * kept[:, None]).sum(dim=2)
        missed = (centred - left @ (kept[..., None] * projected)) / (1 - hat).clamp_min(1e-9)[..., None]
        error.append(missed.square().unflatten(2, (outputs, draws)).sum(dim=(1, 2)))
    stacked = torch.stack(error)
    chosen = (stacked <= stacked.amin(dim=0) * (1 + 1e-9)).int().argmax(dim=0)  # of equals the strongest
    shrink = z.new_tensor(strengths)[chosen]
    inverse = singular[..., None] / (singular.square()[..., None] + clips * shrink[:, None])  # tokens axes draws
    weights = inverse[:, :, None] * projected.unflatten(2, (outputs, draws))
    predicted = (held @ right) @ weights.flatten(2)
    return predicted.unflatten(2, (outputs, draws)) + middle, chosen


def _axes(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Left vectors (tokens, clips, axes), singular values and right vectors (tokens, width, axes), from the smaller Gram matrix."""
    wide = z.shape[2] > z.shape[1]
    spectrum, axes = torch.linalg.eigh(z @ z.mT if wide else z.mT @ z)
    singular = spectrum.clamp_min(0).sqrt()
    # axes without variance (a token may have none) are left out by a zero, whatever direction the decomposition gave them
    alive = singular > 1e-7 * singular.amax(dim=1, keepdim=True).clamp_min(torch.finfo(z.dtype).tiny)
    inverse = torch.where(alive, 1 / singular.clamp_min(torch.finfo(z.dtype).tiny), 0.0)[:, None]
    if wide:
        return axes * alive[:, None], singular * alive, z.mT @ axes * inverse
    return z @ axes * inverse, singular * alive, axes * alive[:, None]


def _map(scores: tuple[Interval, ...], metric: Metric, chance: float, draws: Tensor, strengths: Tensor) -> TokenMap:
    maxima = draws.amax(dim=1).double().numpy()
    return TokenMap(scores, metric, chance, null_bound(maxima), maxima, strengths)
