"""The files of a checkpoint folder, checked before a library is given any of them: a stranger's folder can fail, and no more."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from jepascope.encoders.geometry import Geometry, read_json
from jepascope.encoders.models import TORCH_FILES, known_models
from jepascope.errors import BadCheckpoint, quoted

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
CONFIG_FILE = "config.json"
PICKLED = "pytorch_model*.bin"  # whole or in parts
ADAPTER_FILE = "adapter_config.json"
PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.safetensors")
NOT_READ = {  # field of config.json: why a checkpoint that has it is refused
    "auto_map": "names code of its own (auto_map), which is never run",
    "quantization_config": "says that its weights are quantised (quantization_config), which is not read",
    "configuration_files": "names other files in its place (configuration_files), which are not read",
    "transformers_weights": "names another file of weights (transformers_weights), which is not read",
}


def config_of(folder: Path, name: str) -> Path:
    """The config.json of a folder, which need not be sound; BadCheckpoint where there is none, with what to pass instead."""
    if (folder / CONFIG_FILE).exists():
        return folder / CONFIG_FILE
    raise BadCheckpoint(f"'{name}' has no {CONFIG_FILE}; {_checkpoint_in(folder)}.")


def check_folder(folder: Path, name: str, config: dict[str, Any], sizes: Geometry) -> None:
    """Refuse what asks for code or files from elsewhere, and weights that config.json claims and no file holds."""
    for field, why in NOT_READ.items():
        if config.get(field) is not None:
            raise BadCheckpoint(f"'{folder / 'config.json'}' {why}; give the checkpoint that the encoder's authors published.")
    if (folder / ADAPTER_FILE).exists():
        raise BadCheckpoint(f"'{name}' is an adapter ({ADAPTER_FILE}) to another model, which is not read; give a whole checkpoint.")
    held = sum(path.stat().st_size for path in weight_files(folder, name))
    if sizes.weights > held:
        raise BadCheckpoint(
            f"'{name}' could not be loaded: its config.json describes {sizes.weights:,} weights at least, and its safetensors files have "
            f"{held:,} bytes -- is it complete? Download it again."
        )


def weight_files(folder: Path, name: str) -> list[Path]:
    """model.safetensors, or the parts that its index names: plain names of files in the same folder."""
    whole, index = folder / WEIGHTS_FILE, folder / INDEX_FILE
    if whole.is_file():
        return [whole]
    if not index.exists():
        hub = next((row.name for row in known_models() if row.folder == folder.resolve().name and not row.shipped), "OWNER/NAME")
        fetch = f"`hf download {hub} {WEIGHTS_FILE} --local-dir {quoted(folder)}`"
        raise BadCheckpoint(f"'{name}' has {_instead(folder)}; download {WEIGHTS_FILE} into it ({fetch}){_converted(folder)}.")
    parts = read_json(index).get("weight_map")
    if not isinstance(parts, dict) or not parts:
        raise BadCheckpoint(f"'{index}' has no weight_map, which names the file of each weight; download it again.")
    for part in parts.values():
        if not isinstance(part, str) or not PART.fullmatch(part):
            raise BadCheckpoint(f"'{index}' names {str(part)[:80]!a}, but parts are .safetensors files beside it; download it again.")
    files = [folder / part for part in sorted(set(parts.values()))]
    for file in files:
        if not file.is_file():
            raise BadCheckpoint(f"'{name}' lacks {file.name}, which its index names; download the rest of it.")
    return files


def _checkpoint_in(folder: Path) -> str:
    """What to pass in place of a folder that is no checkpoint: what it holds, where that is one."""
    inside = sorted(path for path in folder.glob("*") if path.suffix in TORCH_FILES and path.is_file())
    inside += sorted(path.parent for depth in ("*", "snapshots/*") for path in folder.glob(f"{depth}/config.json"))
    if inside:
        return f"it holds a checkpoint: pass --model {quoted(inside[0])}"
    if any(folder.glob("*.distcp")):
        whole = folder.with_name(f"{folder.name}.pt")
        command = f"{quoted(sys.executable)} -m torch.distributed.checkpoint.format_utils dcp_to_torch {quoted(folder)} {quoted(whole)}"
        return f"it is a model in shares (torch.distributed.checkpoint): make one file of it with `{command}`, then --model {quoted(whole)}"
    return "a checkpoint folder holds config.json and model.safetensors, as `hf download OWNER/NAME --local-dir FOLDER` makes it"


def _instead(folder: Path) -> str:
    if any(folder.glob("*.safetensors")):
        return f"neither {WEIGHTS_FILE} nor {INDEX_FILE}"
    return "no .safetensors weights (pickled weights are never read)"


def _converted(folder: Path) -> str:
    """How to make safetensors of the pickled weights that are there, without running what they may bring."""
    if not any(folder.glob(PICKLED)):
        return ""
    code = (
        "import pathlib, torch; from safetensors.torch import save_file; "
        f"folder = pathlib.Path({_literal(folder)}); "
        f'parts = [torch.load(part, map_location="cpu", weights_only=True) for part in folder.glob("{PICKLED}")]; '
        "weights = {name: value.clone() for part in parts for name, value in part.items()}; "
        f'save_file(weights, folder / "{WEIGHTS_FILE}", {{"format": "pt"}})'
    )
    return f", or make it of {PICKLED}, which runs no code of it: `{quoted(sys.executable)} -c {quoted(code)}`"


def _literal(path: Path) -> str:
    """A path as Python and the shell both take it."""
    return json.dumps(str(path), ensure_ascii=False)
