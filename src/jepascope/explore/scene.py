"""A test scene as the page shows it: the same scene showing every class of the variable, or the clip and its donor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.capture import ShownAs, capture
from jepascope.activations.site import of_beginning
from jepascope.clips.classes import changed
from jepascope.clips.clipset import ClipSet
from jepascope.clips.presets import twins_given
from jepascope.encoders.base import VideoEncoder
from jepascope.study.captures import Captures
from jepascope.study.intervene.scenes import beginning

LEVELS = 65535
"""Steps between black and white: what frames are kept in. Rounding to 8 bits would change a logit in its second decimal."""


def rounded(video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips frames 3 rows columns"]:
    """Pixels as the page keeps them, so that both compute from the same ones."""
    return (video * LEVELS).round() / LEVELS


@dataclass(frozen=True, eq=False)
class ShownScene:
    """``clips``: one for each of ``classes`` (indices). ``own``: what the test clip shows; ``partner``: its twin or donor."""

    captures: Captures
    row: int
    clips: ClipSet
    classes: tuple[int, ...]
    own: int
    partner: int

    @classmethod
    def of(cls, captures: Captures, row: int) -> ShownScene:
        """Of the test clip ``row`` of those that the study intervened on."""
        source, twin = (part.clips.select([row]) for part in (captures.test, captures.twins))
        own, partner = (int(part.labels(captures.spec.variable)[0][0]) for part in (source, twin))
        tables = {own: source.factors, partner: twin.factors}
        if captures.donor == "twin" and not twins_given(source):
            for other in range(len(captures.classes)):
                if other not in tables:
                    rng = np.random.default_rng([captures.spec.seed, row, other])
                    given = changed(source.factors, captures.variable, np.array([other]), rng)
                    tables[other] = source.with_factors(source.name, **given).factors
        classes = tuple(sorted(tables))
        factors = pd.concat([tables[shown] for shown in classes], ignore_index=True).assign(split="test")
        return cls(captures, row, replace(source, name=f"{source.name}-shown", factors=factors), classes, own, partner)

    def place(self, shown: int) -> int:
        """Where the clip that shows a class stands."""
        return self.classes.index(shown)

    @cached_property
    def video(self) -> Float[Tensor, "classes frames 3 rows columns"]:
        return rounded(self.clips.video())

    @cached_property
    def whole(self) -> Activations:
        """Tokens of every layer."""
        return self._captured(self.captures.encoder, ShownAs("16-bit", rounded))

    def begun(self, early: VideoEncoder) -> Activations:
        """The same of beginnings, as ``early`` sees them; which tokens show the object is known from the whole clip."""
        first = beginning(early.card.frames)
        captured = self._captured(early, ShownAs(f"16-bit-{first.name}", lambda video: first(rounded(video))))
        return replace(captured, shown=of_beginning(self.whole.object_mask, early.card.places, early.card.extra))

    def _captured(self, encoder: VideoEncoder, shown_as: ShownAs) -> Activations:
        return capture(encoder, self.clips, None, sites=range(encoder.card.depth + 1), transform=shown_as)

    @cached_property
    def angles(self) -> Float[Tensor, " classes"] | None:
        """Radians that the clips show; None where the variable is no angle."""
        values = self.clips.values(self.captures.spec.variable)
        if values is None or self.captures.variable.kind != "circular":
            return None
        return torch.from_numpy(np.arctan2(values[:, 1], values[:, 0])).float()
