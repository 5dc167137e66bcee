"""Whether a model can be had from here: said at once, with what to download and where to put it. Imports no torch."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from threading import Thread
from typing import Literal
from urllib.parse import urlsplit

from jepascope.catalog import is_code
from jepascope.encoders.entries import ENCODERS
from jepascope.encoders.jepa_wms import named
from jepascope.encoders.models import TORCH_FILES, WEIGHTS, KnownModel, known_models
from jepascope.errors import BadArgument, BadCheckpoint, quoted

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
SECONDS = 3.0  # within which the hub answers, or does not
Kind = Literal["shipped", "folder", "file", "cache", "hub", "code"]


@dataclass(frozen=True)
class Place:
    """Where the model of a name is, or would be: ``path`` is a folder or a file, None on the hub alone and for code."""

    kind: Kind
    path: Path | None = None


def place(name: str) -> Place:
    """Where the model of a name is: in this installation, a folder, a file of Meta's, somebody's code, the hub's cache, or nowhere but on
    the hub.

    Opens nothing and asks no network, so that a plan looks where a run does. BadCheckpoint for a path where no model is, with how to get
    one; BadArgument for a name that can be no model.
    """
    path, known = Path(name).expanduser(), {model.name: model for model in known_models()}
    if name in known and known[name].shipped:
        return Place("shipped", WEIGHTS / name)
    if path.is_dir():
        return Place("folder", path)
    if path.is_file() and path.suffix in TORCH_FILES:
        return Place("file", path)
    if name in ENCODERS.added or is_code(name):
        return Place("code")
    metas = {model.torch_file: model for model in known.values() if model.torch_file}
    if path.name in metas and not path.exists():
        raise BadCheckpoint(_no_file(path, metas[path.name]))
    if (world := named(path)) is not None and not path.exists():
        raise BadCheckpoint(f"'{path}' is not there; fetch it, and its encoder: {world.how}.")
    if path.is_file() and (path.parent / "config.json").is_file():
        raise BadCheckpoint(f"'{name}' is a file of a checkpoint, which is given as its folder: pass --model {quoted(path.parent)}.")
    if path.exists() or name.startswith(("/", "./", "../", "~")) or path.suffix in (*TORCH_FILES, ".safetensors"):
        shipped = ", ".join(model.name for model in known.values() if model.shipped)
        raise BadCheckpoint(
            f"'{name}' is not a folder with config.json and model.safetensors; give such a folder, "
            f"a .pt file of Meta's ({', '.join(metas)}), a hub name (OWNER/NAME), or one of: {shipped}."
        )
    if not HUB_NAME.fullmatch(name):
        raise unknown(name)
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(name, "config.json")
    return Place("cache", Path(cached).parent) if isinstance(cached, str) else Place("hub")


def find(name: str) -> Place:
    """The place of a model that can be read now: BadCheckpoint as well where it is on the hub alone and the hub does not answer."""
    from huggingface_hub import constants

    where = place(name)
    if where.kind == "hub" and not answers(constants.ENDPOINT):
        raise not_here(name, f"is not on this machine, and {urlsplit(constants.ENDPOINT).hostname} does not answer from here")
    return where


def not_here(name: str, what: str) -> BadCheckpoint:
    """``what`` is wrong with a hub name, and how to get it: commands, sizes, the folder, and what to pass then."""
    row = next((model for model in known_models() if model.name == name), None)
    folder, licence, metas, size = name.split("/")[-1], "", "", "its config.json and safetensors are what is read"
    if row is None:
        near = _nearest(name, [model.name for model in known_models() if not model.shipped], 0.8)
        what += f".{f' Did you mean {near}?' if near else ' It is none of those that `jepascope models` lists: is the name right?'}"
    else:
        what, size = f"{what}.", f"{row.weights_gb:.2g} GB; config.json and model.safetensors are what is read"
        licence = f"accept the licence at https://huggingface.co/{name}, `hf auth login`, then " if row.gated else ""
        metas = f" Or take Meta's own file: {_fetched(row)}." if row.torch_file else ""
    return BadCheckpoint(
        f"'{name}' {what} On a machine with a network: {licence}`hf download {name} --local-dir {folder}` ({size}); "
        f"copy the folder {folder} here and pass --model ./{folder}.{metas}"
    )


def unknown(name: str) -> BadArgument:
    """A name that is neither known nor of the form of a hub's."""
    models = known_models()
    near = _nearest(name, [model.name for model in models] + [model.folder for model in models], 0.6)
    full = next((model.name for model in models if near in (model.name, model.folder)), "")
    meant = f" Did you mean {full}?" if full else ""
    return BadArgument(
        f"There is no model '{name}'.{meant} `jepascope models` lists those that are known; "
        "a local folder, a .pt file of Meta's, a hub name (OWNER/NAME) or code (package.module:attribute) does as well."
    )


def answers(endpoint: str) -> bool:
    """Whether the hub can be reached at all: transformers itself would retry for half a minute before it says no."""
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return False
    parts, connected = urlsplit(endpoint), []

    def connect() -> None:
        try:
            with socket.create_connection((parts.hostname or "", parts.port or 443), timeout=SECONDS):
                connected.append(True)
        except (OSError, ValueError):  # ValueError: what HF_ENDPOINT says is no address
            pass

    trial = Thread(target=connect, daemon=True)  # looking up a name knows no time limit of its own
    trial.start()
    trial.join(SECONDS)
    return bool(connected)


def _nearest(name: str, known: list[str], least: float) -> str:
    """The known name that is most alike, whichever letters are capitals; empty where none is."""
    lower = {row.lower(): row for row in known}
    near = get_close_matches(name.lower().rstrip("/"), lower, 1, least)
    return lower[near[0]] if near else ""


def _no_file(path: Path, row: KnownModel) -> str:
    """One of Meta's files that is not where it was said to be."""
    refusal = f"'{path}' is not {'in this folder' if path.parent == Path() else 'there'}; fetch it with {_fetched(row)}."
    if row.name == row.torch_file:
        return refusal
    return f"{refusal} The hub has the same model in {row.weights_gb:.2g} GB: `{row.how}`, then --model ./{row.folder}."


def _fetched(row: KnownModel) -> str:
    """Where Meta's own file comes from, and what to pass then."""
    size = f" ({row.torch_gb:.3g} GB)" if row.torch_gb else ""
    return f"`{row.curl}`{size}, and pass --model ./{row.torch_file}"
