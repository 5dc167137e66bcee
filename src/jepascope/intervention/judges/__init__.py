"""Judges: continuous readings of what the network makes of an edit, by read-outs that saw neither the fit nor the test scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from jepascope.activations.site import SELECTIONS
from jepascope.activations.suffix import PooledReader, Reader
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument, BadData


@runtime_checkable
class Readout(Protocol):
    """What a judge reads with: logits of the classes from the pooled activation."""

    def logits(self, x: Any) -> Any: ...


@runtime_checkable
class ValueReadout(Protocol):
    """What decodes an angle: (cos, sin) from the pooled activation."""

    def predict(self, x: Any) -> Any: ...


EVERY = slice(None)


def read_logits(name: str, probe: Readout, pooled: Float[Tensor, "*batch width"]) -> Float64[Tensor, "*batch classes"]:
    """A read-out's logits of every class; BadData, which names the judge, for what is not finite."""
    read = torch.as_tensor(probe.logits(pooled.reshape(-1, pooled.shape[-1]))).double()
    if not torch.isfinite(read).all():
        raise BadData(f"Judge '{name}' read NaN or infinite logits; the edit or the dose drove the encoder out of its range.")
    return read.reshape(*pooled.shape[:-1], read.shape[-1])


@dataclass(frozen=True)
class ProbeJudge:
    """A probe of pooled ``h_layer`` (the last one where none is named), trained on split ``judge``. ``tokens`` is what it pools over.

    ``name`` is "probe" for the linear one, "mlp" for a small network. ``variable``: what it reads where that is not the study's own
    variable. ``decoder`` reads the angle beside, where there is one.
    """

    probe: Readout
    tokens: str = "all"
    name: str = "probe"
    layer: int | None = None
    variable: str = ""
    decoder: ValueReadout | None = None

    def __post_init__(self) -> None:
        if self.tokens not in SELECTIONS:
            raise BadArgument(f"There is no token selection '{self.tokens}' to read; known are {', '.join(SELECTIONS)}.")

    @property
    def source(self) -> str:
        """Judges of one layer with the same source share what is read there."""
        return f"pooled {self.tokens}"

    @property
    def pooled(self) -> bool:
        """Whether it reads pooled activations: what was pooled at capture serves, and an edit reaches it by residual connections alone."""
        return True

    def features(self, width: int) -> int:
        """How many numbers a clip it reads, in an encoder of that width."""
        return width

    def reader(self, mask: Bool[Tensor, "clips tokens"] | None, rows: slice = EVERY) -> Reader:
        """What reads some of the scenes (``rows``), whose tokens ``mask`` selects."""
        return PooledReader(mask)

    def logits(self, pooled: Float[Tensor, "*batch width"]) -> Float64[Tensor, "*batch classes"]:
        """Logits of every class; refuses what is not finite."""
        return read_logits(self.name, self.probe, pooled)

    def angle(self, pooled: Float[Tensor, "*batch width"]) -> Float64[Tensor, "*batch"] | None:
        """The decoded angle in radians; None without a decoder."""
        if self.decoder is None:
            return None
        flat = torch.as_tensor(self.decoder.predict(pooled.reshape(-1, pooled.shape[-1]))).double()
        return torch.atan2(flat[:, 1], flat[:, 0]).reshape(pooled.shape[:-1])


@dataclass(frozen=True)
class HeadReader:
    """Reads some of the task head's logits."""

    columns: tuple[int, ...]

    def __call__(self, encoder: VideoEncoder, hidden: Tensor, clips: Tensor) -> Tensor:
        return encoder.head_logits(hidden)[:, list(self.columns)].float()


@dataclass(frozen=True)
class HeadJudge:
    """The checkpoint's own classifier, on the last layer's tokens: the logits of the labels paired with the variable's classes.

    ``columns``: for each of the classes that are judged, its place among the head's labels. Scenes of other classes are not judged.
    """

    encoder: VideoEncoder
    columns: tuple[int, ...]
    name: str = "head"
    tokens: str = "all"
    layer: int | None = None
    variable: str = ""

    @property
    def source(self) -> str:
        return "head"

    @property
    def pooled(self) -> bool:
        return False

    def features(self, width: int) -> int:
        return len(self.columns)

    def reader(self, mask: Bool[Tensor, "clips tokens"] | None, rows: slice = EVERY) -> Reader:
        return HeadReader(self.columns)

    def logits(self, read: Float[Tensor, "*batch classes"]) -> Float64[Tensor, "*batch classes"]:
        if not torch.isfinite(read).all():
            raise BadData("The task head gave NaN or infinite logits; the edit or the dose drove the encoder out of its range.")
        return read.double()

    def angle(self, read: Float[Tensor, "*batch classes"]) -> None:
        return None


@runtime_checkable
class Judge(Protocol):
    """Who reads an effect. ``layer``: where (None: the last one); ``variable``: what it reads where that is not the study's own."""

    @property
    def name(self) -> str: ...
    @property
    def tokens(self) -> str: ...
    @property
    def layer(self) -> int | None: ...
    @property
    def variable(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def pooled(self) -> bool: ...
    def features(self, width: int) -> int: ...
    def reader(self, mask: Bool[Tensor, "clips tokens"] | None, rows: slice = EVERY) -> Reader: ...
    def logits(self, read: Any) -> Float64[Tensor, "*batch classes"]: ...
    def angle(self, read: Any) -> Float64[Tensor, "*batch"] | None: ...


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


def divergence(clean: Float64[Tensor, "clips classes"], edited: Float64[Tensor, "*batch clips classes"]) -> Float64[Tensor, "*batch clips"]:
    """KL(clean || edited) of the class probabilities, in nats."""
    before, after = clean.log_softmax(dim=-1), edited.log_softmax(dim=-1)
    return (before.exp() * (before - after)).sum(dim=-1)


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
