"""Activations with planted classes, for the tests of this folder."""

from __future__ import annotations

import torch
from torch import Tensor


def planted(seed: int, clips: int = 64, width: int = 12, classes: int = 4, signal: float = 1.0, layers: int = 1) -> tuple[Tensor, Tensor]:
    """x (layers, clips, width) with correlated noise and classes that differ in a few directions; y (clips,), balanced."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(clips) % classes
    means = torch.randn(layers, classes, width, generator=generator)
    mix = torch.randn(layers, width, width, generator=generator) * torch.logspace(0, -1, width)[:, None]
    x = signal * means[:, y] + torch.randn(layers, clips, width, generator=generator) @ mix
    return x, y
