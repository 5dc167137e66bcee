"""Clips as a person sees them, where the page does not compute from their pixels: small, few frames, 8 bits."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

SIDE, FRAMES = 64, 8


def seen(video: Float[Tensor, "clips frames 3 rows columns"]) -> UInt8[np.ndarray, "clips few 3 side side"]:
    """At most FRAMES frames of at most SIDE pixels a side."""
    clips, frames, _, size, _ = video.shape
    few = torch.linspace(0, frames - 1, min(FRAMES, frames)).round().long()
    small = torch.nn.functional.adaptive_avg_pool2d(video[:, few].flatten(0, 1), min(SIDE, size))
    shown: UInt8[np.ndarray, "*shape"] = (small.view(clips, len(few), *small.shape[1:]).clamp(0, 1) * 255).round().byte().numpy()
    return shown
