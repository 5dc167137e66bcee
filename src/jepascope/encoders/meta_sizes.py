"""What the shapes of Meta's weights say about the architecture, and what they do not: heads, frames and size."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torch import Tensor

from jepascope.errors import BadCheckpoint

PREDICTOR_HEADS = {384: 12}  # by width. Shapes do not tell how many there are, and another number gives other forecasts
FRAMES = 64


def meta_sizes(path: Path, weights: dict[str, Tensor], key: str, predictor: bool) -> dict[str, Any]:
    """The configuration that the shapes imply, in transformers' words; ``weights`` are named ``key.name`` and ``predictor.name``.

    Heads are 64 wide (ViT-H: 80), as in every released encoder; frames and size are those of the released files. Raises BadCheckpoint
    where a weight that tells a size is missing or has another number of axes.
    """

    def shape(name: str, axes: int) -> tuple[int, ...]:
        if name not in weights:
            raise BadCheckpoint(f"'{path}' lacks weights: {name}. It is not a V-JEPA 2 checkpoint, or not all of one.")
        found = tuple(weights[name].shape)
        if len(found) != axes or 0 in found:
            raise BadCheckpoint(f"'{path}' has misshapen weights: {name} is {found}. It is not a V-JEPA 2 checkpoint.")
        return found

    def count(stem: str) -> int:
        rows = [re.match(rf"{re.escape(stem)}\.(\d{{1,6}})(\.|$)", name) for name in weights]
        return 1 + max((int(row[1]) for row in rows if row), default=0)

    width, channels, tubelet, patch, _ = shape(f"{key}.patch_embed.proj.weight", 5)
    if width % 64:
        raise BadCheckpoint(f"'{path}' is {width} wide: not a multiple of 64, as every V-JEPA 2 encoder's width is.")
    sizes: dict[str, Any] = {
        "hidden_size": width,
        "num_hidden_layers": count(f"{key}.blocks"),
        "num_attention_heads": 16 if width == 1280 else width // 64,
        "mlp_ratio": shape(f"{key}.blocks.0.mlp.fc1.weight", 2)[0] / width,
        "in_chans": channels,
        "patch_size": patch,
        "tubelet_size": tubelet,
        "crop_size": 384 if path.stem.endswith("-384") else 256,
        "frames_per_clip": FRAMES,
    }
    if predictor:
        narrow = shape("predictor.predictor_embed.weight", 2)[0]
        if narrow not in PREDICTOR_HEADS:
            known = ", ".join(map(str, PREDICTOR_HEADS))
            raise BadCheckpoint(f"'{path}' has a predictor {narrow} wide; how many heads one has is known for width {known} alone.")
        sizes |= {
            "pred_hidden_size": narrow,
            "pred_num_hidden_layers": count("predictor.predictor_blocks"),
            "pred_num_attention_heads": PREDICTOR_HEADS[narrow],
            "pred_num_mask_tokens": count("predictor.mask_tokens"),
            "pred_mlp_ratio": shape("predictor.predictor_blocks.0.mlp.fc1.weight", 2)[0] / narrow,
        }
    return sizes
