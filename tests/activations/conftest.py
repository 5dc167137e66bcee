"""A tiny random V-JEPA 2 encoder and a handful of clips that fit it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from transformers import VJEPA2Config

from jepascope.clips.clipset import ClipSet
from jepascope.clips.presets import directions8
from jepascope.encoders.vjepa2 import VJepa2Encoder

sys.path.insert(0, str(Path(__file__).parent))  # lets this folder import the modules beside it

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


@pytest.fixture(scope="session")
def encoder() -> VJepa2Encoder:
    return VJepa2Encoder.from_config(CONFIG, seed=0)


@pytest.fixture(scope="session")
def clips() -> ClipSet:
    """64 clips: more than one shard."""
    return directions8(seed=0, per_class=8, frames=8, size=32)
