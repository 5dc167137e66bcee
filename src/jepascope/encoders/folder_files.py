"""The files of a checkpoint folder, checked before a library is given any of them: a stranger's folder can fail, and no more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jepascope.encoders.geometry import Geometry, read_json
from jepascope.errors import BadCheckpoint

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
ADAPTER_FILE = "adapter_config.json"
PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.safetensors")
NOT_READ = {  # field of config.json: why a checkpoint that has it is refused
    "auto_map": "names code of its own (auto_map), which is never run",
    "quantization_config": "says that its weights are quantised (quantization_config), which is not read",
    "transformers_weights": "names another file of weights (transformers_weights), which is not read",
}


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
        raise BadCheckpoint(f"'{name}' has {_instead(folder)}; download {WEIGHTS_FILE} into it{_converted(folder)}.")
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


def _instead(folder: Path) -> str:
    if any(folder.glob("*.safetensors")):
        return f"neither {WEIGHTS_FILE} nor {INDEX_FILE}"
    return "no .safetensors weights (pickled weights are never read)"


def _converted(folder: Path) -> str:
    """How to make safetensors of the pickled weights that are there, without running what they may bring."""
    pickled = folder / "pytorch_model.bin"
    if not pickled.is_file():
        return ""
    command = (
        "import torch; from safetensors.torch import save_file; "
        f"weights = torch.load({str(pickled)!a}, map_location='cpu', weights_only=True); "
        f"save_file({{name: value.clone() for name, value in weights.items()}}, {str(folder / WEIGHTS_FILE)!a}, {{'format': 'pt'}})"
    )
    return f', or make it of {pickled.name}, which runs no code of it: python -c "{command}"'
