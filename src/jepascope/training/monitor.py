"""What to watch while training: a falling loss proves nothing (a collapsed encoder predicts itself perfectly)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from jepascope.activations.site import pool
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.vjepa2 import VJepa2Encoder

RIDGE = 10.0


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


def ridge_accuracy(x: Float[Tensor, "clips width"], labels: Int[Tensor, " clips"], fit: Bool[Tensor, " clips"]) -> float:
    """Accuracy of a ridge classifier on standardised activations: crude, but closed-form and cheap."""
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=RIDGE))
    model.fit(x[fit].numpy(), labels[fit].numpy())
    return float(model.score(x[~fit].numpy(), labels[~fit].numpy()))


@torch.inference_mode()
def health(encoder: VJepa2Encoder, clips: ClipSet, batch: int = 100) -> Health:
    """Read direction from every layer (fitted on split ``fit``, scored on the rest) and measure the spread."""
    card = encoder.card
    clips = clips.at(card.frames, card.size)
    labels = torch.tensor(clips.labels("direction")[0])
    fit = torch.tensor((clips.factors["split"] == "fit").to_numpy(copy=True))
    everything, objects, last = [], [], []
    for rows, video in clips.batches(batch):
        mask = clips.object_tokens(card.grid, rows).to(encoder.device)
        hidden = encoder.embed(video)
        pooled_all, pooled_object = [pool(hidden)], [pool(hidden, mask)]
        for index in range(1, card.depth + 1):
            hidden = encoder.block(index, hidden)
            pooled_all.append(pool(hidden))
            pooled_object.append(pool(hidden, mask))
        everything.append(torch.stack(pooled_all).float().cpu())
        objects.append(torch.stack(pooled_object).float().cpu())
        last.append(encoder.norm(hidden).float())
    tokens = torch.cat(last)
    centred = tokens - tokens.mean((0, 1))
    between = centred.mean(1).square().sum(-1).mean() / centred.square().sum(-1).mean()
    spectrum = torch.linalg.eigvalsh(torch.einsum("cnd,cne->de", centred, centred)).clamp(min=1e-9)
    share = spectrum / spectrum.sum()
    read = [tuple(ridge_accuracy(x, labels, fit) for x in torch.cat(parts, dim=1)) for parts in (everything, objects)]
    return Health(float(between), float(torch.exp(-(share * share.log()).sum())), *read)
