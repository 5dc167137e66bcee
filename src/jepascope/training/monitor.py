"""What to watch while training: a falling loss proves nothing (a collapsed encoder predicts itself perfectly)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from jepascope.activations.capture import capture
from jepascope.activations.site import SELECTIONS
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.vjepa2 import VJepa2Encoder

RIDGE = 10.0
BATCH = 100


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


def directions(clips: ClipSet) -> tuple[Int[Tensor, " clips"], Bool[Tensor, " clips"]]:
    """Each clip's direction, and whether it is one to fit on."""
    return torch.tensor(clips.labels("direction")[0]), torch.tensor((clips.factors["split"] == "fit").to_numpy(copy=True))


@torch.inference_mode()
def health(encoder: VJepa2Encoder, clips: ClipSet) -> Health:
    """Read direction from every layer (fitted on split ``fit``, scored on the rest) and measure the spread."""
    depth, clips = encoder.card.depth, clips.at(encoder.card.frames, encoder.card.size)
    activations, (labels, fit) = capture(encoder, clips, sites=(depth,), batch=BATCH), directions(clips)
    tokens = encoder.norm(activations.tokens(depth).to(encoder.device)).float()
    centred = tokens - tokens.mean((0, 1))
    between = centred.mean(1).square().sum(-1).mean() / centred.square().sum(-1).mean()
    spectrum = torch.linalg.eigvalsh(torch.einsum("cnd,cne->de", centred, centred)).clamp(min=1e-9)
    share = spectrum / spectrum.sum()
    every, objects = (
        tuple(ridge_accuracy(activations.pooled(layer, name), labels, fit) for layer in range(depth + 1)) for name in SELECTIONS
    )
    return Health(float(between), float(torch.exp(-(share * share.log()).sum())), every, objects)
