"""Sizes of the other families of encoders, from their config.json alone. Imports no torch, as in ``geometry``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepascope.encoders.geometry import (
    BOUNDS,
    FAMILY_NAMES,
    Geometry,
    block_weights,
    check_config,
    check_multiple,
    mlp_ratio,
    of_few_tokens,
    whole_number,
)
from jepascope.errors import BadCheckpoint

MAX_POSITIONS = 2**25  # of VideoMAE, which computes them one by one; its largest encoder has 2 million
IMAGE_FRAMES = 8  # of a clip, where an encoder of single images is not told otherwise; it takes any number
LIMITS = {  # field: (least, most)
    **{field: BOUNDS[field][1:] for field in ("hidden_size", "num_hidden_layers", "num_attention_heads", "patch_size")},
    "intermediate_size": (1, 65_536),
    "image_size": BOUNDS["crop_size"][1:],
    "num_frames": BOUNDS["frames_per_clip"][1:],
    "tubelet_size": BOUNDS["tubelet_size"][1:],
    "num_channels": (3, 3),
    "num_register_tokens": (0, 64),
}
VIT = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "image_size": 224, "num_channels": 3}
SMALL = {**VIT, "hidden_size": 384, "num_attention_heads": 6}


@dataclass(frozen=True)
class Family:
    """``defaults``: what transformers takes where config.json is silent. Video families know one length and size of clips alone."""

    defaults: dict[str, int]
    video: bool
    class_token: bool


FAMILIES = {
    "videomae": Family({**VIT, "patch_size": 16, "intermediate_size": 3072, "num_frames": 16, "tubelet_size": 2}, True, False),
    "vivit": Family({**VIT, "intermediate_size": 3072, "num_frames": 32}, True, True),
    "timesformer": Family({**VIT, "patch_size": 16, "intermediate_size": 3072, "num_frames": 8}, True, True),
    "dinov2": Family({**VIT, "patch_size": 14}, False, True),
    "dinov2_with_registers": Family({**VIT, "patch_size": 16, "num_register_tokens": 4}, False, True),
    "dinov3_vit": Family({**SMALL, "patch_size": 16, "intermediate_size": 1536, "num_register_tokens": 0}, False, True),
    "ijepa": Family({**VIT, "patch_size": 16, "intermediate_size": 3072}, False, False),
}


def sizes_of(config: dict[str, Any], path: Path) -> Geometry:
    """The sizes of a configuration of any family, or BadCheckpoint that names the field and what is allowed."""
    kind = config.get("model_type")
    if kind == "vjepa2":
        return check_config(config, path)
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise BadCheckpoint(f"'{path}' is of a '{str(kind)[:40]}' model; jepascope reads {', '.join(FAMILY_NAMES.values())}.")
    family = FAMILIES[kind]
    sizes = {field: _whole(field, config.get(field, default), path) for field, default in family.defaults.items()}
    tubelet, patch = sizes.get("tubelet_size", 1), sizes.get("patch_size", 0)
    if kind == "vivit":
        tubelet, patch = _tubelet(config.get("tubelet_size", (2, 16, 16)), path)
    if kind == "timesformer" and (attention := config.get("attention_type", "divided_space_time")) == "space_only":
        raise BadCheckpoint(f"'{path}': attention_type is '{attention}', whose frames have no time; divided or joint space-time is read.")
    ratio = mlp_ratio(config, "mlp_ratio", path)
    frames, size, width = sizes.get("num_frames", IMAGE_FRAMES), sizes["image_size"], sizes["hidden_size"]
    inside = sizes.get("intermediate_size", int(ratio * width))
    for whole, value, part, by in (
        ("hidden_size", sizes["hidden_size"], "num_attention_heads", sizes["num_attention_heads"]),
        ("image_size", size, "the patch size", patch),
        ("num_frames", frames, "the tubelet size", tubelet),
    ):
        check_multiple(whole, value, part, by, path)
    if kind == "dinov3_vit" and sizes["hidden_size"] % (4 * sizes["num_attention_heads"]):
        raise BadCheckpoint(
            f"'{path}': hidden_size ({sizes['hidden_size']}) is not a multiple of 4 times num_attention_heads "
            f"({sizes['num_attention_heads']}), as rotary positions of rows and columns need."
        )
    extra = int(family.class_token) + sizes.get("num_register_tokens", 0)
    geometry = Geometry(
        width,
        sizes["num_hidden_layers"],
        patch,
        tubelet,
        frames,
        size,
        extra if family.video else 0,
        0 if family.video else extra,
        family.video,
        block_weights(sizes["num_hidden_layers"], width, inside) + 3 * tubelet * patch**2 * width,
    )
    found = of_few_tokens(geometry, path)
    if kind == "videomae" and found.tokens(frames, size) * width > MAX_POSITIONS:
        raise BadCheckpoint(f"'{path}': its table of positions has more than {MAX_POSITIONS:,} numbers.")
    return found


def _whole(field: str, value: Any, path: Path) -> int:
    return whole_number(field, value, *LIMITS[field], path)


def _tubelet(value: Any, path: Path) -> tuple[int, int]:
    """ViViT's tubelet_size (time, rows, columns) -> (tubelet, patch)."""
    if not isinstance(value, (list, tuple)) or len(value) != 3 or value[1] != value[2]:
        raise BadCheckpoint(f"'{path}': tubelet_size is {str(value)[:40]}, but must be three numbers: time, and a square patch.")
    return _whole("tubelet_size", value[0], path), _whole("patch_size", value[1], path)
