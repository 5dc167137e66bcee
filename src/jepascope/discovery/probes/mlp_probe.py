"""A small network as probe: what a read-out that is not linear finds. scikit-learn's, trained by L-BFGS; read with torch."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepascope.discovery.probes.linear_probe import standardise

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
