"""load_encoder: a shipped name, a local folder, a .pt file of Meta's, or a hub name -> a tested, frozen encoder."""

from __future__ import annotations

import copy
import json
import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from transformers import PreTrainedModel, VJEPA2Model

from jepascope.encoders.families import encoder_of, from_pretrained
from jepascope.encoders.family_sizes import sizes_of
from jepascope.encoders.geometry import MAX_TOKENS, read_config
from jepascope.encoders.head import TaskHead
from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.meta import load_meta
from jepascope.encoders.models import TORCH_FILES, WEIGHTS, known_models, shipped_models
from jepascope.encoders.pretrained import Unreadable
from jepascope.encoders.selftest import self_test
from jepascope.encoders.task_labels import CLASSIFIER
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadCheckpoint

EXTRAS = "jepascope.json"  # beside config.json: what transformers' configuration has no field for (the predictor's target space)

Loaded = tuple[PreTrainedModel, TaskHead | None, dict[str, Any]]


def load_encoder(
    name: str, device: str = "cpu", dtype: torch.dtype = torch.float32, frames: int | None = None, size: int | None = None
) -> VJepa2Encoder | LibraryEncoder:
    """A frozen encoder that passed its self-test.

    ``name``: "nano" or "nano-wide" (shipped), a local folder in Hugging Face format (config.json, model.safetensors), or a hub
    name such as "facebook/vjepa2-vitl-fpc64-256" (fetched by transformers unless it is in its cache); of these only safetensors are
    read, never pickles. Or a .pt file of Meta's (see ``load_meta``), of which tensors are read and nothing is run.
    The family is config.json's model_type (geometry.FAMILY_NAMES); of those other than V-JEPA 2 the encoder
    alone is read. A V-JEPA 2 classifier (architectures: VJEPA2ForVideoClassification) keeps its task head; a checkpoint that holds
    no weight of a predictor gives an encoder without one. ``frames`` and ``size`` set the clips it takes; default: what the
    checkpoint was made for.
    Raises BadArgument for an unknown name, BadCheckpoint for a missing, damaged or foreign checkpoint.
    """
    shipped = {model.name for model in shipped_models()}
    path = Path(name).expanduser()
    if name in shipped:
        model, head, extra, label = *_read(WEIGHTS / name, name), name
    elif path.is_dir():
        model, head, extra, label = *_read(path, name), path.resolve().name
    elif path.is_file() and path.suffix in TORCH_FILES:
        model, head, extra, label = *load_meta(path), path.name
    elif path.exists() or name.startswith(("/", "./", "../", "~")) or path.suffix in (*TORCH_FILES, ".safetensors"):
        raise BadCheckpoint(
            f"'{name}' is not a folder with config.json and model.safetensors; "
            f"give such a folder, a .pt file of Meta's, a hub name, or one of: {', '.join(sorted(shipped))}."
        )
    elif name.count("/") == 1:
        model, head, extra, label = *_fetch(name), name
    else:
        raise BadArgument(
            f"There is no model '{name}'; known are {', '.join(m.name for m in known_models())}, and any local folder or hub name."
        )
    try:
        encoder = encoder_of(model.to(dtype), label, extra, None if head is None else head.to(dtype)).to(device)
    except (RuntimeError, AssertionError) as error:
        raise BadArgument(
            f"Device '{device}' cannot be used: {str(error).splitlines()[0]}. Use --device cpu, or check `jepascope doctor`."
        ) from None
    if encoder.device.type == "meta":
        raise BadArgument("Device 'meta' holds no values, so nothing can be computed on it. Use --device cpu or cuda.")
    self_test(encoder)
    fitted = encoder.at(frames or encoder.card.frames, size or encoder.card.size)
    if fitted.card.tokens > MAX_TOKENS:
        raise BadArgument(
            f"{fitted.card.frames} frames of {fitted.card.size} pixels make {fitted.card.tokens:,} tokens a clip, more than {MAX_TOKENS:,}."
        )
    return fitted


def _read(folder: Path, name: str) -> Loaded:
    """A local folder; every way in which it can be wrong is one sentence."""
    config_file = folder / "config.json"
    if not config_file.exists():
        raise BadCheckpoint(f"'{name}' has no config.json; a checkpoint folder holds config.json and model.safetensors.")
    if not any(folder.glob("*.safetensors")):
        raise BadCheckpoint(
            f"'{name}' has no .safetensors weights (pickled weights are never read); download the safetensors files into it."
        )
    sizes_of(read_config(config_file), config_file)
    extra: dict[str, Any] = {}
    if (folder / EXTRAS).exists():
        try:
            extra = dict(json.loads((folder / EXTRAS).read_text()))
        except (ValueError, TypeError, OSError, RecursionError) as error:
            raise BadCheckpoint(f"'{folder / EXTRAS}' is damaged ({error}); download the checkpoint again.") from None
    return *from_pretrained(str(folder), name, local=True), extra


def _fetch(name: str) -> Loaded:
    """transformers' cache first; the network only when it answers."""
    from huggingface_hub import constants, try_to_load_from_cache

    cached = isinstance(try_to_load_from_cache(name, "config.json"), str)
    if cached or not _answers(constants.ENDPOINT):
        reason = "" if cached else f"; {urlsplit(constants.ENDPOINT).hostname} does not answer"
        try:
            return *from_pretrained(name, name, local=True), {}
        except Unreadable:
            folder = name.split("/")[-1]
            raise BadCheckpoint(
                f"'{name}' is not complete in the local cache and cannot be fetched from here{reason}. On a machine with a network run "
                f"`hf download {name} --local-dir {folder}`, copy that folder here, and pass --model ./{folder}."
            ) from None
    return *from_pretrained(name, name, local=False), {}


def _answers(endpoint: str, seconds: float = 3.0) -> bool:
    """Whether the hub can be reached at all: transformers itself would retry for half a minute before it says no."""
    parts = urlsplit(endpoint)
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return False
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 443), timeout=seconds):
            return True
    except OSError:
        return False


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
    parameters = sum(value.numel() for value in weights.values())
    (folder / EXTRAS).write_text(json.dumps({**encoder.extra, **extra, "parameters": parameters}, indent=1, sort_keys=True) + "\n")
