"""A subspace carried to another model and used there: edited in the target, judged by the target's own read-out -> transport table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.controls import haar, matched_controls
from jepascope.intervention.edits import class_means
from jepascope.intervention.effects import intervene
from jepascope.intervention.run import read_unedited
from jepascope.portability.alignment import sas, sas_chance
from jepascope.portability.maps import LinearMap, MapKind, fit_map
from jepascope.portability.retained import SATURATED, rce
from jepascope.portability.similarity import pair_shuffles
from jepascope.stats import Interval, causal_effect_ratio, ratio_of_means
from jepascope.study.port.layers import LayerPair
from jepascope.study.stage_three.ground import find_in, last_layer_probe
from jepascope.study.stage_two.scenes import scenes_at

KINDS: tuple[MapKind, ...] = get_args(MapKind)
DRAWS = 10  # of every floor: the fewest that have an interval over draws
FLOORS = ("random source", "shuffled pairs", "shuffled in class", "random", "variance")
"""What the carried subspace is held against: random subspaces of the source carried by the same map; the subspace carried by maps fitted
to shuffled pairs, and to pairs shuffled within classes (maps that know the class alone); and controls matched to it in the target."""

COLUMNS = [
    *("source", "target", "source_layer", "target_layer", "choice", "map", "finder", "rank", "edit", "dose", "used"),
    *("value", "low", "high", "n", "draws", "rce", "rce_low", "rce_high", "saturated", "sas", "sas_chance"),
    *("difference", "difference_low", "difference_high"),
]

Scenes = Float64[np.ndarray, " scenes"]


@dataclass(frozen=True)
class Carried:
    """What is used in the target: its own subspace, the carried one, the same carried by a map fitted to class-centred pairs (which knows
    nothing of the class), and the draws of every floor. All are ablated to the native mean."""

    native: Subspace
    carried: Subspace
    class_free: Subspace
    floors: Mapping[str, Sequence[Subspace]]

    @property
    def chance(self) -> float:
        """SAS of random subspaces with the native one."""
        return sas_chance(self.native.width, self.carried.rank, self.native.rank)


def transport_table(pairs: Sequence[LayerPair], finders: Sequence[str], components: int | None) -> pd.DataFrame:
    """Every pair of layers x map x finder: CE of ablation over the doses and of the swap, RCE over the native subspace, and the floors
    at the largest dose at which neither is saturated."""
    rows: list[dict[str, object]] = []
    tick = pairs[0].source.bench.progress.start("carried subspaces used in the other model")
    jobs = [(pair, kind, finder) for pair in pairs for finder in finders for kind in KINDS]
    for done, (pair, kind, finder) in enumerate(jobs):
        used = carried_by(pair, kind, finder, components)
        rows += [{**pair.names, "map": kind, "finder": finder, **row} for row in _used(pair, used)]
        tick(done + 1, len(jobs))
    return pd.DataFrame(rows, columns=COLUMNS)


def carried_by(pair: LayerPair, kind: MapKind, finder: str, components: int | None) -> Carried:
    """The subspace found in the source, carried by a map fitted on fit clips, with everything that it is held against."""
    source, target, spec = pair.source.bench, pair.target.bench, pair.source.bench.spec
    rank = spec.rank_of(finder)
    own = find_in(finder, rank, source.folds, spec.seed, source.labelled(pair.source_layer, finder=finder, of=source.fit))
    there = {"layer": pair.target_layer, "model": pair.target.name, "tokens": target.spec.tokens}
    native = find_in(finder, rank, target.folds, spec.seed, target.labelled(pair.target_layer, finder=finder, of=target.fit))
    x, y = pair.source.pooled("fit", pair.source_layer), pair.target.pooled("fit", pair.target_layer)

    def carry(by: LinearMap, subspace: Subspace) -> Subspace:
        return by.carry(subspace, native.mean, **there)

    fitted = fit_map(kind, x, y, components)
    carried = carry(fitted, own)
    rng = np.random.default_rng(spec.seed)
    sources = haar(torch.eye(pair.source.card.width, dtype=torch.float64), rank, DRAWS, rng).float()
    floors: dict[str, list[Subspace]] = {"random source": [carry(fitted, Subspace(basis, own.mean)) for basis in sources]}
    for name, classes in (("shuffled pairs", None), ("shuffled in class", pair.source.labels("fit"))):
        orders = pair_shuffles(len(y), DRAWS, rng, classes)
        floors[name] = [carry(fit_map(kind, x, y[order], components), own) for order in orders]
    covariance = target.fit.moments(pair.target_layer, target.spec.tokens).covariance
    drawn = matched_controls(carried, covariance, DRAWS, spec.seed, avoid=native.basis, names=("random", "variance"))
    for control in ("random", "variance"):
        floors[control] = [Subspace(draw.basis, native.mean, there) for draw in drawn if draw.name == control]
    classes = pair.source.labels("fit")
    class_free = carry(fit_map(kind, _class_centred(x, classes), _class_centred(y, classes), components), own)
    return Carried(native, carried, class_free, floors)


def _class_centred(x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"]) -> Float[Tensor, "clips width"]:
    return x - class_means(x, y, int(y.max()) + 1)[y]


def _used(pair: LayerPair, used: Carried) -> list[dict[str, object]]:
    bench, layer = pair.target.bench, pair.target_layer
    spec = pair.source.bench.spec
    site, scenes = Site(layer, bench.spec.tokens), bench.once(f"port scenes {layer}", lambda: scenes_at(bench, layer))()
    judge = bench.once("port judge", lambda: last_layer_probe(bench))()
    unedited = bench.once(f"port unedited {layer}", lambda: read_unedited(bench.encoder, site, scenes, [judge]))()

    def numerators(subspaces: Mapping[str, Subspace], edit: str, doses: Sequence[float]) -> dict[tuple[str, float], tuple[Scenes, Scenes]]:
        effects, _ = intervene(bench.encoder, site, scenes, subspaces, {}, [judge], (edit,), doses, unedited=unedited)
        return {
            (name, dose): (here["numerator"].to_numpy(), here["denominator"].to_numpy())
            for name in subspaces
            for dose in doses
            for here in [effects[(effects["finder"] == name) & (effects["dose"] == dose)].sort_values("scene", kind="stable")]
        }

    both = {"native": used.native, "carried": used.carried, "class-free": used.class_free}
    rows: list[dict[str, object]] = []
    open_: _Dose | None = None
    for edit, doses in (("ablate", sorted(spec.doses)), ("swap", [1.0])):
        found = numerators(both, edit, doses)
        for dose in doses:
            at = _Dose(dose, found["native", dose][0], found["carried", dose][0], found["native", dose][1], spec.seed, spec.resamples)
            rows += [{"edit": edit, **at.row(name, subspace, found[name, dose][0])} for name, subspace in both.items()]
            if edit == "ablate" and (open_ is None or not at.saturated):
                open_ = at
    assert open_ is not None
    for name, draws in used.floors.items():
        drawn = numerators({str(i): one for i, one in enumerate(draws)}, "ablate", (open_.dose,))
        stacked = np.stack([drawn[str(i), open_.dose][0] for i in range(len(draws))])
        rows.append({"edit": "ablate", **open_.floor(name, draws, stacked)})
    return [{**row, "sas": _overlap(used, str(row["used"])), "sas_chance": used.chance} for row in rows]


def _overlap(used: Carried, name: str) -> float:
    """Mean SAS with the native subspace."""
    drawn = {"native": [used.native], "carried": [used.carried], "class-free": [used.class_free], **used.floors}[name]
    return float(np.mean([sas(one.basis, used.native.basis) for one in drawn]))


@dataclass(frozen=True)
class _Dose:
    """Numerators of the native and of the carried subspace at one dose, and the denominators that they share."""

    dose: float
    native: Scenes
    carried: Scenes
    below: Scenes
    seed: int
    resamples: int

    @property
    def saturated(self) -> bool:
        return bool(max(self.native.sum(), self.carried.sum()) / self.below.sum() >= SATURATED)

    def row(self, name: str, subspace: Subspace, numerator: Scenes) -> dict[str, object]:
        ce = ratio_of_means(numerator, self.below, np.random.default_rng(self.seed), self.resamples)
        return {
            **{"rank": subspace.rank, "dose": self.dose, "used": name, "draws": 1, "n": ce.n, "saturated": self.saturated},
            **_ends("value", ce),
            **_ends("rce", rce(numerator, self.native, self.seed, self.resamples)),
        }

    def floor(self, name: str, draws: Sequence[Subspace], drawn: Float64[np.ndarray, "draws scenes"]) -> dict[str, object]:
        """The mean draw, and how far the carried subspace lies above it (scenes and draws resampled together)."""
        against = causal_effect_ratio(self.carried, self.below, drawn, np.random.default_rng(self.seed), self.resamples)
        return {
            **{"rank": draws[0].rank, "dose": self.dose, "used": name, "draws": len(draws), "n": against.control.n},
            "saturated": self.saturated,
            **_ends("value", against.control),
            **_ends("rce", rce(drawn.mean(axis=0), self.native, self.seed, self.resamples)),
            **_ends("difference", against.difference),
        }


def _ends(name: str, interval: Interval) -> dict[str, float]:
    prefix = "" if name == "value" else f"{name}_"
    return {name: interval.value, f"{prefix}low": interval.low, f"{prefix}high": interval.high}
