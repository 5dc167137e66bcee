"""A file of facebookresearch/jepa-wms in the folder of its encoder: told by what it holds, read weight by weight or refused.

Its training saves ``predictor``, and ``action_encoder`` and ``proprio_encoder`` where the predictor does not hold them; the optimiser lies
beside and is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jepascope.encoders.action_predictor import read_action_predictor
from jepascope.encoders.adaln_predictor import MODULATION, read_adaln_predictor
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.dino_wm_predictor import LAYERS, read_dino_wm_predictor
from jepascope.encoders.dinov2 import Dinov2Encoder
from jepascope.encoders.folder_files import CONFIG_FILE
from jepascope.encoders.geometry import known_family, read_json, sizes_of
from jepascope.encoders.jepa_wms import FRAMES, HEADS, WINDOW, JepaWM, published_as
from jepascope.encoders.meta_states import ENCODERS, PREDICTOR, bare
from jepascope.encoders.step_predictor import StepPredictor
from jepascope.encoders.torch_file import check_tensors
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.encoders.vjepa2_ac import ByFrame
from jepascope.encoders.world_model import WorldModel
from jepascope.errors import BadCheckpoint

BESIDE = ("action_encoder", "proprio_encoder")  # keys of what embeds numbers, where the predictor does not hold it
EMBEDDING = "patch_embed."  # what such a module calls its one layer, a convolution over one time
UNUSED = "extrinsics_encoder."
OFFSET = 0.1  # that Meta's hub adds to the grid that DINOv2's positions are interpolated to


def is_world_model(contents: Mapping[Any, Any]) -> bool:
    """Whether a file holds an action-conditioned predictor and no encoder."""
    predictor = contents.get(PREDICTOR)
    if not isinstance(predictor, dict) or any(isinstance(contents.get(key), dict) for key in ENCODERS):
        return False
    return any(isinstance(contents.get(key), dict) for key in BESIDE) or any(".action_encoder." in f".{name}" for name in predictor)


def read_predictor(path: Path, contents: Mapping[Any, Any]) -> tuple[JepaWM, StepPredictor]:
    """What it is published as, and its predictor. BadCheckpoint, in one sentence, where it is not what its name says."""
    published, weights = published_as(path), _weights(path, contents)
    check_tensors(path, weights.items())
    layout = layout_of(weights)
    if layout != published.layout:
        raise _other(path, published, f"a predictor of layout {layout}", published.layout)
    if layout == "AdaLN":
        predictor: StepPredictor = read_adaln_predictor(path, weights, HEADS)
    elif layout == "dino_wm":
        predictor = read_dino_wm_predictor(path, weights, published.places)
    else:
        own = {name.replace("proprio_encoder.", "state_encoder."): value for name, value in weights.items()}
        predictor = read_action_predictor(path, own, states=published.states > 0)
    if (has := (predictor.numbers, predictor.state_numbers)) != (wanted := (published.numbers, published.states)):
        numbers = "actions of {} numbers and states of {}"
        raise _other(path, published, numbers.format(*has), numbers.format(*wanted))
    return published, predictor


def layout_of(weights: Mapping[str, Tensor]) -> str:
    """AdaLN, dino_wm or vjepa2_ac, by the names of the weights."""
    if any(f".{MODULATION}." in name for name in weights):
        return "AdaLN"
    return "dino_wm" if any(name.startswith(f"{LAYERS}.") for name in weights) else "vjepa2_ac"


def check_encoder(path: Path, published: JepaWM, predictor: StepPredictor) -> None:
    """BadCheckpoint where the folder that a file lies in is none of its encoder: by family, width and patches, which are all that tells."""
    config_file = path.parent / CONFIG_FILE
    if not config_file.is_file():
        raise published.apart(path)
    config = read_json(config_file)
    family, sizes = known_family(config, config_file), sizes_of(config, config_file)
    if (family.name, sizes.width, sizes.patch) != (published.family, predictor.width, published.patch):
        its, other = (
            f"{width} wide, patches of {patch}" for width, patch in ((predictor.width, published.patch), (sizes.width, sizes.patch))
        )
        raise published.apart(path, f"{its}; its folder holds another encoder ({family.meaning}, {other})")


def world_model(path: Path, published: JepaWM, predictor: StepPredictor, encoder: VideoEncoder) -> WorldModel:
    """The two together, for frames of the size that it was trained on."""
    if isinstance(encoder, VJepa2Encoder):
        inner: VideoEncoder = ByFrame(encoder.at(encoder.card.frames, published.size), FRAMES)
    else:
        inner = (as_in_metas_hub(encoder, published.size) if isinstance(encoder, Dinov2Encoder) else encoder).at(FRAMES, published.size)
    read = (f"{path.name}: {published.words} ({path.stat().st_size:,} bytes)", inner.card.source)
    inner.card = replace(inner.card, name=path.name, source="; ".join(filter(None, read)))
    return WorldModel(inner, predictor, WINDOW, published.task, sized=True)


def as_in_metas_hub(encoder: Dinov2Encoder, size: int) -> Dinov2Encoder:
    """DINOv2 with its table of positions made for frames of ``size`` pixels as Meta's hub interpolates it, to a slightly larger grid.

    transformers interpolates to the grid itself, which gives other latents than those that the predictor was trained on.
    """
    model, side = encoder.model, size // encoder.sizes.patch
    table = model.embeddings.position_embeddings
    trained = round((table.shape[1] - 1) ** 0.5)
    if side != trained:
        places = table[:, 1:].unflatten(1, (trained, trained)).permute(0, 3, 1, 2)
        drawn = F.interpolate(places, scale_factor=((side + OFFSET) / trained,) * 2, mode="bicubic")
        drawn = torch.cat([table[:, :1], drawn.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)
        model.embeddings.position_embeddings = nn.Parameter(drawn, requires_grad=False)
    model.config.image_size = size
    return type(encoder)(model, encoder.card.name, encoder.extra, encoder.pixels)


def _weights(path: Path, contents: Mapping[Any, Any]) -> dict[str, Tensor]:
    """All that it goes on with, under the predictor's own names; what embeds numbers beside it as the matrix that it is."""
    weights = {name.removeprefix(f"{PREDICTOR}."): value for name, value in bare(path, PREDICTOR, contents[PREDICTOR]).items()}
    for key in BESIDE:
        for name, value in bare(path, key, contents[key]).items() if contents.get(key) is not None else ():
            own = name.replace(f"{key}.{EMBEDDING}", f"{key}.")
            if own == f"{key}.weight" and isinstance(value, Tensor) and value.ndim == 3 and value.shape[-1] == 1:
                value = value[..., 0]
            weights[own] = value
    return {name: value for name, value in weights.items() if not name.startswith(UNUSED)}


def _other(path: Path, published: JepaWM, has: str, wanted: str) -> BadCheckpoint:
    return BadCheckpoint(
        f"'{path}' has {has}, and {published.name} is published with {wanted}; give the file the name of the one that it is."
    )
