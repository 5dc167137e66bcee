"""Sizes of a V-JEPA 2 configuration, checked before anything is built from them. A stranger's config.json is only text.

Imports no torch, so that a plan is checked as a run is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepascope.encoders.rotary_rule import rotary_rule
from jepascope.encoders.task_labels import DEFAULT_COUNT, MAX_LABELS, names_head, task_labels
from jepascope.errors import BadCheckpoint

MAX_CONFIG_BYTES = 1_000_000
MAX_PREDICTOR = 2**28  # weights; those of V-JEPA 2 have 22 million. A checkpoint may lack it, so no file bounds it
MAX_TOKENS = 100_000  # a clip; ViT-g at 64 frames of 384 px has 18,432
FAMILY_NAMES = {  # model_type: as people write it
    "vjepa2": "V-JEPA 2",
    "videomae": "VideoMAE",
    "vivit": "ViViT",
    "timesformer": "TimeSformer",
    "dinov2": "DINOv2",
    "dinov2_with_registers": "DINOv2 with registers",
    "dinov3_vit": "DINOv3",
    "ijepa": "I-JEPA",
}
BOUNDS = {  # field: (default of transformers' VJEPA2Config, least, most)
    "hidden_size": (1024, 6, 16_384),
    "num_hidden_layers": (24, 1, 200),
    "num_attention_heads": (16, 1, 256),
    "patch_size": (16, 1, 256),
    "crop_size": (256, 1, 4_096),
    "frames_per_clip": (64, 1, 4_096),
    "tubelet_size": (2, 1, 64),
    "in_chans": (3, 3, 3),
    "pred_hidden_size": (384, 6, 16_384),
    "pred_num_hidden_layers": (12, 1, 200),
    "pred_num_attention_heads": (12, 1, 256),
    "pred_num_mask_tokens": (10, 1, 1_000),
    "num_pooler_layers": (3, 0, 100),
    "num_labels": (DEFAULT_COUNT, 1, MAX_LABELS),
}


@dataclass(frozen=True)
class Geometry:
    """What counting and building need to know of a model."""

    width: int
    depth: int
    patch: int
    tubelet: int
    frames: int
    size: int
    extra: int = 0  # tokens of a clip that belong to no place: a class token
    extra_per_frame: int = 0
    fixed: bool = False  # takes clips of this length and size alone
    weights: int = 0  # at least, of its blocks and its patch embedding: what a checkpoint must hold

    def extra_of(self, frames: int) -> int:
        """Tokens beside the grid, of a clip of some frames."""
        return self.extra + frames * self.extra_per_frame

    def tokens(self, frames: int, size: int) -> int:
        """Tokens of a clip: the grid's and the extra ones."""
        return (frames // self.tubelet) * (size // self.patch) ** 2 + self.extra_of(frames)


def read_json(path: Path) -> dict[str, Any]:
    """A file of settings as a dictionary; BadCheckpoint in one sentence for anything else."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_CONFIG_BYTES:
            raise BadCheckpoint(f"'{path}' is not a configuration file (a regular file of at most {MAX_CONFIG_BYTES} bytes).")
        config = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise BadCheckpoint(f"'{path}' is not a readable configuration ({error}); download it again.") from None
    if not isinstance(config, dict):
        raise BadCheckpoint(f"'{path}' does not hold a configuration (it is a {type(config).__name__}); download it again.")
    return config


def read_config(path: Path) -> dict[str, Any]:
    """config.json as a dictionary; BadCheckpoint in one sentence for anything else, and for a model of no family that is read."""
    config = read_json(path)
    if str(config.get("model_type")) not in FAMILY_NAMES:
        known = ", ".join(FAMILY_NAMES.values())
        raise BadCheckpoint(f"'{path}' is of a '{str(config.get('model_type'))[:40]}' model; jepascope reads {known}.")
    return config


def block_weights(depth: int, width: int, hidden: int) -> int:
    """Of the matrices of transformer blocks: four of attention, two of an MLP ``hidden`` wide inside."""
    return depth * (4 * width * width + 2 * width * hidden)


def check_config(config: dict[str, Any], path: Path) -> Geometry:
    """The model's sizes, or BadCheckpoint that names the field and what is allowed."""
    sizes = {field: whole_number(field, config.get(field, default), least, most, path) for field, (default, least, most) in BOUNDS.items()}
    for whole, part in (
        ("hidden_size", "num_attention_heads"),
        ("pred_hidden_size", "pred_num_attention_heads"),
        ("crop_size", "patch_size"),
        ("frames_per_clip", "tubelet_size"),
    ):
        check_multiple(whole, sizes[whole], part, sizes[part], path)
    ratio, predictors = (mlp_ratio(config, field, path) for field in ("mlp_ratio", "pred_mlp_ratio"))
    rotary_rule(config, path)
    narrow, width = sizes["pred_hidden_size"], sizes["hidden_size"]
    forecasting = block_weights(sizes["pred_num_hidden_layers"], narrow, int(predictors * narrow))
    if forecasting > MAX_PREDICTOR:
        raise BadCheckpoint(f"'{path}' describes a predictor of {forecasting:,} weights, more than {MAX_PREDICTOR:,}.")
    inside = int(ratio * width)
    weights = block_weights(sizes["num_hidden_layers"], width, inside) + 3 * sizes["tubelet_size"] * sizes["patch_size"] ** 2 * width
    if names_head(config):
        task_labels(config, path)
        weights += block_weights(sizes["num_pooler_layers"], width, inside)
    depth, patch, tubelet = sizes["num_hidden_layers"], sizes["patch_size"], sizes["tubelet_size"]
    return of_few_tokens(Geometry(width, depth, patch, tubelet, sizes["frames_per_clip"], sizes["crop_size"], weights=weights), path)


def whole_number(field: str, value: Any, least: int, most: int, path: Path) -> int:
    """A field of config.json; BadCheckpoint where it is not such a number."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadCheckpoint(f"'{path}': {field} is {str(value)[:40]}, but must be a whole number from {least} to {most}.")
    return value


def mlp_ratio(config: dict[str, Any], field: str, path: Path) -> float:
    """How much wider than its block an MLP is inside."""
    ratio = config.get(field, 4.0)
    if isinstance(ratio, bool) or not isinstance(ratio, (int, float)) or not 0.25 <= ratio <= 16:
        raise BadCheckpoint(f"'{path}': {field} is {str(ratio)[:40]}, but must be a number from 0.25 to 16.")
    return ratio


def check_multiple(whole: str, value: int, part: str, by: int, path: Path) -> None:
    """BadCheckpoint where one size is not a multiple of another."""
    if value % by:
        raise BadCheckpoint(f"'{path}': {whole} ({value}) is not a multiple of {part} ({by}).")


def of_few_tokens(found: Geometry, path: Path) -> Geometry:
    """The geometry as it is; BadCheckpoint where a clip has more tokens than are read."""
    tokens = found.tokens(found.frames, found.size)
    if tokens > MAX_TOKENS:
        raise BadCheckpoint(
            f"'{path}': {found.frames} frames of {found.size} pixels make {tokens:,} tokens a clip, more than {MAX_TOKENS:,}."
        )
    return found
