"""The tower that makes one vector of a whole frame, timm's ``vit_pe_core_*`` (Perception Encoder, Bolya et al. 2025): its sizes, from a
config.json that names it and may set some anew, checked before anything is built. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jepascope.encoders.config_fields import LIMITS, block_weights, check_multiple, ratio, whole
from jepascope.errors import BadCheckpoint


@dataclass(frozen=True)
class Tower:
    """Sizes of a ViT with a pooler. ``first``: where its first row and column lie, ``span``: how many rows its positions are spread over,
    those of the size that the architecture is named after; ``ratio``, ``pool_ratio``: how much wider than its block an MLP is."""

    patch: int
    size: int
    width: int
    depth: int
    heads: int
    span: int
    ratio: float = 4.0
    pool_heads: int = 8
    pool_ratio: float = 4.0
    class_token: bool = True
    first: float = 1.0

    @property
    def side(self) -> int:
        """Patches of a row."""
        return self.size // self.patch

    @property
    def tokens(self) -> int:
        """Of a frame."""
        return self.side**2 + self.class_token

    @property
    def weights(self) -> int:
        """Of its blocks and its patches, roughly."""
        return block_weights(self.depth, self.width, int(self.ratio * self.width)) + 3 * self.patch**2 * self.width


NAMED = {
    "vit_pe_core_tiny_patch16_384": Tower(16, 384, 192, 12, 3, 24),
    "vit_pe_core_small_patch16_384": Tower(16, 384, 384, 12, 6, 24),
    "vit_pe_core_base_patch16_224": Tower(16, 224, 768, 12, 12, 14),
    "vit_pe_core_large_patch14_336": Tower(14, 336, 1024, 24, 16, 24),
    "vit_pe_core_gigantic_patch14_448": Tower(14, 448, 1536, 50, 16, 32, ratio=8960 / 1536, class_token=False, first=0.0),
}
ARGUMENTS = {  # of timm's that model_args may set: what they are here
    "img_size": "size",
    "patch_size": "patch",
    "embed_dim": "width",
    "depth": "depth",
    "num_heads": "heads",
    "mlp_ratio": "ratio",
    "attn_pool_num_heads": "pool_heads",
    "attn_pool_mlp_ratio": "pool_ratio",
}
USUAL = "vit_pe_core_large_patch14_336"  # what transformers takes where the file is silent


def tower_of(config: Any, path: Path) -> Tower:
    """The tower that a ``vision_config`` describes; BadCheckpoint for one that is not read, or a size that cannot be."""
    settings = {} if config is None else config
    if not isinstance(settings, Mapping):
        raise BadCheckpoint(f"'{path}': vision_config is {str(config)[:40]!a}, but must describe the tower of the frames.")
    name = str(settings.get("architecture", USUAL)).partition(".")[0]  # behind it timm says whose weights they were
    if name not in NAMED:
        raise BadCheckpoint(f"'{path}': the tower of its frames is a '{name[:40]}'; read are {', '.join(NAMED)}.")
    given = settings.get("model_args") or {}
    if not isinstance(given, Mapping) or (unknown := [key for key in given if key not in ARGUMENTS]):
        said = f"sets {str(unknown[0])[:40]!a} of its tower" if isinstance(given, Mapping) else "has model_args that are no settings"
        raise BadCheckpoint(f"'{path}' {said}; those that are read are {', '.join(ARGUMENTS)}.")
    sizes: dict[str, Any] = {ARGUMENTS[key]: _size(given, key, path) for key in given}
    tower = replace(NAMED[name], **sizes)
    check_multiple("img_size", tower.size, "patch_size", tower.patch, path)
    check_multiple("embed_dim", tower.width, "4 times num_heads", 4 * tower.heads, path)
    check_multiple("embed_dim", tower.width, "attn_pool_num_heads", tower.pool_heads, path)
    return tower


def _size(given: Mapping[str, Any], key: str, path: Path) -> int | float:
    size = ARGUMENTS[key]
    return ratio(given, key, path) if size.endswith("ratio") else whole(key, given[key], LIMITS[size.removeprefix("pool_")], path)
