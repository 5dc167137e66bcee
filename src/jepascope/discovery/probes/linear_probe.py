"""LinearProbe: a linear read-out of raw activations, with the standardisation it was trained under folded in."""

from __future__ import annotations

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

    def predict(self, x: Float[Tensor, "... width"]) -> Int[Tensor, ...]:
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
