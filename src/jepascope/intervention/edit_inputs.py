"""EditInputs: what an edit is made from, for some of the scenes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.site import SELECTIONS, Site
from jepascope.intervention.scenes import Scenes


@dataclass(frozen=True)
class EditInputs:
    """``hidden``: the clips' tokens at the site (what its part adds, where it is of one), in float32 at least. ``mean``: that of the
    subspace, None where the edit does not depend on it. ``scenes`` are all of them, ``rows`` these."""

    hidden: Float[Tensor, "clips tokens width"]
    scenes: Scenes
    site: Site
    rows: slice
    mean: Float[Tensor, " width"] | None = None
    ablate_to: str = "mean"

    @property
    def partner(self) -> Float[Tensor, "clips tokens width"]:
        """Tokens of the twins; of donors, which show other places, see ``pooled``."""
        return self.scenes.twin.tokens(self.site.layer, self.rows, part=self.site.part).to(self.hidden)

    @property
    def someone_else(self) -> Float[Tensor, "clips tokens width"]:
        """Tokens of another scene, drawn once."""
        other = self.scenes.someone_else()[self.rows]
        return self.scenes.source.tokens(self.site.layer, other, part=self.site.part).to(self.hidden)

    @property
    def pooled(self) -> tuple[Float[Tensor, "clips width"], Float[Tensor, "clips width"]]:
        """Pooled activations of the clips and of their partners. A donor's background is no more comparable than its object."""
        tokens = self.site.tokens if self.site.tokens in SELECTIONS else "all"
        own, partner = (part.pooled(self.site.layer, tokens, self.site.part)[self.rows] for part in (self.scenes.source, self.scenes.twin))
        return own, partner

    @property
    def label(self) -> Int[Tensor, " clips"]:
        """The class that each clip shows."""
        return self.scenes.label[self.rows]

    @property
    def target(self) -> Int[Tensor, " clips"]:
        """The class that its partner shows."""
        return self.scenes.target[self.rows]

    @property
    def class_means(self) -> Float[Tensor, "classes width"]:
        """Means of pooled activations of split ``fit``."""
        return self.scenes.class_means
