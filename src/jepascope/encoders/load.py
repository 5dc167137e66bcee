"""load_encoder: a shipped name, a local folder, a .pt file of Meta's, a hub name, or code -> a tested, frozen encoder."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch

from jepascope.disk.folder import Folder
from jepascope.encoders.at_hand import find, not_here
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.entries import ENCODERS
from jepascope.encoders.folder_files import CONFIG_FILE, INDEX_FILE, WEIGHTS_FILE, check_folder, config_of
from jepascope.encoders.geometry import MAX_TOKENS, known_family, read_json, sizes_of
from jepascope.encoders.jepa_wms_file import check_encoder, is_world_model, read_predictor, world_model
from jepascope.encoders.lacking import kept_away
from jepascope.encoders.meta import load_meta
from jepascope.encoders.pixels import FILES, Pixels, read_pixels, settled
from jepascope.encoders.pretrained import Unreadable
from jepascope.encoders.selftest import last_latents, self_test, settled_test
from jepascope.encoders.torch_file import read_torch_file
from jepascope.encoders.vjepa2 import DECLARED, VJepa2Encoder
from jepascope.encoders.vjepa2_ac import action_conditioned
from jepascope.errors import BadArgument, BadCheckpoint, first_line

EXTRAS = "jepascope.json"  # beside config.json: what transformers' configuration has no field for (the predictor's target space)
LONGEST = 300  # characters of where weights came from
OF_THE_HUB = ("config.json", WEIGHTS_FILE, INDEX_FILE, "model-*-of-*.safetensors", *FILES)


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
    read, never pickles. Or a .pt file of Meta's (see ``load_meta``), of which tensors are read and nothing is run; or one of
    jepa-wms, in the folder of its encoder (see ``read_predictor``), which gives a WorldModel. Or code, because you name it:
    ``package.module:attribute``, or what an installed package calls its own, a VideoEncoder or a function that returns one.
    Pixels are normalised as preprocessor_config.json (or video_preprocessor_config.json) beside the weights says, else as the family was
    trained (see ``Pixels``). The family is told by config.json (``entries.family_of``); of those other than V-JEPA 2 the encoder
    alone is read. A V-JEPA 2 classifier (architectures: VJEPA2ForVideoClassification) keeps its task head; a checkpoint that holds
    no weight of a predictor gives an encoder without one. ``frames`` and ``size`` set the clips it takes; default: what the
    checkpoint was made for. The self-test is exact: it runs in float32 on the CPU, before the encoder is moved, cast to ``dtype`` and
    compiled (one warning where there is no compiler); a looser one follows.
    Raises BadArgument for an unknown name, BadCheckpoint for a missing, damaged or foreign checkpoint.
    """
    check_device(device)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise BadArgument(f"dtype: must be torch.float32 or another floating dtype of torch (given: {dtype!r}).")
    encoder = _untested(str(name))
    self_test(encoder)
    _settle(encoder, device, dtype, compiled)
    fitted = encoder.at(frames or encoder.card.frames, size or encoder.card.size)
    if fitted.card.tokens > MAX_TOKENS:
        raise BadArgument(
            f"{fitted.card.frames} frames of {fitted.card.size} pixels make {fitted.card.tokens:,} tokens a clip, more than {MAX_TOKENS:,}."
        )
    return fitted


def _untested(name: str) -> VideoEncoder:
    """The encoder of a name; every way in which a checkpoint can be wrong is one sentence."""
    where = find(name)
    if where.kind == "code":
        return of_code(name)
    if where.path is None or where.kind == "cache":
        return _fetched(name, where.kind == "cache")
    if where.kind == "file":
        contents = read_torch_file(where.path)
        if is_world_model(contents):
            return _world(where.path, contents)
        model, extra, acting = load_meta(where.path, contents)
        kind = ENCODERS.load(known_family(model.config.to_dict(), where.path).name)
        encoder: VJepa2Encoder = kind(model, where.path.name, extra)
        return action_conditioned(encoder, where.path, acting) if acting else encoder
    return read_folder(where.path, name, where.path.resolve().name if where.kind == "folder" else name)


