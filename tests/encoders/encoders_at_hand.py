"""A tiny V-JEPA 2 configuration, the names of the shipped encoders, and video that fits an encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import VJEPA2Config, VJEPA2ForVideoClassification

from jepascope.encoders.models import shipped_models
from jepascope.encoders.vjepa2 import VJepa2Encoder

SHIPPED = tuple(model.name for model in shipped_models())


def tiny_config(**changes: float | str) -> VJEPA2Config:
    sizes = {
        "patch_size": 8,
        "crop_size": 32,
        "frames_per_clip": 8,
        "tubelet_size": 2,
        "hidden_size": 48,
        "num_attention_heads": 2,
        "num_hidden_layers": 3,
        "pred_hidden_size": 24,
        "pred_num_attention_heads": 2,
        "pred_num_hidden_layers": 2,
        "pred_num_mask_tokens": 3,
        "pred_zero_init_mask_tokens": False,
    }
    return VJEPA2Config(**{**sizes, **changes})


def noise_video(encoder: VJepa2Encoder, clips: int, seed: int = 0) -> Tensor:
    card = encoder.card
    return torch.rand(clips, card.frames, 3, card.size, card.size, generator=torch.Generator().manual_seed(seed))


def save_classifier(folder: Path, labels: tuple[str, ...], seed: int = 0) -> VJEPA2ForVideoClassification:
    """A random classifier as transformers makes and saves it, with weights large enough for the clips to matter."""
    config = tiny_config()
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: row for row, label in enumerate(labels)}
    config.initializer_range = 0.2
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VJEPA2ForVideoClassification(config).eval()
    model.save_pretrained(folder)
    return model


def edit_weights(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def patterned(shape: tuple[int, ...], number: int) -> Tensor:
    """Values that need no random numbers."""
    count = torch.Size(shape).numel()
    return torch.sin(torch.arange(count, dtype=torch.float64) * (0.7 + 0.013 * number) + number).reshape(shape).float()
