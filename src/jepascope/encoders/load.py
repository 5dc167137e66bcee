"""load_encoder: a shipped name, a local folder, a .pt file of Meta's, or a hub name -> a tested, frozen encoder."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch
from transformers import VJEPA2Model

from jepascope.encoders.at_hand import place
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.entries import ENCODERS
from jepascope.encoders.families import encoder_of
from jepascope.encoders.geometry import MAX_TOKENS
from jepascope.encoders.pixels import FILES
from jepascope.encoders.reading import EXTRAS, read
from jepascope.encoders.selftest import last_latents, self_test, settled_test
from jepascope.encoders.task_labels import CLASSIFIER
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument


def load_encoder(
    name: str | Path,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    frames: int | None = None,
    size: int | None = None,
    compiled: bool = False,
) -> VideoEncoder:
    """A frozen encoder that passed its self-test.

    ``name``: "nano" or "nano-wide" (shipped), a local folder in Hugging Face format (config.json, model.safetensors), or a hub
    name such as "facebook/vjepa2-vitl-fpc64-256" (fetched unless it is in the hub's cache); of these only safetensors are
    read, never pickles. Or a .pt file of Meta's (see ``load_meta``), of which tensors are read and nothing is run. Or code, because you
    name it: ``package.module:attribute``, or what an installed package calls its own, a VideoEncoder or a function that returns one.
    Pixels are normalised as a (video_)preprocessor_config.json beside the weights says, else as the family was trained (see ``Pixels``).
    The family is config.json's model_type (geometry.FAMILY_NAMES); of those other than V-JEPA 2 the encoder
    alone is read. A V-JEPA 2 classifier (architectures: VJEPA2ForVideoClassification) keeps its task head; a checkpoint that holds
    no weight of a predictor gives an encoder without one. ``frames`` and ``size`` set the clips it takes; default: what the
    checkpoint was made for. The self-test is exact: it runs in float32 on the CPU, before the encoder is moved, cast to ``dtype`` and
    compiled (one warning where there is no compiler); a looser one follows.
    Raises BadArgument for an unknown name, BadCheckpoint for a missing, damaged or foreign checkpoint.
    """
    _check_device(device)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise BadArgument(f"dtype: must be torch.float32 or another floating dtype of torch (given: {dtype!r}).")
    encoder = of_code(str(name)) if place(str(name)).kind == "code" else _of_checkpoint(str(name))
    self_test(encoder)
    _settle(encoder, device, dtype, compiled)
    fitted = encoder.at(frames or encoder.card.frames, size or encoder.card.size)
    if fitted.card.tokens > MAX_TOKENS:
        raise BadArgument(
            f"{fitted.card.frames} frames of {fitted.card.size} pixels make {fitted.card.tokens:,} tokens a clip, more than {MAX_TOKENS:,}."
        )
    return fitted


def _of_checkpoint(name: str) -> VideoEncoder:
    found = read(name)
    return encoder_of(found.model, found.label, found.extra, found.head, found.pixels)


def of_code(name: str) -> VideoEncoder:
    """The encoder that code names: itself, or what a function without arguments returns. BadArgument for anything else."""
    with ENCODERS.blamed(name):
        given = ENCODERS.load(name)
        given = given() if callable(given) else given
    if not isinstance(given, VideoEncoder):
        raise BadArgument(
            f"encoder '{name}' is a {type(given).__name__}; it has to be a VideoEncoder, as jepascope.wrap makes one, or a function "
            "without arguments that returns one."
        )
    return given


def _check_device(device: str) -> None:
    try:
        held = torch.empty(0, device=torch.device(device))
    except (RuntimeError, AssertionError, TypeError) as error:
        raise BadArgument(
            f"Device '{device}' cannot be used: {str(error).splitlines()[0]}. Use --device cpu, or check `jepascope doctor`."
        ) from None
    if held.device.type == "meta":
        raise BadArgument("Device 'meta' holds no values, so nothing can be computed on it. Use --device cpu or cuda.")


def _settle(encoder: VideoEncoder, device: str, dtype: torch.dtype, compiled: bool) -> None:
    """To its device and precision, compiled or not, and held against what it was before."""
    if (torch.device(device).type, dtype, compiled) == ("cpu", torch.float32, False):
        return
    before = last_latents(encoder)
    try:
        encoder.to(device, dtype)
    except RuntimeError as error:
        raise BadArgument(
            f"Encoder '{encoder.card.name}' cannot be moved to '{device}': {str(error).splitlines()[0]}. "
            "Use --device cpu, --dtype bfloat16, or a device with more memory."
        ) from None
    if compiled:
        encoder.compile()
    settled_test(encoder, before)


def save_encoder(encoder: VJepa2Encoder, folder: Path, extra: dict[str, Any]) -> None:
    """Write a folder that ``load_encoder`` reads, head included: config.json, half-precision safetensors, jepascope.json."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config, state = copy.deepcopy(encoder.model.config), dict(encoder.model.state_dict())
    if encoder.head is None:
        config.architectures = [VJEPA2Model.__name__]
    else:
        config.architectures, config.id2label = [CLASSIFIER], dict(enumerate(encoder.head_labels))
        config.label2id = {label: row for row, label in config.id2label.items()}
        state = {**{f"vjepa2.{name}": value for name, value in state.items()}, **encoder.head.state_dict()}
    config.save_pretrained(folder)
    weights = {name: value.detach().half().contiguous().cpu() for name, value in state.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    if encoder.pixels.constants != encoder.trained.constants:
        (folder / FILES[-1]).write_text(json.dumps(encoder.pixels.settings))
    parameters = sum(value.numel() for value in weights.values())
    (folder / EXTRAS).write_text(json.dumps({**encoder.extra, **extra, "parameters": parameters}, indent=1, sort_keys=True) + "\n")
