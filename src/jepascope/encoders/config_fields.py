"""Fields of a config.json that hold sizes, each checked before anything is built of it. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jepascope.encoders.task_labels import MAX_LABELS
from jepascope.errors import BadCheckpoint

LIMITS = {  # size: (least, most)
    "width": (6, 16_384),
    "depth": (1, 200),
    "depth_in_time": (1, 200),  # blocks that follow those of ``depth``, where a family counts them apart
    "heads": (1, 256),
    "head_width": (2, 1_024),  # without it the heads share the width
    "inside": (1, 65_536),  # width of an MLP; without it mlp_ratio says how much wider than its block it is
    "patch": (1, 256),
    "size": (1, 4_096),
    "frames": (1, 4_096),
    "tubelet": (1, 64),
    "channels": (3, 3),
    "registers": (0, 64),
    "predictor_width": (6, 16_384),
    "predictor_depth": (1, 200),
    "predictor_heads": (1, 256),
    "mask_tokens": (1, 1_000),
    "levels": (1, 4),  # depths whose latents a predictor is shown
    "teacher": (0, 16_384),  # numbers a token of latents that are forecast and not its own; 0: its own are
    "poolers": (0, 100),
    "labels": (1, MAX_LABELS),
}


def whole(field: str, value: Any, limits: tuple[int, int], path: Path) -> int:
    """The value of a field; BadCheckpoint unless it is a whole number from the least to the most that ``limits`` allow."""
    least, most = limits
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadCheckpoint(f"'{path}': {field} is {str(value)[:40]}, but must be a whole number from {least} to {most}.")
    return value


def cube(field: str, value: Any, path: Path) -> tuple[int, int, int]:
    """A tubelet that is given as (time, rows, columns): of a square patch."""
    if not isinstance(value, (list, tuple)) or len(value) != 3 or value[1] != value[2]:
        raise BadCheckpoint(f"'{path}': {field} is {str(value)[:40]}, but must be three numbers: time, and a square patch.")
    patch = whole(field, value[1], LIMITS["patch"], path)
    return whole(field, value[0], LIMITS["tubelet"], path), patch, patch


def ratio(config: Mapping[str, Any], field: str, path: Path) -> float:
    """How much wider than its block an MLP is inside."""
    value = config.get(field, 4.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.25 <= value <= 16:
        raise BadCheckpoint(f"'{path}': {field} is {str(value)[:40]}, but must be a number from 0.25 to 16.")
    return value


def check_multiple(field: str, value: int, part: str, by: int, path: Path) -> None:
    """BadCheckpoint unless the field's value is a multiple of what ``part`` names."""
    if value % by:
        raise BadCheckpoint(f"'{path}': {field} ({value}) is not a multiple of {part} ({by}).")


def block_weights(depth: int, width: int, inside: int, heads: int = 0) -> int:
    """Of the matrices of transformer blocks: four of attention, whose ``heads`` have together the block's width or what is given, two of
    an MLP ``inside`` wide."""
    return depth * (4 * width * (heads or width) + 2 * width * inside)
