"""The smallest encoder and study that run every stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TINY: dict[str, Any] = {
    "clips_per_class": 10,
    "test_scenes": 8,
    "draws": 2,
    "draws_elsewhere": 2,
    "untrained_seeds": 1,
    "fits": 5,
    "finders": ("diff_means",),
    "resamples": 100,
    "stability_subsamples": 4,
    "permutations": 4,
    "control_seeds": 1,
    "doses": (0.5, 1.0),
    "port_clips": ("circle",),
    "peels": 1,
}
"""Fields of the smallest study that runs every stage."""


def random_model(folder: Path, seed: int = 0, **changes: Any) -> Path:
    """Folder of a random V-JEPA 2 encoder, by default of width 48, 3 blocks and 8 tokens, as ``--model`` takes it."""
    from transformers import VJEPA2Config

    from jepascope.encoders.load import save_encoder
    from jepascope.encoders.vjepa2 import VJepa2Encoder

    small = {
        "patch_size": 8,
        "crop_size": 16,
        "frames_per_clip": 4,
        "tubelet_size": 2,
        "hidden_size": 48,
        "num_attention_heads": 2,
        "num_hidden_layers": 3,
        "pred_hidden_size": 24,
        "pred_num_attention_heads": 2,
        "pred_num_hidden_layers": 1,
        "pred_num_mask_tokens": 2,
    }
    config = VJEPA2Config(**{**small, **changes})
    save_encoder(VJepa2Encoder.from_config(config, seed=seed, name=folder.name), folder, {})
    return folder


def captures_in(folder: Path, spec: Any, encoder: Any) -> Any:
    """Captures of a study in a new run folder."""
    from jepascope.study.captures import Captures
    from jepascope.study.folder import Run
    from jepascope.study.progress import Silent

    run = Run.open(folder, spec)
    run.close()
    return Captures.of_run(run, encoder, Silent())
