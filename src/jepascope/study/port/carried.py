"""What is used in the other model: the carried subspace, the one native there, and the floors that the carried one is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.findings.carried import FREE_FLOOR
from jepascope.intervention.controls import haar, matched_controls
from jepascope.intervention.edits import class_means
from jepascope.portability.alignment import sas, sas_chance
from jepascope.portability.maps import LinearMap, MapKind, fit_map
from jepascope.portability.similarity import pair_shuffles
from jepascope.study.port.similarity import LayerPair

DRAWS = 10  # of every floor: the fewest that have an interval over draws


@dataclass(frozen=True)
class Carried:
    """What is used in the target: its own subspace, the carried one, the same carried by a map fitted to class-centred pairs (which knows
    nothing of the class), and the draws of every floor. All are ablated to the native mean."""

    native: Subspace
    carried: Subspace
    class_free: Subspace
    floors: Mapping[str, Sequence[Subspace]]

    @property
    def single(self) -> dict[str, Subspace]:
        """All but the floors, by their name in the table."""
        return {"native": self.native, "carried": self.carried, "class-free": self.class_free}

    @property
    def chance(self) -> float:
        """SAS of random subspaces with the native one."""
        return sas_chance(self.native.width, self.carried.rank, self.native.rank)

    def overlap(self, name: str) -> float:
        """Mean SAS with the native subspace."""
        drawn = [self.single[name]] if name in self.single else self.floors[name]
        return float(np.mean([sas(subspace.basis, self.native.basis) for subspace in drawn]))


def carried_by(pair: LayerPair, kind: MapKind, finder: str, components: int | None) -> Carried:
    """The subspace found in the source, carried by a map fitted on fit clips, with everything that it is held against."""
    target, spec = pair.target.captures, pair.source.captures.spec
    rank = spec.rank_of(finder)
    own, native = (side.subspace(finder, layer, rank) for side, layer in pair.places)
    x, y = (side.pooled("fit", layer) for side, layer in pair.places)
    classes = pair.source.labels("fit")
    there = {"layer": pair.target_layer, "model": pair.target.card.name, "tokens": target.spec.tokens}

    def carry(by: LinearMap, subspace: Subspace) -> Subspace:
        return by.carry(subspace, native.mean, **there)

    fitted = fit_map(kind, x, y, components)
    carried = carry(fitted, own)
    rng = np.random.default_rng(spec.seed)
    sources = haar(torch.eye(pair.source.card.width, dtype=torch.float64), rank, DRAWS, rng).float()
    floors: dict[str, list[Subspace]] = {"random source": [carry(fitted, Subspace(basis, own.mean)) for basis in sources]}
    for name, within in (("shuffled pairs", None), ("shuffled in class", classes)):
        orders = pair_shuffles(len(y), DRAWS, rng, within)
        floors[name] = [carry(fit_map(kind, x, y[order], components), own) for order in orders]
    covariance = target.fit.moments(pair.target_layer, target.spec.tokens).covariance
    drawn = matched_controls(carried, covariance, DRAWS, spec.seed, avoid=native.basis, names=("random", "variance"))
    for control in ("random", "variance"):
        floors[control] = [Subspace(draw.basis, native.mean, there) for draw in drawn if draw.name == control]
    free = fit_map(kind, _class_centred(x, classes), _class_centred(y, classes), components)
    floors[FREE_FLOOR] = [carry(free, Subspace(basis, own.mean)) for basis in sources]
    return Carried(native, carried, carry(free, own), floors)


def _class_centred(x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"]) -> Float[Tensor, "clips width"]:
    return x - class_means(x, y, int(y.max()) + 1)[y]
