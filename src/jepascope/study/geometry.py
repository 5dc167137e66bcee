"""Width, depth and tokens of a study's model, from its configuration alone. Imports neither torch nor pandas."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jepascope.encoders.geometry import MAX_TOKENS, check_config, read_config
from jepascope.encoders.models import WEIGHTS, known_models
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
    path = WEIGHTS / spec.model / "config.json"
    if not path.exists():
        path = Path(spec.model).expanduser() / "config.json"
    known = {model.name: model for model in known_models()}
    if path.exists():
        config = read_config(path)
        sizes, head = check_config(config, path), names_head(config)
        asked = {"predictor_width": "pred_hidden_size", "predictor_depth": "pred_num_hidden_layers"}
        beside = {name: int(config[key]) for name, key in asked.items() if key in config}
        width, depth, patch, tubelet = sizes.width, sizes.depth, sizes.patch, sizes.tubelet
        frames, size = spec.frames or sizes.frames, spec.size or sizes.size
        parameters = known[spec.model].parameters if spec.model in known else 12 * depth * width * width
    elif spec.model in known:
        row = known[spec.model]
        predictor, head = row.predictor, bool(row.head)
        width, depth, parameters, patch, tubelet = row.width, row.depth, row.parameters, 16, 2
        frames, size = spec.frames or row.frames, spec.size or row.size
    else:
        raise BadArgument(f"There is no model '{spec.model}'; known are {', '.join(known)}, and any local folder with a config.json.")
    if frames % tubelet or size % patch:
        raise BadArgument(f"'{spec.model}' cannot take {frames} frames of {size} pixels: multiples of {tubelet} and {patch} are needed.")
    tokens = (frames // tubelet) * (size // patch) ** 2
    if tokens > MAX_TOKENS:
        raise BadArgument(f"{frames} frames of {size} pixels make {tokens:,} tokens a clip, more than {MAX_TOKENS:,}.")
    return Geometry(spec.model, width, depth, tokens, parameters, frames // tubelet, predictor, head, **beside)
