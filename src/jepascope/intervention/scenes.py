"""Scenes: the test clips that are intervened on, with their partners and everything that an edit of them is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepascope.activations.activations import Activations, token_mask
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.circle import Circle
from jepascope.intervention.ring import Ring
from jepascope.stats import clustered


@dataclass(frozen=True)
class Scenes:
    """The test scenes: their activations, their partners', and the class each of the two shows.

    ``class_means`` (of pooled activations of split ``fit`` at the site) is what steering adds differences of. ``donor`` says what
    the partners in ``twin`` are: the same scenes with another value of the variable ("twin"), swapped token by token; or, where
    that cannot be rendered, other clips of another class ("class"), swapped by the difference of pooled activations.

    ``others``: labels of other variables, which the edit should leave alone, by name. ``angle`` and ``target_angle`` (radians) of a
    circular variable: what the clip shows and what it is steered to; ``circle`` is fitted to pooled activations of split ``fit``, ``ring``
    passes through their class means.
    """

    source: Activations
    twin: Activations
    label: Int[Tensor, " clips"]
    target: Int[Tensor, " clips"]
    class_means: Float[Tensor, "classes width"]
    donor: Literal["twin", "class"] = "twin"
    others: Mapping[str, Int[Tensor, " clips"]] = field(default_factory=dict)
    angle: Float[Tensor, " clips"] | None = None
    target_angle: Float[Tensor, " clips"] | None = None
    circle: Circle | None = None
    places: Bool[Tensor, "clips tokens"] | None = None  # tokens of objects, where they are not those of the two clips
    requested: bool = False  # whether steering goes to ``target_angle`` along the circle, and not to the target's class mean
    ring: Ring | None = None  # of all classes, also where ``class_means`` are of some

    def __post_init__(self) -> None:
        source, twin = self.source.clips.factors["scene"].to_numpy(), self.twin.clips.factors["scene"].to_numpy()
        if self.donor == "class" and len(source) != len(twin):
            raise BadData(f"{len(source)} scenes need one donor each, not {len(twin)}.")
        if self.donor == "twin" and (len(source) != len(twin) or (source != twin).any()):
            raise BadData("The twins are not of the same scenes in the same order as the clips; make them from these clips.")
        if not len(source) == len(self.label) == len(self.target):
            raise BadData(f"{len(source)} scenes need as many labels and targets, not {len(self.label)} and {len(self.target)}.")
        same = (self.label == self.target).nonzero()
        if len(same):
            what = "twin" if self.donor == "twin" else "donor"
            raise BadData(f"Scene {source[int(same[0])]} has a {what} of its own class; swap and steer need another value of the variable.")

    def __len__(self) -> int:
        return len(self.label)

    def mask(self, tokens: str) -> Bool[Tensor, "clips tokens"] | None:
        """Tokens that are edited or read; for ``object`` those of the object in either twin, so that both are treated alike (and for
        ``background`` none of either's). A donor's object is another one elsewhere: there the clip's own tokens alone."""
        return token_mask(tokens, self.objects, self.source.encoder_card.grid)

    @property
    def objects(self) -> Bool[Tensor, "clips tokens"]:
        """Tokens that show an object, in either of the two clips."""
        if self.places is not None:
            return self.places
        return self.source.object_mask if self.donor == "class" else self.source.object_mask | self.twin.object_mask

    @property
    def ids(self) -> np.ndarray:
        return self.source.clips.factors["scene"].to_numpy()

    @property
    def clips(self) -> np.ndarray | None:
        """Which clip each one is, where several may be of one scene; None where every clip is a scene of its own."""
        factors = self.source.clips.factors
        if "clip" in factors:
            return factors["clip"].to_numpy()
        return np.arange(len(factors)) if clustered(self.ids) else None

    def angles(self) -> tuple[Float[Tensor, " clips"], Float[Tensor, " clips"], Circle]:
        """What rotation needs: the clips' angles, those they go to, and the circle. BadArgument for a variable that has none."""
        if self.angle is None or self.target_angle is None or self.circle is None:
            raise BadArgument("Only a circular variable (direction, colour) can be rotated; use steer.")
        return self.angle, self.target_angle, self.circle

    def angle_ring(self) -> Ring:
        """The ring through the class means. BadArgument for a variable that has none."""
        if self.ring is None:
            raise BadArgument("Only a circular variable (direction, colour) has a ring to move along; use steer.")
        return self.ring

    def someone_else(self) -> Int[np.ndarray, " clips"]:
        """For each scene the row of another one, whose tokens stand in when a subspace is resampled: the same for the same count. BadData
        for a single scene."""
        if len(self) < 2:
            raise BadData("Resampling takes from another scene, and there is only one.")
        order = np.random.default_rng(len(self)).permutation(len(self))
        other = np.empty(len(self), dtype=np.int64)
        other[order] = np.roll(order, 1)
        return other
