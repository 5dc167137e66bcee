"""Judges: a continuous reading of the class at the last layer, by a probe that saw neither the fit nor the test scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from jepascope.activations.site import SELECTIONS
from jepascope.errors import BadArgument, BadData


@runtime_checkable
class LinearReadout(Protocol):
    """What a judge reads with: logits that are linear in the pooled activation."""

    def logits(self, x: Any) -> Any: ...


@dataclass(frozen=True)
class ProbeJudge:
    """A linear probe of pooled ``h_L``, trained on split ``judge``. ``tokens`` is what it pools over."""

    probe: LinearReadout
    tokens: str = "all"
    name: str = "probe"

    def __post_init__(self) -> None:
        if self.tokens not in SELECTIONS:
            raise BadArgument(f"There is no token selection '{self.tokens}'; known are {', '.join(SELECTIONS)}.")

    def logits(self, pooled: Float[Tensor, "*batch width"]) -> Float64[Tensor, "*batch classes"]:
        """Logits of every class; refuses what is not finite."""
        flat = pooled.reshape(-1, pooled.shape[-1])
        read = torch.as_tensor(self.probe.logits(flat)).double()
        if not torch.isfinite(read).all():
            raise BadData(f"Judge '{self.name}' read NaN or infinite logits; the edit or the dose drove the encoder out of its range.")
        return read.reshape(*pooled.shape[:-1], read.shape[-1])


def margin(logits: Float64[Tensor, "*batch clips classes"], label: Int[Tensor, " clips"]) -> Float64[Tensor, "*batch clips"]:
    """Logit of the clip's class minus the mean of the other classes' logits: how far the read-out is for that class."""
    others = logits.shape[-1] - 1
    own = _picked(logits, label)
    return own - (logits.sum(dim=-1) - own) / others


def target_margin(
    logits: Float64[Tensor, "*batch clips classes"], source: Int[Tensor, " clips"], target: Int[Tensor, " clips"]
) -> Float64[Tensor, "*batch clips"]:
    """Logit of the target class minus that of the source class: how far the read-out has moved from one to the other."""
    return _picked(logits, target) - _picked(logits, source)


def correct(logits: Float64[Tensor, "*batch clips classes"], expected: Int[Tensor, " clips"]) -> Bool[Tensor, "*batch clips"]:
    """Whether the expected class has the largest logit."""
    return logits.argmax(dim=-1) == expected


def require_disjoint(scenes: Mapping[str, np.ndarray]) -> None:
    """Refuse splits that share a scene: what is fitted, what judges and what is tested must never meet."""
    names = list(scenes)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            shared = np.intersect1d(scenes[first], scenes[second])
            if len(shared):
                raise BadData(
                    f"{len(shared)} scene(s), among them scene {shared[0]}, lie both in '{first}' and in '{second}'; "
                    "subspaces, read-outs and tests need scenes of their own. Split again by scene."
                )


def _picked(logits: Tensor, label: Tensor) -> Tensor:
    index = label.expand(logits.shape[:-1])[..., None]
    return torch.gather(logits, -1, index)[..., 0]
