"""Probes of one site: a linear read-out, and a small network for what is not linear. Both take raw activations, with the standardisation
that they were trained under folded in.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

CONSTANT = 1e-6  # a spread below this share of the largest magnitude is rounding, not a signal


@dataclass(frozen=True)
class LinearProbe:
    """``logits = x W' + b`` on raw activations of one site."""

    weights: Float[Tensor, "classes width"]
    bias: Float[Tensor, " classes"]

    @classmethod
    def from_standardised(
        cls,
        weights: Float[Tensor, "classes width"],
        bias: Float[Tensor, " classes"],
        mean: Float[Tensor, " width"],
        scale: Float[Tensor, " width"],
    ) -> LinearProbe:
        """The same function of x that ``weights`` and ``bias`` are of (x - mean) / scale."""
        raw = weights / scale
        return cls(raw, bias - raw @ mean)

    @property
    def classes(self) -> int:
        return self.weights.shape[0]

    @property
    def support(self) -> float:
        """Share of coordinates with a non-zero weight in any class. It depends on the basis, and is not a rank."""
        return float((self.weights != 0).any(dim=0).float().mean())

    def logits(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... classes"]:
        return x.to(self.weights) @ self.weights.T + self.bias

    def predict(self, x: Float[Tensor, "... width"]) -> Int[Tensor, "*shape"]:
        return self.logits(x).argmax(dim=-1)

    def right(self, x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"]) -> Bool[Tensor, " clips"]:
        """Which clips it gets right."""
        return self.predict(x).cpu() == y.cpu()

    def correct(self, x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"]) -> int:
        """How many clips it gets right."""
        return int(self.right(x, y).sum())

    def accuracy(self, x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"]) -> float:
        return self.correct(x, y) / len(y)


def standardise(
    x: Float[Tensor, "... clips width"],
    dtype: torch.dtype = torch.float32,
) -> tuple[Float[Tensor, "... clips width"], Float[Tensor, "... width"], Float[Tensor, "... width"]]:
    """(x - mean) / scale over clips, with mean and scale. A coordinate that does not vary becomes zero (scale 1)."""
    mean = x.double().mean(dim=-2, keepdim=True)
    centred = x.double() - mean
    scale = centred.square().mean(dim=-2, keepdim=True).sqrt()
    constant = scale <= CONSTANT * x.abs().amax(dim=-2, keepdim=True)
    scale = torch.where(constant, 1.0, scale)
    standard = torch.where(constant, 0.0, centred / scale)
    return standard.to(dtype), mean[..., 0, :].to(dtype), scale[..., 0, :].to(dtype)


HIDDEN = 32
PENALTY = 1.0  # scikit-learn's alpha: the L2 penalty is alpha |W|^2 / (2 clips)
ITERATIONS = 300


@dataclass(frozen=True)
class MlpProbe:
    """``logits = relu((x - mean) / scale A + a) B + b``: one hidden layer of HIDDEN units."""

    mean: Float[Tensor, " width"]
    scale: Float[Tensor, " width"]
    inner: Float[Tensor, "width hidden"]
    inner_bias: Float[Tensor, " hidden"]
    outer: Float[Tensor, "hidden classes"]
    outer_bias: Float[Tensor, " classes"]

    def logits(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... classes"]:
        hidden = ((x.to(self.mean) - self.mean) / self.scale @ self.inner + self.inner_bias).relu()
        return hidden @ self.outer + self.outer_bias

    def right(self, x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"]) -> Bool[Tensor, " clips"]:
        """Which clips it gets right."""
        return self.logits(x).argmax(dim=-1) == y

    def correct(self, x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"]) -> int:
        """How many clips it gets right."""
        return int(self.right(x, y).sum())


def mlp_probe(x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"], seed: int = 0) -> MlpProbe:
    """Trained on standardised activations at one fixed penalty; labels are 0, 1, ..., every one of them occurring."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    z, mean, scale = standardise(x)
    model = MLPClassifier((HIDDEN,), solver="lbfgs", alpha=PENALTY, max_iter=ITERATIONS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a probe that stops a little early reads as well
        model.fit(z.numpy(), y.numpy())
    (inner, outer), (inner_bias, outer_bias) = (
        tuple(torch.tensor(part).float() for part in parts) for parts in (model.coefs_, model.intercepts_)
    )
    if outer.shape[1] == 1:  # of two classes scikit-learn keeps the log-odds of the second alone
        outer, outer_bias = torch.cat([-outer / 2, outer / 2], dim=1), torch.cat([-outer_bias / 2, outer_bias / 2])
    return MlpProbe(mean, scale, inner, inner_bias, outer, outer_bias)
