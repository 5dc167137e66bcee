"""What was recorded beside the pixels of clips: the actions that were taken, and states that were measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.errors import BadData


@dataclass(frozen=True, eq=False)
class Recorded:
    """``actions[:, i]`` lead from frame i to frame i + 1; ``states`` are of every frame. A twin was given its clip's actions."""

    actions: Float[np.ndarray, "clips steps action"]
    states: Float[np.ndarray, "clips frames state"] | None = None

    def check(self, clips: int, frames: int) -> Recorded:
        """Itself; BadData where it is not of so many clips of so many frames, or holds what is no number."""
        for name, given, times in (("actions", self.actions, frames - 1), ("states", self.states, frames)):
            if given is None:
                continue
            if given.ndim != 3 or given.shape[:2] != (clips, times) or not given.shape[2] or given.dtype.kind not in "buif":
                raise BadData(
                    f"{name}: {clips} clips of {frames} frames have an array ({clips}, {times}, numbers) of them, not {given.shape} of "
                    f"{given.dtype}."
                )
            if not np.isfinite(given).all():
                raise BadData(f"{name}: they hold NaN or infinite values.")
        return self

    def of(self, clips: Int[np.ndarray, " rows"]) -> tuple[Float[Tensor, "rows steps action"], Float[Tensor, "rows frames state"] | None]:
        """Of some clips, by their places among all; twins stand behind the clips, in their order."""
        rows = clips % len(self.actions)
        actions = torch.from_numpy(self.actions[rows].astype(np.float32))
        return actions, None if self.states is None else torch.from_numpy(self.states[rows].astype(np.float32))
