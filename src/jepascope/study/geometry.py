"""Width, depth and tokens of a study's model, from its configuration alone. Imports neither torch nor pandas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jepascope.encoders.at_hand import Place, not_here, place
from jepascope.encoders.folder_files import CONFIG_FILE, config_of
from jepascope.encoders.frame_tower import Tower
from jepascope.encoders.geometry import MAX_TOKENS, read_json, sizes_of
from jepascope.encoders.jepa_wms import FRAMES, named
from jepascope.encoders.models import TORCH_FILES, known_models
from jepascope.errors import BadArgument
from jepascope.study.spec import StudySpec


def block_parameters(depth: int, width: int) -> int:
    """Weights of the blocks of a transformer whose MLPs are four times as wide, roughly."""
    return 12 * depth * width**2


@dataclass(frozen=True)
class Geometry:
    """What counting needs to know of a model."""

    name: str
    width: int
    depth: int
    tokens: int
    pixels: int  # numbers of a clip's
    parameters: int
    times: int  # tubelets of a clip
    has_predictor: bool = True
    has_head: bool = False
    actions: int = 0
    predictor_width: int = 384
    predictor_depth: int = 12
    shown: tuple[int, ...] = ()  # layers whose latents the predictor is shown beside the last one's
    tower: Tower | None = None  # what makes a token of each frame


def geometry(spec: StudySpec) -> Geometry:
    """Width, depth and tokens from a shipped or local config.json or the list of known models."""
    known = {name: model for model in known_models() for name in (model.torch_file, model.name) if name}
    row = known.get(Path(spec.model).name if spec.model.endswith(TORCH_FILES) else spec.model)
    where = Place("hub") if row and not (row.shipped or Path(spec.model).expanduser().is_dir()) else place(spec.model)
    if where.kind == "code":
        return _of_code(spec)
    actions = 0
    if where.path is not None and where.kind != "file":
        path = config_of(where.path, spec.model)
        sizes = sizes_of(read_json(path), path)
        blocks = block_parameters(sizes.depth, sizes.width) + (sizes.tower.weights if sizes.tower else 0)
        parameters = row.parameters if row else blocks
    elif row:
        sizes, parameters, actions = row.sizes, row.parameters, row.actions
    elif where.path is not None and (world := named(where.path)) is not None:
        if not (config := where.path.parent / CONFIG_FILE).is_file():
            raise world.apart(where.path)
        if spec.size not in (None, world.size):
            raise BadArgument(f"'{spec.model}' takes frames of {world.size} pixels alone, not of {spec.size}.")
        sizes = replace(sizes_of(read_json(config), config), tubelet=1, frames=FRAMES, size=world.size, predictor_width=0)
        parameters, actions = block_parameters(sizes.depth, sizes.width), world.numbers
    elif where.kind == "file":
        raise BadArgument(
            f"'{spec.model}' has no config.json to count from, and plan opens no weights; `jepascope run` reads it. To count, name the "
            "checkpoint's twin among `jepascope models`."
        )
    else:
        raise not_here(spec.model, "is not on this machine, and plan fetches nothing")
    frames, size = spec.frames or sizes.frames, spec.size or sizes.size
    if why := sizes.unfit(frames, size):
        raise BadArgument(f"'{spec.model}' {why}.")
    tokens = sizes.tokens(frames, size)
    if tokens > MAX_TOKENS:
        raise BadArgument(f"{frames} frames of {size} pixels make {tokens:,} tokens a clip, more than {MAX_TOKENS:,}.")
    # whether weights hold a predictor cannot be told from a configuration
    beside: dict[str, Any] = {"has_predictor": False}
    if sizes.predictor_width:
        beside = {field: getattr(sizes, field) for field in ("predictor_width", "predictor_depth", "shown")}
    return Geometry(
        spec.model,
        sizes.width,
        sizes.depth,
        tokens,
        frames * 3 * size**2,
        parameters,
        frames // sizes.tubelet,
        has_head=sizes.has_head,
        actions=actions,
        tower=sizes.tower,
        **beside,
    )


def _of_code(spec: StudySpec) -> Geometry:
    """Of code what its encoder says, which is made for it; this imports torch."""
    from jepascope.encoders.load import load_encoder

    card = load_encoder(spec.model, frames=spec.frames, size=spec.size).card
    weights = block_parameters(card.depth, card.width)
    sizes = (card.width, card.depth, card.tokens, card.pixels)
    return Geometry(card.name, *sizes, weights, card.grid[0], card.has_predictor, card.has_head, card.actions)
