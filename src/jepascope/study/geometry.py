"""Width, depth and tokens of a study's model, from its configuration alone. Imports neither torch nor pandas."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jepascope.encoders.at_hand import Place, not_here, place
from jepascope.encoders.family_sizes import sizes_of
from jepascope.encoders.folder_files import config_of
from jepascope.encoders.geometry import MAX_TOKENS, read_config
from jepascope.encoders.geometry import Geometry as Sizes
from jepascope.encoders.models import TORCH_FILES, known_models
from jepascope.encoders.rotary_rule import V2, rotary_rule
from jepascope.encoders.task_labels import names_head
from jepascope.errors import BadArgument
from jepascope.study.spec import StudySpec


@dataclass(frozen=True)
class Geometry:
    """What counting needs to know of a model."""

    name: str
    width: int
    depth: int
    tokens: int
    parameters: int
    times: int  # tubelets of a clip
    has_predictor: bool = True
    has_head: bool = False
    predictor_width: int = 384
    predictor_depth: int = 12


def geometry(spec: StudySpec) -> Geometry:
    """Width, depth and tokens from a shipped or local config.json or the list of known models."""
    predictor, head, beside = True, False, {}  # whether weights hold a predictor cannot be told from a configuration
    known = {name: model for model in known_models() for name in (model.torch_file, model.name) if name}
    row = known.get(Path(spec.model).name if spec.model.endswith(TORCH_FILES) else spec.model)
    where = Place("hub") if row and not (row.shipped or Path(spec.model).expanduser().is_dir()) else place(spec.model)
    if where.kind == "code":
        return _of_code(spec)
    if where.path is not None and where.kind != "file":
        path = config_of(where.path, spec.model)
        config = read_config(path)
        sizes, head = sizes_of(config, path), names_head(config)
        predictor = config["model_type"] == "vjepa2" and rotary_rule(config, path) == V2  # of V-JEPA 2.1 none is read
        asked = {"predictor_width": "pred_hidden_size", "predictor_depth": "pred_num_hidden_layers"}
        beside = {name: int(config[key]) for name, key in asked.items() if key in config}
        parameters = row.parameters if row else 12 * sizes.depth * sizes.width * sizes.width
    elif row:
        predictor, head = row.predictor, bool(row.head)
        parameters = row.parameters
        sizes = Sizes(row.width, row.depth, row.patch, row.tubelet, row.frames, row.size, row.extra, row.extra_per_frame, row.fixed)
    elif where.kind == "file":
        raise BadArgument(
            f"'{spec.model}' has no config.json to count from, and plan opens no weights; `jepascope run` reads it. To count, name the "
            "checkpoint's twin among `jepascope models`."
        )
    else:
        raise not_here(spec.model, "is not on this machine, and plan fetches nothing")
    frames, size = spec.frames or sizes.frames, spec.size or sizes.size
    if sizes.fixed and (frames, size) != (sizes.frames, sizes.size):
        raise BadArgument(f"'{spec.model}' takes clips of {sizes.frames} frames of {sizes.size} pixels alone, not {frames} of {size}.")
    if frames % sizes.tubelet or size % sizes.patch:
        raise BadArgument(
            f"'{spec.model}' cannot take {frames} frames of {size} pixels: multiples of {sizes.tubelet} and {sizes.patch} are needed."
        )
    tokens = sizes.tokens(frames, size)
    if tokens > MAX_TOKENS:
        raise BadArgument(f"{frames} frames of {size} pixels make {tokens:,} tokens a clip, more than {MAX_TOKENS:,}.")
    return Geometry(spec.model, sizes.width, sizes.depth, tokens, parameters, frames // sizes.tubelet, predictor, head, **beside)


def _of_code(spec: StudySpec) -> Geometry:
    """Of code what its encoder says, which is made for it; this imports torch."""
    from jepascope.encoders.load import load_encoder

    card = load_encoder(spec.model, frames=spec.frames, size=spec.size).card
    weights = 12 * card.depth * card.width * card.width
    return Geometry(card.name, card.width, card.depth, card.tokens, weights, card.grid[0], card.has_predictor, card.has_head)
