"""Where the weights lie in a .pt file: under which keys, and behind which prefixes that training code left.

Meta's files are dictionaries of dictionaries (``encoder``, ``target_encoder``, ``predictor``, and the optimiser beside). Others save the
same model as one state dict, alone or under a key such as ``state_dict`` or ``ema``, compiled, wrapped or both.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from jepascope.encoders.weight_names import unwrapped
from jepascope.errors import BadCheckpoint, quoted

ENCODERS = ("ema_encoder", "target_encoder", "encoder")
"""Under which key the encoder lies, best first: the moving average is what Meta evaluates, and its hub loads it where there is one.
Encoders that were distilled (2.1 B and L) have it as ``ema_encoder``; a target beside it would be their teacher."""
PREDICTOR = "predictor"
HOLDERS = ("state_dict", "model_state_dict", "ema_state_dict", "model", "model_ema", "ema", "teacher", "student")
"""Under which keys whole models lie. With more than one, nothing says which is meant."""
MODELS = frozenset({*ENCODERS, PREDICTOR})
WITHIN = frozenset({"backbone", "model", "net"})  # attributes of a wrapper of its own that hold the model
DEEPEST = 4  # holders within holders
LIBRARYS = ("embeddings.patch_embeddings.", "layer.0.")  # transformers' names for what Meta's code calls patch_embed and blocks
PUBLISHED = "give one of Meta's V-JEPA 2 files"


@dataclass(frozen=True)
class States:
    """What is there by key (of ENCODERS and PREDICTOR), as it is named in the file; ``inside``: the keys that it lies under."""

    held: dict[str, Any]
    inside: tuple[str, ...]


def states(path: Path, contents: dict[Any, Any]) -> States:
    """The models of a file; none where there is none. BadCheckpoint where nothing says which are meant."""
    held, inside = contents, tuple[str, ...]()
    while not any(isinstance(held.get(key), dict) for key in (*ENCODERS, PREDICTOR)):
        holders = [key for key in HOLDERS if isinstance(held.get(key), dict)]
        if len(holders) > 1:
            raise BadCheckpoint(
                f"'{path}' has weights under {' and '.join(holders)}, and nothing says which are meant; "
                f"save those alone, as here of {holders[0]}: {_saved_alone(path, (*inside, holders[0]))}"
            )
        if not holders or len(inside) == DEEPEST:
            break
        held, inside = held[holders[0]], (*inside, holders[0])
    if not any(key in held for key in ENCODERS) and any(isinstance(value, Tensor) and "." in str(name) for name, value in held.items()):
        held = _by_key(path, held)
    return States({key: held[key] for key in (*ENCODERS, PREDICTOR) if key in held}, inside)


def _by_key(path: Path, state: dict[Any, Any]) -> dict[str, dict[str, Any]]:
    """One state dict of all: parted by the first part of its names where that says what a weight belongs to, else the encoder's."""
    given = {str(name): value for name, value in state.items() if isinstance(value, Tensor)}
    names = unwrapped(given, path, WITHIN)
    parted = {own: key for own in names if (key := own.split(".")[0]) in MODELS}
    others = [own for own in names if own not in parted]
    if parted and others:
        raise BadCheckpoint(
            f"'{path}' has weights with and without a model's name before them: {min(parted)} and {min(others)}; {PUBLISHED}."
        )
    held: dict[str, dict[str, Any]] = {}
    for own, name in names.items():
        held.setdefault(parted.get(own, ENCODERS[-1]), {})[own] = given[name]
    return held


def bare(path: Path, key: str, state: Any) -> dict[str, Any]:
    """Weights of one model, named ``key.name``, without wrappers; BadCheckpoint where they are of several."""
    if not isinstance(state, dict) or not state:
        raise BadCheckpoint(f"'{path}': {key} is not a dictionary of weights; {PUBLISHED}.")
    given = {str(name): value for name, value in state.items()}
    models = {model: name for name in given for model in MODELS & {*name.split(".")}}
    if len(models) > 1:
        raise BadCheckpoint(f"'{path}' has weights of several models as {key}: {' and '.join(sorted(models.values())[:2])}; {PUBLISHED}.")
    weights = {own: given[name] for own, name in unwrapped(given, path, MODELS | WITHIN, f"{key}.").items()}
    if any(name.startswith(tuple(f"{key}.{theirs}" for theirs in LIBRARYS)) for name in weights):
        raise BadCheckpoint(
            f"'{path}' has transformers' names of weights ({min(weights)}), and .pt files are read with Meta's; save the model with "
            "model.save_pretrained('encoder') and pass --model ./encoder."
        )
    return weights


def _saved_alone(path: Path, keys: tuple[str, ...]) -> str:
    """A command that saves what lies under some keys, and runs nothing of the file."""
    alone, at = path.with_name(f"{path.stem}-{keys[-1]}{path.suffix}"), "".join(f'["{key}"]' for key in keys)
    held, new = (json.dumps(str(file), ensure_ascii=False) for file in (path, alone))  # as Python and the shell both take it
    code = (
        f'import torch; found = torch.load({held}, map_location="cpu", weights_only=True); torch.save({{"{keys[-1]}": found{at}}}, {new})'
    )
    return f"`{quoted(sys.executable)} -c {quoted(code)}`, then --model {quoted(alone)}."
