"""Small random encoders of every other family than V-JEPA 2, and folders of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import (
    Dinov2Config,
    Dinov2WithRegistersConfig,
    DINOv3ViTConfig,
    IJepaConfig,
    PeVideoEncoderConfig,
    TimesformerConfig,
    TimmWrapperConfig,
    VideoMAEConfig,
    VideoPrismVisionConfig,
    VivitConfig,
)

from jepascope.encoders.entries import ENCODERS
from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.pe_video import PeVideoEncoder

VIT: dict[str, Any] = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "image_size": 16, "initializer_range": 0.3}


def pe_video(architecture: str = "vit_pe_core_large_patch14_336", **changes: Any) -> PeVideoEncoderConfig:
    """Of PE-Video with a small tower of the shape of the one that is named."""
    sizes = {"img_size": 16, "patch_size": 4, "embed_dim": 32, "depth": 2, "num_heads": 4, "attn_pool_num_heads": 2, "mlp_ratio": 2.0}
    tower = TimmWrapperConfig(architecture=architecture, model_args=sizes, num_labels=20)
    fields = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "head_dim": 12, "intermediate_size": 48}
    return PeVideoEncoderConfig(**{**fields, "initializer_range": 0.3, **changes}, vision_config=tower)


CONFIGS: dict[str, Callable[[], Any]] = {
    "videomae": lambda: VideoMAEConfig(**VIT, patch_size=4, num_frames=6, intermediate_size=48, use_mean_pooling=False),
    "videomae pooled": lambda: VideoMAEConfig(**VIT, patch_size=4, num_frames=6, intermediate_size=48),
    "vivit": lambda: VivitConfig(**VIT, tubelet_size=[2, 4, 4], num_frames=6, intermediate_size=48),
    "timesformer": lambda: TimesformerConfig(**VIT, patch_size=4, num_frames=3, intermediate_size=48),
    "timesformer joint": lambda: TimesformerConfig(
        **VIT, patch_size=4, num_frames=3, intermediate_size=48, attention_type="joint_space_time"
    ),
    "videoprism_vision_model": lambda: VideoPrismVisionConfig(
        **VIT, tubelet_size=[1, 4, 4], num_frames=3, intermediate_size=48, num_spatial_layers=2, num_temporal_layers=2
    ),
    "pe_video_encoder": lambda: pe_video(),
    "pe_video_encoder gigantic": lambda: pe_video("vit_pe_core_gigantic_patch14_448"),
    "dinov2": lambda: Dinov2Config(**VIT, patch_size=4),
    "dinov2 swiglu": lambda: Dinov2Config(**VIT, patch_size=4, use_swiglu_ffn=True),
    "dinov2_with_registers": lambda: Dinov2WithRegistersConfig(**VIT, patch_size=4, num_register_tokens=2),
    "dinov3_vit": lambda: DINOv3ViTConfig(**VIT, patch_size=4, intermediate_size=48, num_register_tokens=2, layerscale_value=0.5),
    "dinov3_vit gated": lambda: DINOv3ViTConfig(**VIT, patch_size=4, intermediate_size=48, use_gated_mlp=True),
    "ijepa": lambda: IJepaConfig(**VIT, patch_size=4, intermediate_size=48),
}


def kind_of(name: str) -> type[LibraryEncoder]:
    """The class of a family, which comes first in the names of CONFIGS."""
    kind: type[LibraryEncoder] = ENCODERS.load(name.split()[0])
    return kind


def drawn(name: str, seed: int = 0) -> LibraryEncoder:
    """With random values also where transformers begins at zero: class tokens, registers and learned positions."""
    encoder = kind_of(name).from_config(CONFIGS[name](), seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part, weight in getattr(encoder.model, "embeddings", encoder.model).named_parameters():
            if "token" in part or "position" in part or "time" in part:
                weight.copy_(torch.randn(weight.shape, generator=generator))
    return type(encoder)(encoder.model, name)


def saved(encoder: LibraryEncoder, folder: Path) -> Path:
    if isinstance(encoder, PeVideoEncoder):  # whose configuration transformers' older releases write by timm alone
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(encoder.model.config.to_json_string(use_diff=False))
        save_file(encoder.model.state_dict(), folder / "model.safetensors")
    else:
        encoder.model.save_pretrained(folder)
    return folder
