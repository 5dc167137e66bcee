"""Sizes of a model from its config.json, checked before anything is built from them. A stranger's config.json is only text.

Imports no torch, so that a plan is checked as a run is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jepascope.disk.named import NoFile, read_named
from jepascope.disk.plain import value_of
from jepascope.encoders.config_fields import LIMITS, block_weights, check_multiple, cube, ratio, whole
from jepascope.encoders.depths import context_layers
from jepascope.encoders.entries import ENCODERS, EncoderEntry, family_of
from jepascope.encoders.frame_tower import Tower, tower_of
from jepascope.encoders.lacking import kept_away
from jepascope.encoders.task_labels import names_head, task_labels
from jepascope.errors import BadCheckpoint

MAX_CONFIG_BYTES = 1_000_000
MAX_PREDICTOR = 2**28  # weights; those of V-JEPA 2 have 22 million. A checkpoint may lack it, so no file bounds it
MAX_TOKENS = 100_000  # a clip; ViT-g at 64 frames of 384 px has 18,432
IMAGE_FRAMES = 8  # of a clip, where an encoder of single images is not told otherwise; it takes any number


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
    by_frame: bool = False  # an encoder of images, run on every frame
    fixed: bool = False  # takes clips of this length and size alone
    tower: Tower | None = None  # what makes a token of each whole frame, of this size alone
    predictor_width: int = 0  # 0: no predictor that forecasts latents of its own
    predictor_depth: int = 0
    shown: tuple[int, ...] = ()  # layers whose latents the predictor is shown beside the last one's
    has_head: bool = False
    weights: int = 0  # at least, of its blocks and its patch embedding: what a checkpoint must hold

    def extra_of(self, frames: int) -> int:
        """Tokens beside the grid, of a clip of some frames."""
        return self.extra + frames * self.extra_per_frame

    def tokens(self, frames: int, size: int) -> int:
        """Tokens of a clip: the grid's and the extra ones."""
        return (frames // self.tubelet) * (size // self.patch) ** 2 + self.extra_of(frames)

    def unfit(self, frames: int, size: int) -> str:
        """Why clips of another length or size are not taken, to be said behind the encoder's name; "" where they are."""
        if self.fixed and (frames, size) != (self.frames, self.size):
            return f"takes clips of {self.frames} frames of {self.size} pixels alone, not {frames} of {size}"
        if self.tower and size != self.size:
            return f"takes frames of {self.size} pixels alone, not of {size}"
        if frames < self.tubelet or frames % self.tubelet or size < self.patch or size % self.patch:
            return (
                f"cannot take {frames} frames of {size} pixels: frames must be a multiple of {self.tubelet} and the size a multiple of "
                f"{self.patch}"
            )
        return ""


def geometry_of(family: EncoderEntry, sizes: Mapping[str, Any], has_head: bool = False) -> Geometry:
    """The geometry of a model of a family, from sizes that are not the family's own."""
    sizes = {**{size: default for size, (_, default) in family.sizes.items()}, **sizes}
    by_frame = "frames" not in sizes
    forecasts = family.predictor and not sizes.get("teacher")
    extra = int(family.class_token) + sizes.get("registers", 0)
    tubelet, patch = sizes.get("tubelet", 1), sizes.get("patch")
    if patch is None and family.tower:
        patch = sizes["size"]
    elif patch is None:  # a tubelet of three numbers: time, and a square patch
        tubelet, patch, _ = tubelet
    depth = sizes["depth"] + sizes.get("depth_in_time", 0)
    return Geometry(
        width=sizes["width"],
        depth=depth,
        patch=patch,
        tubelet=tubelet,
        frames=sizes.get("frames", IMAGE_FRAMES),
        size=sizes["size"],
        extra=0 if by_frame else extra,
        extra_per_frame=extra if by_frame else 0,
        by_frame=by_frame,
        fixed=family.fixed,
        predictor_width=sizes["predictor_width"] if forecasts else 0,
        predictor_depth=sizes["predictor_depth"] if forecasts else 0,
        shown=context_layers(depth, sizes.get("levels", 1))[:-1] if forecasts else (),
        has_head=has_head,
    )


def read_json(path: Path) -> dict[str, Any]:
    """A file of settings as a dictionary; BadCheckpoint in one sentence for anything else."""
    try:
        config = value_of(read_named(path, MAX_CONFIG_BYTES))
    except NoFile as error:
        raise BadCheckpoint(f"'{path}' is not a configuration file ({error}); download it again.") from None
    except (OSError, ValueError) as error:
        if (lack := kept_away(path, error)) is not None:
            raise lack from None
        raise BadCheckpoint(f"'{path}' is not a readable configuration ({error}); download it again.") from None
    if not isinstance(config, dict):
        raise BadCheckpoint(f"'{path}' does not hold a configuration (it is a {type(config).__name__}); download it again.")
    return config


def known_family(config: Mapping[str, Any], path: Path) -> EncoderEntry:
    """The family of a config.json; BadCheckpoint for a model of none that is read."""
    family = family_of(config)
    if family is None:
        known = ", ".join(entry.meaning for entry in ENCODERS.own.values())
        raise BadCheckpoint(f"'{path}' is of a '{str(config.get('model_type'))[:40]}' model; jepascope reads {known}.")
    return family


def own_fields(config: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """The fields of the encoder itself, where a config.json is of a whole that holds it; BadCheckpoint where they are not there."""
    fields: Any = config
    for key in known_family(config, path).within.get(str(config.get("model_type")), ()):
        fields = fields.get(key)
        if not isinstance(fields, Mapping):
            raise BadCheckpoint(f"'{path}': {key} does not describe the video encoder; download it again.")
    return fields  # type: ignore[no-any-return]


def sizes_of(config: Mapping[str, Any], path: Path) -> Geometry:
    """The model's sizes, or BadCheckpoint that names the field and what is allowed."""
    family, config = known_family(config, path), own_fields(config, path)
    for name, values in family.choices.items():
        if (value := config.get(name, values[0])) not in values:
            allowed = f"{', '.join(map(str, values))}{'' if len(values) > 1 else f', as {family.meaning} is read'}"
            raise BadCheckpoint(f"'{path}': {name} is {str(value)[:40]!a}, but must be one of: {allowed}.")
    tower = tower_of(config.get(family.tower), path) if family.tower else None
    sizes: dict[str, Any] = {}
    for size, (name, default) in family.sizes.items():
        value = tower.size if tower and size == "size" else config.get(name, default)
        sizes[size] = cube(name, value, path) if isinstance(default, tuple) else whole(name, value, LIMITS[size], path)
    names = {size: name for size, (name, _) in family.sizes.items()} | {"patch": "the patch size", "tubelet": "the tubelet size"}
    geometry = geometry_of(family, sizes, names_head(config, family.classifier))
    width, times = geometry.width, f"{family.head_multiple} times " if family.head_multiple > 1 else ""
    check_multiple(names["width"], width, f"{times}{names['heads']}", family.head_multiple * sizes["heads"], path)
    check_multiple(names["size"], geometry.size, names["patch"], geometry.patch, path)
    if "head_width" in sizes:
        check_multiple(names["head_width"], sizes["head_width"], "2", 2, path)
    check_multiple(names.get("frames", ""), geometry.frames, names["tubelet"], geometry.tubelet, path)
    inside = sizes.get("inside", int(ratio(config, "mlp_ratio", path) * width))
    weights = block_weights(geometry.depth, width, inside, sizes["heads"] * sizes.get("head_width", 0))
    weights += tower.weights if tower else 3 * geometry.tubelet * geometry.patch**2 * width
    if "predictor_width" in sizes:  # which is built also where it is not run
        _check_predictor(config, sizes, names, path)
    if geometry.has_head:
        task_labels(config, path)
        weights += block_weights(sizes["poolers"], width, inside)
    tokens = geometry.tokens(geometry.frames, geometry.size)
    if tokens > MAX_TOKENS:
        raise BadCheckpoint(
            f"'{path}': {geometry.frames} frames of {geometry.size} pixels make {tokens:,} tokens a clip, more than {MAX_TOKENS:,}."
        )
    if family.most_positions and tokens * width > family.most_positions:
        raise BadCheckpoint(f"'{path}': its table of positions has more than {family.most_positions:,} numbers.")
    return replace(geometry, weights=weights, tower=tower)


def _check_predictor(config: Mapping[str, Any], sizes: Mapping[str, int], names: Mapping[str, str], path: Path) -> None:
    width, heads = sizes["predictor_width"], sizes["predictor_heads"]
    check_multiple(names["predictor_width"], width, names["predictor_heads"], heads, path)
    weights = block_weights(sizes["predictor_depth"], width, int(ratio(config, "pred_mlp_ratio", path) * width))
    if weights > MAX_PREDICTOR:
        raise BadCheckpoint(f"'{path}' describes a predictor of {weights:,} weights, more than {MAX_PREDICTOR:,}.")
