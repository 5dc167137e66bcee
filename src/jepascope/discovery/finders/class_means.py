"""Class means, every class counted alike: what diff_means and class_pca are made of."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.folds import check_labels


def class_means(x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"]) -> Float[Tensor, "classes width"]:
    """Mean activation of each class, in float64."""
    member = torch.nn.functional.one_hot(y, check_labels(y)).to(device=x.device, dtype=torch.float64)
    return (member.T @ x.double()) / member.sum(dim=0)[:, None]
