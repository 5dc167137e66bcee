"""Encoders by size, and clips whose pixels lie in memory, so that a benchmark of a network times no renderer."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor
from transformers import VJEPA2Config

from jepascope.clips.clipset import ClipSet
from jepascope.clips.presets import directions8
from jepascope.encoders.load import load_encoder
from jepascope.encoders.vjepa2 import VJepa2Encoder

PREDICTOR = {"pred_num_hidden_layers": 1}  # made and thrown away
SIZES = {
    "middle": VJEPA2Config(
        patch_size=16, crop_size=96, frames_per_clip=8, hidden_size=384, num_attention_heads=6, num_hidden_layers=4, **PREDICTOR
    ),
    "vitl": VJEPA2Config(frames_per_clip=16, **PREDICTOR),
    "vith": VJEPA2Config(frames_per_clip=16, hidden_size=1280, num_attention_heads=16, num_hidden_layers=32, **PREDICTOR),
}
"""Random weights: how long a pass takes does not depend on them."""

MOST_PIXELS = 2**27  # of the clips that are kept; more clips show the same ones again


def encoder_of(
    model: str, frames: int | None = None, device: str = "cpu", dtype: torch.dtype = torch.float32, compiled: bool = False
) -> VJepa2Encoder:
    """One of SIZES, or whatever ``load_encoder`` takes."""
    if model in SIZES:
        encoder = VJepa2Encoder.from_config(SIZES[model], 0, model, predictor=False).to(device, dtype)
        encoder = encoder.compile() if compiled else encoder
    else:
        encoder = load_encoder(model, device, dtype, compiled=compiled)
    assert isinstance(encoder, VJepa2Encoder), f"{model} is no V-JEPA 2"
    return encoder.at(frames or encoder.card.frames, encoder.card.size)


@dataclass(frozen=True)
class Ready:
    """A clip source whose pixels lie in memory."""

    pixels: Tensor
    covered: Tensor
    digest: str = "benchmark"

    def video(self, rows: pd.DataFrame, frames: int, size: int) -> Tensor:
        return self.pixels[rows.index.to_numpy(copy=True) % len(self.pixels)]

    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Tensor:
        return self.covered[rows.index.to_numpy(copy=True) % len(self.covered)]


def ready(encoder: VJepa2Encoder, count: int) -> ClipSet:
    """So many clips, the last ones of which may repeat the first."""
    card = encoder.card
    clips = directions8(seed=0, per_class=max(5, -(-count // 8)), frames=card.frames, size=card.size)
    clips = clips.select(torch.arange(count).numpy())
    kept = min(count, max(1, MOST_PIXELS // (card.frames * 3 * card.size**2)))
    part = clips.factors.iloc[:kept]
    source = Ready(clips.source.video(part, card.frames, card.size), clips.source.coverage(part, card.frames, card.size))
    return ClipSet("ready", clips.factors.reset_index(drop=True), source, card.frames, card.size)
