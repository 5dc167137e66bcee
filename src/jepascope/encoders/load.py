"""load_encoder: a shipped name, a local folder, or a hub name -> a tested, frozen encoder."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from transformers import VJEPA2Config, VJEPA2Model

from jepascope.encoders.geometry import MAX_TOKENS, check_config, read_config
from jepascope.encoders.models import WEIGHTS, known_models, shipped_models
from jepascope.encoders.selftest import self_test
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadCheckpoint

EXTRAS = "jepascope.json"  # beside config.json: what transformers' configuration has no field for (the predictor's target space)
HEAD_KEYS = ("pooler.", "classifier.")


def load_encoder(
    name: str, device: str = "cpu", dtype: torch.dtype = torch.float32, frames: int | None = None, size: int | None = None
) -> VJepa2Encoder:
    """A frozen encoder that passed its self-test.

    ``name``: "nano" or "nano-wide" (shipped), a local folder in Hugging Face format (config.json, model.safetensors), or a hub
    name such as "facebook/vjepa2-vitl-fpc64-256" (fetched by transformers unless it is in its cache). Only safetensors are
    read, never pickles. ``frames`` and ``size`` set the clips it takes; default: what the checkpoint was made for.
    Raises BadArgument for an unknown name, BadCheckpoint for a missing, damaged or foreign checkpoint.
    """
    shipped = {model.name for model in shipped_models()}
    path = Path(name).expanduser()
    if name in shipped:
        model, extra, label = *_read(WEIGHTS / name, name), name
    elif path.is_dir():
        model, extra, label = *_read(path, name), path.resolve().name
    elif path.exists() or name.startswith(("/", "./", "../", "~")) or path.suffix in (".pt", ".pth", ".safetensors"):
        raise BadCheckpoint(
            f"'{name}' is not a folder with config.json and model.safetensors; "
            f"give such a folder, a hub name, or one of: {', '.join(sorted(shipped))}."
        )
    elif name.count("/") == 1:
        model, extra, label = *_fetch(name), name
    else:
        raise BadArgument(
            f"There is no model '{name}'; known are {', '.join(m.name for m in known_models())}, and any local folder or hub name."
        )
    try:
        encoder = VJepa2Encoder(model.to(dtype), label, extra).to(device)
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


def _read(folder: Path, name: str) -> tuple[VJEPA2Model, dict[str, Any]]:
    """A local folder; every way in which it can be wrong is one sentence."""
    config_file = folder / "config.json"
    if not config_file.exists():
        raise BadCheckpoint(f"'{name}' has no config.json; a checkpoint folder holds config.json and model.safetensors.")
    if not any(folder.glob("*.safetensors")):
        raise BadCheckpoint(
            f"'{name}' has no .safetensors weights (pickled weights are never read); download the safetensors files into it."
        )
    check_config(read_config(config_file), config_file)
    extra: dict[str, Any] = {}
    if (folder / EXTRAS).exists():
        try:
            extra = dict(json.loads((folder / EXTRAS).read_text()))
        except (ValueError, TypeError, OSError, RecursionError) as error:
            raise BadCheckpoint(f"'{folder / EXTRAS}' is damaged ({error}); download the checkpoint again.") from None
    return _from_pretrained(str(folder), name, local=True), extra


def _fetch(name: str) -> tuple[VJEPA2Model, dict[str, Any]]:
    """transformers' cache first; the network only when it answers."""
    from huggingface_hub import constants, try_to_load_from_cache

    cached = isinstance(try_to_load_from_cache(name, "config.json"), str)
    if cached or not _answers(constants.ENDPOINT):
        reason = "" if cached else f"; {urlsplit(constants.ENDPOINT).hostname} does not answer"
        try:
            return _from_pretrained(name, name, local=True), {}
        except BadCheckpoint:
            folder = name.split("/")[-1]
            raise BadCheckpoint(
                f"'{name}' is not complete in the local cache and cannot be fetched from here{reason}. On a machine with a network run "
                f"`hf download {name} --local-dir {folder}`, copy that folder here, and pass --model ./{folder}."
            ) from None
    return _from_pretrained(name, name, local=False), {}


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


def _from_pretrained(source: str, name: str, local: bool) -> VJEPA2Model:
    try:
        with _quiet():
            config = VJEPA2Config.from_pretrained(source, local_files_only=local)
            model, info = VJEPA2Model.from_pretrained(
                source,
                config=config,
                use_safetensors=True,
                local_files_only=local,
                output_loading_info=True,
                dtype=torch.float32,
                ignore_mismatched_sizes=True,  # reported in ``info`` and refused below, in our words
            )
    except Exception as error:  # transformers raises a dozen kinds; each means the same to the caller
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadCheckpoint(f"'{name}' could not be loaded: {first[:300]} -- is it complete? Download it again.") from None
    missing = sorted(info["missing_keys"])
    unexpected = sorted(key for key in info["unexpected_keys"] if not key.startswith(HEAD_KEYS))
    mismatched = sorted(str(key) for key in info.get("mismatched_keys", ()))
    for what, keys in (("lacks", missing), ("has unknown", unexpected), ("has misshapen", mismatched)):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise BadCheckpoint(f"'{name}' {what} weights: {keys[0]}{more}. It does not fit its config.json.")
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """transformers' own bars and warnings off: what matters of them is checked below and said in one sentence."""
    from transformers.utils import logging as bars

    loggers = [logging.getLogger(name) for name in ("transformers", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if shown:
            bars.enable_progress_bar()


def save_encoder(encoder: VJepa2Encoder, folder: Path, extra: dict[str, Any]) -> None:
    """Write a folder that ``load_encoder`` reads: config.json, half-precision safetensors, jepascope.json."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    encoder.model.config.save_pretrained(folder)
    weights = {name: value.detach().half().contiguous().cpu() for name, value in encoder.model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    parameters = sum(value.numel() for value in weights.values())
    (folder / EXTRAS).write_text(json.dumps({**encoder.extra, **extra, "parameters": parameters}, indent=1, sort_keys=True) + "\n")
