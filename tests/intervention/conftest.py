"""A small study on a tiny random encoder: captured clips and twins, subspaces, controls and a judge. Lets the tests of this folder
import ``encoders_at_hand``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from jaxtyping import Float
from torch import Tensor
from transformers import VJEPA2Config

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.clips.presets import directions8, twins
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.intervention.edits import class_means
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.scenes import Scenes

sys.path.insert(0, str(Path(__file__).parents[1] / "encoders"))

LAYER = 1
CONFIG = VJEPA2Config(
    patch_size=8,
    crop_size=32,
    frames_per_clip=8,
    tubelet_size=2,
    hidden_size=48,
    num_attention_heads=2,
    num_hidden_layers=3,
    pred_hidden_size=24,
    pred_num_attention_heads=2,
    pred_num_hidden_layers=1,
    pred_num_mask_tokens=2,
)


@dataclass(frozen=True)
class Linear:
    """Logits that are a fixed linear function of the pooled activation."""

    weights: Float[Tensor, "width classes"]

    def logits(self, x: Float[Tensor, "clips width"]) -> Float[Tensor, "clips classes"]:
        return x @ self.weights


def random_basis(width: int, rank: int, seed: int) -> Float[Tensor, "width rank"]:
    generator = torch.Generator().manual_seed(seed)
    basis: Tensor = torch.linalg.qr(torch.randn(width, rank, generator=generator, dtype=torch.float64)).Q
    return basis.float()


@dataclass(frozen=True)
class Study:
    encoder: VJepa2Encoder
    whole: Activations
    scenes: Scenes
    judge: ProbeJudge
    labels: Tensor

    def subspace(self, seed: int, rank: int = 3) -> Subspace:
        return Subspace(random_basis(self.encoder.card.width, rank, seed), self.whole.pooled(LAYER).mean(dim=0))


@pytest.fixture(scope="session")
def study() -> Study:
    encoder = VJepa2Encoder.from_config(CONFIG, seed=0)
    clips = directions8(seed=0, per_class=5, frames=8, size=32)
    other = twins(clips)
    whole, twin = (capture(encoder, c, sites=(LAYER, 3), moments=(LAYER,)) for c in (clips, other))
    labels, targets = (torch.from_numpy(c.labels("direction")[0]) for c in (clips, other))
    test, fit = (torch.tensor((clips.factors["split"] == name).tolist()) for name in ("test", "fit"))
    means = class_means(whole.pooled(LAYER)[fit], labels[fit], 8)
    scenes = Scenes(whole.split("test"), twin.split("test"), labels[test], targets[test], means)
    judge = ProbeJudge(Linear(torch.randn(48, 8, generator=torch.Generator().manual_seed(5))), "object")
    return Study(encoder, whole, scenes, judge, labels)
