"""From where a model is to its modules: shipped weights, a folder, the hub and its cache, a file of Meta's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from jepascope.encoders.at_hand import find, not_here
from jepascope.encoders.families import from_pretrained, kind_of
from jepascope.encoders.family_sizes import sizes_of
from jepascope.encoders.folder_files import INDEX_FILE, WEIGHTS_FILE, check_folder, config_of
from jepascope.encoders.geometry import read_config, read_json
from jepascope.encoders.head import TaskHead
from jepascope.encoders.meta import load_meta
from jepascope.encoders.pixels import FILES, Pixels, read_pixels, settled
from jepascope.encoders.pretrained import Unreadable
from jepascope.errors import BadCheckpoint

EXTRAS = "jepascope.json"  # beside config.json: what transformers' configuration has no field for (the predictor's target space)
LONGEST = 300  # characters of where weights came from
OF_THE_HUB = ("config.json", WEIGHTS_FILE, INDEX_FILE, "model-*-of-*.safetensors", *FILES)


@dataclass(frozen=True)
class Found:
    """What was read of a checkpoint."""

    label: str
    model: PreTrainedModel
    head: TaskHead | None
    extra: dict[str, Any]
    pixels: Pixels | None = None  # None: as the family was trained


def read(name: str) -> Found:
    """The model of a name (see ``load_encoder``); every way in which it can be wrong is one sentence."""
    where = find(name)
    if where.path is None or where.kind == "cache":
        return _fetch(name, where.kind == "cache")
    if where.kind == "file":
        model, head, extra = load_meta(where.path)
        return Found(where.path.name, model, head, extra)
    return read_folder(where.path, name, where.path.resolve().name if where.kind == "folder" else name)


def read_folder(folder: Path, name: str, label: str) -> Found:
    """A folder in Hugging Face format."""
    config_file = config_of(folder, name)
    config = read_config(config_file)
    check_folder(folder, name, config, sizes_of(config, config_file))
    extra = read_json(folder / EXTRAS) if (folder / EXTRAS).exists() else {}
    source = extra.get("source", "")
    if not isinstance(source, str) or not source.isprintable() or len(source) > LONGEST:
        raise BadCheckpoint(f"'{folder / EXTRAS}': source must be at most {LONGEST} printable characters; download the checkpoint again.")
    says = next((folder / file for file in FILES if (folder / file).exists()), None)
    kind = kind_of(config["model_type"])
    said = None if says is None else read_pixels(says, kind.centred)
    pixels = settled(said, kind.trained, kind.mistaken, config.get("architectures"))
    return Found(label, *from_pretrained(str(folder), name), extra, pixels)


def _fetch(name: str, cached: bool) -> Found:
    """The hub's cache first; the network only when it answers. Only files that are read are fetched, and they are read as a folder's."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, allow_patterns=list(OF_THE_HUB), local_files_only=cached))
    except Exception as error:  # the hub's client raises a dozen kinds; each means the same to the caller
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise not_here(name, f"could not be fetched ({first[:200]})") from None
    if cached and not any((folder / file).exists() for file in (WEIGHTS_FILE, INDEX_FILE)):
        raise not_here(name, "is not complete in the local cache")
    try:
        return read_folder(folder, name, name)
    except Unreadable:
        raise not_here(name, "is damaged in the local cache, or not complete there") from None