def _world(path: Path, contents: dict[Any, Any]) -> VideoEncoder:
    """A world model of jepa-wms: the predictor of a file, and the encoder of the folder that it lies in."""
    published, predictor = read_predictor(path, contents)
    check_encoder(path, published, predictor)
    return world_model(path, published, predictor, read_folder(path.parent, str(path.parent), path.name, published.normalised))


def read_folder(folder: Path, name: str, label: str, trained: Pixels | None = None) -> VideoEncoder:
    """The encoder of a folder in Hugging Face format, called ``label``; errors call it ``name``. ``trained``: how pixels were normalised
    for what it is used with, whatever the folder says."""
    config_file = config_of(folder, name)
    config = read_json(config_file)
    check_folder(folder, name, config, sizes_of(config, config_file))
    extra = read_json(folder / EXTRAS) if (folder / EXTRAS).exists() else {}
    source = extra.get("source", "")
    if not isinstance(source, str) or not source.isprintable() or len(source) > LONGEST:
        raise BadCheckpoint(f"'{folder / EXTRAS}': source must be at most {LONGEST} printable characters; download the checkpoint again.")
    kind = ENCODERS.load(known_family(config, config_file).name)
    file = next((folder / file for file in FILES if (folder / file).exists()), None)
    found = None if file is None else read_pixels(file, kind.centred)
    pixels = trained or settled(found, kind.trained, kind.mistaken, config.get("architectures"))
    return kind.read(folder, name, label, extra, pixels)  # type: ignore[no-any-return]


def _fetched(name: str, cached: bool) -> VideoEncoder:
    """The hub's cache first; the network only when it answers. Only files that are read are fetched, and they are read as a folder's."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, allow_patterns=list(OF_THE_HUB), local_files_only=cached))
    except Exception as error:  # the hub's client raises a dozen kinds; each means the same to the caller
        if (lack := kept_away(name, error)) is not None:
            raise lack from None
        raise not_here(name, f"could not be fetched ({first_line(error)[:200]})") from None
    if cached and not any((folder / file).exists() for file in (WEIGHTS_FILE, INDEX_FILE)):
        raise not_here(name, "is not complete in the local cache")
    try:
        return read_folder(folder, name, name)
    except Unreadable:
        raise not_here(name, "is damaged in the local cache, or not complete there") from None


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


def check_device(device: str) -> None:
    """BadArgument where nothing can be computed on it."""
    try:
        held = torch.empty(0, device=torch.device(device))
    except (RuntimeError, AssertionError, TypeError) as error:
        raise BadArgument(
            f"Device '{device}' cannot be used: {first_line(error)}. Use --device cpu, or check `jepascope doctor`."
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
            f"Encoder '{encoder.card.name}' cannot be moved to '{device}': {first_line(error)}. "
            "Use --device cpu, --dtype bfloat16, or a device with more memory."
        ) from None
    if compiled:
        encoder.compile()
    settled_test(encoder, before)


def save_encoder(encoder: VJepa2Encoder, folder: Path, extra: dict[str, Any]) -> None:
    """Write a folder that ``load_encoder`` reads, head included: config.json, half-precision safetensors, jepascope.json."""
    from safetensors.torch import save_file

    files = Folder(folder)
    config, state = copy.deepcopy(encoder.model.config), dict(encoder.model.state_dict())
    if encoder.head is None:
        config.architectures = [encoder.kind.__name__]
    else:
        config.architectures, config.id2label = [DECLARED.classifier], dict(enumerate(encoder.head_labels))
        config.label2id = {label: row for row, label in config.id2label.items()}
        state = {**{f"vjepa2.{name}": value for name, value in state.items()}, **encoder.head.state_dict()}
    with files.writing(CONFIG_FILE) as temporary:
        config.save_pretrained(temporary.parent)
    weights = {name: value.detach().half().contiguous().cpu() for name, value in state.items()}
    with files.writing(WEIGHTS_FILE) as temporary:
        save_file(weights, temporary, metadata={"format": "pt"})
    if encoder.pixels.constants != encoder.trained.constants:
        files.write(FILES[-1], json.dumps(encoder.pixels.settings))
    parameters = sum(value.numel() for value in weights.values())
    files.write(EXTRAS, json.dumps({**encoder.extra, **extra, "parameters": parameters}, indent=1, sort_keys=True) + "\n")
