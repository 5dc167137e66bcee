"""What is probed, and for what: pooled activations of model and baselines on fit and test clips, and a variable's labels there.

All sources hold the same clips in the clip set's order, so that one target serves every one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.clips.clipset import ClipSet
from jepascope.clips.variables import Variable
from jepascope.discovery.probes.paths import varies
from jepascope.study.captures import Captures

PIXEL_SIDE = 16  # pixels are averaged down to this many a side before they are probed


@dataclass(frozen=True)
class Source:
    """Pooled activations by layer (pixels: 'layer' 0, before any network), of one encoder and token selection."""

    encoder: str  # model, untrained, pixels, frame_differences
    seed: int  # of the untrained twin; -1 elsewhere
    tokens: str
    fit: Mapping[int, Float[Tensor, "fit _"]]
    test: Mapping[int, Float[Tensor, "test _"]]

    @property
    def where(self) -> dict[str, str | int]:
        """The columns that name it."""
        return {"encoder": self.encoder, "seed": self.seed, "tokens": self.tokens}


@dataclass(frozen=True)
class Target:
    """One variable on the fit and test clips. Any variable of the clips will do, not only the study's."""

    fit: ClipSet
    test: ClipSet
    name: str

    @classmethod
    def of(cls, clips: ClipSet, name: str) -> Target:
        return cls(clips.split("fit"), clips.split("test"), name)

    @cached_property
    def variable(self) -> Variable:
        return self.fit.variable(self.name)

    @cached_property
    def fit_labels(self) -> Int[Tensor, " fit"]:
        return torch.tensor(self.fit.labels(self.name)[0])

    @cached_property
    def test_labels(self) -> Int[Tensor, " test"]:
        return torch.tensor(self.test.labels(self.name)[0])

    @cached_property
    def fit_values(self) -> Float[Tensor, "fit outputs"] | None:
        return _tensor(self.fit.values(self.name))

    @cached_property
    def test_values(self) -> Float[Tensor, "test outputs"] | None:
        return _tensor(self.test.values(self.name))

    @property
    def numbers(self) -> tuple[Float[Tensor, "fit outputs"], Float[Tensor, "test outputs"]]:
        """Values of fit and test clips, of a variable that has any."""
        assert self.fit_values is not None and self.test_values is not None
        return self.fit_values, self.test_values

    @cached_property
    def fit_scenes(self) -> Int[Tensor, " fit"]:
        return torch.tensor(self.fit.factors["scene"].to_numpy(copy=True))

    @cached_property
    def test_scenes(self) -> Int[Tensor, " test"]:
        return torch.tensor(self.test.factors["scene"].to_numpy(copy=True))

    @property
    def factors(self) -> pd.DataFrame:
        """Of fit clips, then test clips."""
        return pd.concat([self.fit.factors, self.test.factors], ignore_index=True)


def model_source(captures: Captures, tokens: str) -> Source:
    """The model's own activations, test clips in the clip set's order again."""
    layers = range(captures.encoder.card.depth + 1)
    order = np.argsort(np.concatenate([np.flatnonzero(captures.chosen_test), np.flatnonzero(~captures.chosen_test)]))
    return Source(
        "model",
        -1,
        tokens,
        {layer: captures.fit.pooled(layer, tokens) for layer in layers},
        {layer: captures.test_pooled(layer, tokens)[torch.from_numpy(order)] for layer in layers},
    )


def sources(captures: Captures) -> Iterator[Source]:
    """The model, its untrained twins and the pixels, one after another (each is captured, or read, when its turn comes)."""
    for tokens in captures.selections:
        yield model_source(captures, tokens)
    for seed in range(captures.spec.untrained_seeds):
        twin = captures.untrained(seed)
        fit, test = twin.split("fit"), twin.split("test")
        for tokens in captures.selections:
            fitted, held = ({layer: part.pooled(layer, tokens) for layer in range(twin.encoder_card.depth + 1)} for part in (fit, test))
            yield Source("untrained", seed, tokens, fitted, held)
    grey = captures.spec.variable == "direction" or (
        captures.variable.rendered and not captures.spec.of_labels and "hue" not in captures.variable.columns
    )
    fit_pixels, test_pixels = (small_pixels(captures.clips.split(split), grey) for split in ("fit", "test"))
    yield Source("pixels", -1, "all", {0: fit_pixels.flatten(1)}, {0: test_pixels.flatten(1)})
    fit_changes, test_changes = (pixels.diff(dim=1).flatten(1) for pixels in (fit_pixels, test_pixels))
    if varies(fit_changes):  # still pictures have none
        yield Source("frame_differences", -1, "all", {0: fit_changes}, {0: test_changes})


def count_sources(captures: Captures) -> int:
    """How many there are at most."""
    return len(captures.selections) * (1 + captures.spec.untrained_seeds) + 2


def small_pixels(clips: ClipSet, grey: bool) -> Float[Tensor, "clips frames channels rows columns"]:
    """Averaged down to 16 x 16, grey or in colour.

    Grey where the variable cannot lie in the colours: fewer features make the stronger baseline (direction: 0.51 against 0.39). In
    colour where it may, for a grey baseline is blind to hue by construction.
    """
    parts = []
    for _, video in clips.batches(64):
        video = video.mean(dim=2, keepdim=True) if grey else video
        small = torch.nn.functional.adaptive_avg_pool2d(video.flatten(0, 1), min(PIXEL_SIDE, video.shape[-1]))
        parts.append(small.unflatten(0, video.shape[:2]))
    return torch.cat(parts)


def _tensor(values: np.ndarray | None) -> Tensor | None:
    return None if values is None else torch.tensor(values, dtype=torch.float32)
