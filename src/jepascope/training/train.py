"""jepascope train: train a recipe, then save the encoder with its measured card."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from jepascope.clips.presets import directions8
from jepascope.encoders.load import check_device, load_encoder, save_encoder
from jepascope.encoders.nano.folder import training_folder
from jepascope.encoders.nano.recipe import Recipe
from jepascope.encoders.nano.train import Trainer, train
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.training.card import measure_card, write_card
from jepascope.training.monitor import health

MONITOR_SEED = 1_000  # study clips that the curves are drawn on; the card uses others


def train_and_card(
    recipe: Recipe, out: Path, device: str, seconds: float | None, progress: Callable[[int, int, float], None] | None = None
) -> bool:
    """Train into ``out`` (resumes from its checkpoint) and, when the last step is done, write encoder and card there.

    Returns whether it finished. Raises BadArgument for a device that is not there, RunFolderError for a folder that another process has.
    """
    check_device(device)
    clips = directions8(MONITOR_SEED)
    with training_folder(out) as files:
        trainer = train(
            Trainer(recipe, device), files, lambda encoder: asdict(health(encoder, clips)), max_seconds=seconds, progress=progress
        )
        if trainer.done < recipe.steps:
            return False
        save_encoder(trainer.shipped(), out, {"recipe": recipe.name})
        encoder = load_encoder(str(out))
        if not isinstance(encoder, VJepa2Encoder):
            raise TypeError(f"'{out}' was saved as a V-JEPA 2 encoder and came back as {type(encoder).__name__}")
        write_card(files, measure_card(encoder, recipe, trainer.curves, machine(device), trainer.seconds))
    return True


def machine(device: str) -> str:
    """Where it was trained, in words."""
    if device.startswith("cuda"):
        return f"one {torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    return f"{os.cpu_count()} cores ({platform.machine()}), torch {torch.__version__}"
