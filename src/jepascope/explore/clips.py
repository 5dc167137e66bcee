"""The pixels of a scene as the page takes them: 16 bits, as differences, which deflate to a fifth."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import UInt16
from torch import Tensor

from jepascope.activations.activations import token_mask
from jepascope.explore.explorer import Explorer
from jepascope.explore.scene import LEVELS, ShownScene

Frames = UInt16[np.ndarray, "classes frames 3 rows columns"]


def frames_of(shown: ShownScene) -> Frames:
    """All clips of a scene, in steps of LEVELS."""
    steps: Frames = (shown.video * LEVELS).round().to(torch.int32).numpy().astype(np.uint16)
    return steps


def differences(frames: Frames, own: int) -> Frames:
    """Clips less the test clip (place ``own``), whose green and blue are less its red: where nothing differs there are zeros.

    Undone by ``framesOf`` of assets/clips.js; all of it modulo 2^16.
    """
    first = frames[own]
    apart: Frames = frames - first
    apart[own] = np.concatenate([first[:, :1], first[:, 1:] - first[:, :1]], axis=1)
    return apart


def scene_arrays(explorer: Explorer, clip: int) -> dict[str, Tensor | np.ndarray]:
    """High and low bytes of the frames, apart; which tokens are edited and read towards each class, where that is not all of them; and
    those of each clip's own object, over which donors are pooled."""
    shown = explorer.scene(clip)
    coded = differences(frames_of(shown), shown.place(shown.own))
    arrays: dict[str, Tensor | np.ndarray] = {"high": (coded >> 8).astype(np.uint8), "low": (coded & 255).astype(np.uint8)}
    spec, grid = explorer.captures.spec, explorer.encoder.card.grid
    for name, tokens in (("edited", spec.edited_tokens), ("read", spec.tokens)):
        if tokens != "all":
            places = shown.clips.object_tokens(grid)
            own = places[shown.place(shown.own)]
            both = places if explorer.captures.donor == "twin" else torch.zeros_like(places)
            mask = token_mask(tokens, both | own, grid)
            assert mask is not None
            arrays[name] = mask
    if explorer.captures.donor == "class" and spec.edited_tokens == "object":
        arrays["objects"] = shown.clips.object_tokens(grid)
    return arrays


def described(explorer: Explorer, clip: int) -> dict[str, Any]:
    """What the page says of a scene: its number in tables, its classes, and the angles (degrees) that they show."""
    shown = explorer.scene(clip)
    angles = shown.angles
    return {
        "clip": clip,
        "scene": int(shown.clips.factors["scene"].iloc[0]),
        "classes": shown.classes,
        "own": shown.own,
        "partner": shown.partner,
        "angles": None if angles is None else angles.rad2deg().tolist(),
    }
