"""What to watch while training: a falling loss proves nothing (a collapsed encoder predicts itself perfectly)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.site import pool
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.vjepa2 import VJepa2Encoder

RIDGE = 1.0


@dataclass(frozen=True)
class Health:
    """Spread of the last layer and how well a ridge classifier reads direction, per layer.

    ``between`` is the share of the last layer's token variance that lies between clips (near 1: collapsed onto clip
    constants); ``rank`` its effective rank (exp of the entropy of the covariance spectrum).
    """

    between: float
    rank: float
    accuracy_all: tuple[float, ...]
    accuracy_object: tuple[float, ...]


def ridge_accuracy(
    fit: Float[Tensor, "fit width"], fit_labels: Int[Tensor, " fit"], test: Float[Tensor, "test width"], test_labels: Int[Tensor, " test"]
) -> float:
    """Accuracy of one-hot ridge regression on standardised activations: crude, but closed-form and cheap."""
    mean, sd = fit.mean(0), fit.std(0) + 1e-6
    x, z = (fit - mean) / sd, (test - mean) / sd
    onehot = torch.nn.functional.one_hot(fit_labels).to(x) - 1.0 / (int(fit_labels.max()) + 1)
    gram = x.T @ x + RIDGE * len(x) * 0.05 * torch.eye(x.shape[1], device=x.device)
    weights = torch.linalg.solve(gram, x.T @ onehot)
    return float(((z @ weights).argmax(1) == test_labels).float().mean())


@torch.inference_mode()
def health(encoder: VJepa2Encoder, clips: ClipSet, batch: int = 100) -> Health:
    """Read direction from every layer (fitted on split ``fit``, scored on the rest) and measure the spread."""
    card = encoder.card
    clips = clips.at(card.frames, card.size)
    labels = torch.from_numpy(clips.labels("direction")[0]).to(encoder.device)
    fit = torch.from_numpy((clips.factors["split"] == "fit").to_numpy()).to(encoder.device)
    everything, objects, last = [], [], []
    for rows, video in clips.batches(batch):
        mask = clips.object_tokens(card.grid, rows).to(encoder.device)
        hidden = encoder.embed(video)
        pooled_all, pooled_object = [pool(hidden)], [pool(hidden, mask)]
        for index in range(1, card.depth + 1):
            hidden = encoder.block(index, hidden)
            pooled_all.append(pool(hidden))
            pooled_object.append(pool(hidden, mask))
        everything.append(torch.stack(pooled_all).float())
        objects.append(torch.stack(pooled_object).float())
        last.append(encoder.norm(hidden).float())
    tokens = torch.cat(last)
    centred = tokens - tokens.mean((0, 1))
    between = centred.mean(1).square().sum(-1).mean() / centred.square().sum(-1).mean()
    spectrum = torch.linalg.eigvalsh(torch.einsum("cnd,cne->de", centred, centred)).clamp(min=1e-9)
    share = spectrum / spectrum.sum()
    read = [
        tuple(ridge_accuracy(x[fit], labels[fit], x[~fit], labels[~fit]) for x in torch.cat(parts, dim=1)) for parts in (everything, objects)
    ]
    return Health(float(between), float(torch.exp(-(share * share.log()).sum())), *read)
