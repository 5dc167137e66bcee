"""A tiny V-JEPA 2 configuration, the names of the shipped encoders, and video that fits an encoder."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import VJEPA2Config

from jepascope.encoders.models import shipped_models
from jepascope.encoders.vjepa2 import VJepa2Encoder

SHIPPED = tuple(model.name for model in shipped_models())


def tiny_config(**changes: int | bool) -> VJEPA2Config:
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
