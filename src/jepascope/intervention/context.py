"""InterventionContext: everything that the edits of one site need, and the one way to run them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.intervention.controls import ControlDraw
from jepascope.intervention.effects import intervene
from jepascope.intervention.judges import Judge
from jepascope.intervention.manifold import NaturalClips
from jepascope.intervention.run import Unedited, read_unedited
from jepascope.intervention.scenes import Scenes


@dataclass(frozen=True, eq=False)
class InterventionContext:
    """A site of an encoder, its test scenes and the judges that read them, the first of which is the one that claims are made in.

    ``tokens_covariance`` is that of the tokens at the site, which controls match (None where there are none); ``mean`` what exchanges
    ablate to (of pooled activations of split ``fit``). ``draws``: of each control beside an exchange. ``natural``: the clips of split
    ``fit`` that edited ones are held against. What is read of the scenes unedited is kept as long as the context.
    """

    encoder: VideoEncoder
    site: Site
    scenes: Scenes
    judges: Sequence[Judge]
    tokens_covariance: Float64[Tensor, "width width"] | None
    mean: Float[Tensor, " width"]
    draws: int = 20
    seed: int = 0
    resamples: int = 2000
    ablate_to: str = "mean"
    natural: NaturalClips | None = None

    @property
    def judge(self) -> Judge:
        """The one that claims are made in."""
        return self.judges[0]

    @property
    def depth(self) -> int:
        return self.encoder.card.depth

    @property
    def covariance(self) -> Float64[Tensor, "width width"]:
        """What controls match. RuntimeError where the context was made without."""
        if self.tokens_covariance is None:
            raise RuntimeError("This context was made without what controls match.")
        return self.tokens_covariance

    @cached_property
    def unedited(self) -> Unedited:
        """What the judges read of the scenes and of their partners as they are: once for everything that is run here."""
        return read_unedited(self.encoder, self.site, self.scenes, self.judges)

    def edit(
        self,
        subspaces: Mapping[str, Subspace],
        controls: Mapping[str, Sequence[ControlDraw]],
        edits: Sequence[str],
        doses: Sequence[float] = (1.0,),
        judges: Sequence[Judge] | None = None,
        progress: Callable[[int, int], None] | None = None,
        scenes: Scenes | None = None,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Effects and matching (see ``effects.intervene``) of every subspace beside its controls, read by all judges or by some of them.

        ``scenes``: the same ones with other partners.
        """
        return intervene(
            self.encoder,
            self.site,
            scenes or self.scenes,
            subspaces,
            controls,
            judges or self.judges,
            edits,
            doses,
            progress=progress,
            ablate_to=self.ablate_to,
            unedited=self.unedited,
            natural=self.natural,
        )
