"""A subspace carried to another model and used there: edited in the target, judged by the target's own read-out -> transport table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import get_args

import numpy as np
import pandas as pd
from jaxtyping import Float64

from jepascope.discovery.subspace import Subspace
from jepascope.findings.carried import FREE_FLOOR
from jepascope.intervention.context import InterventionContext
from jepascope.portability.maps import MapKind
from jepascope.portability.retained import SATURATED, dose_rank, rce
from jepascope.schema import TABLES
from jepascope.stats import Interval, causal_effect_ratio, ratio_of_means, scene_sums
from jepascope.study.files import part_name
from jepascope.study.folder import Run
from jepascope.study.intervene.contexts import context_at
from jepascope.study.intervene.judges import last_layer_probe
from jepascope.study.port.carried import Carried, carried_by
from jepascope.study.port.similarity import LayerPair
from jepascope.study.spec import StudySpec

KINDS: tuple[MapKind, ...] = get_args(MapKind)

COLUMNS = TABLES["transport"].written

Scenes = Float64[np.ndarray, " scenes"]


def transport_table(pairs: Sequence[LayerPair], finders: Sequence[str], components: int | None, made: Run) -> pd.DataFrame:
    """Every pair of layers x map x finder: CE of ablation over the doses and of the swap, RCE over the native subspace, and the floors
    at the one dose at which it is reported. Each is kept in ``parts/`` of ``made`` when it is done.

    At the best match the ridge map alone: both maps at both layers would take a third longer and have not said anything else.
    """
    tick = pairs[0].source.captures.progress.start("carried subspaces used in the other model")
    kinds: dict[str, tuple[MapKind, ...]] = {"best match": ("ridge",)}
    jobs = [(pair, kind, finder) for pair in pairs for finder in finders for kind in kinds.get(pair.choice, KINDS)]
    contexts: dict[tuple[str, int], InterventionContext] = {}
    parts = []
    for done, (pair, kind, finder) in enumerate(jobs):
        name = part_name("transport", str(done))
        if not made.has(f"{name}.parquet"):
            place = pair.target.name, pair.target_layer
            if place not in contexts:
                contexts[place] = context_at(pair.target.captures, pair.target_layer, [last_layer_probe(pair.target.captures)])
            used = _used(pair.source.captures.spec, contexts[place], carried_by(pair, kind, finder, components))
            rows = [{**pair.names, "map": kind, "finder": finder, **row} for row in used]
            made.write_table("transport", pd.DataFrame(rows, columns=COLUMNS), part=str(done))
        parts.append(made.table(name))
        tick(done + 1, len(jobs))
    return pd.concat(parts, ignore_index=True)


def _used(spec: StudySpec, context: InterventionContext, used: Carried) -> list[dict[str, object]]:
    def numerators(subspaces: Mapping[str, Subspace], edit: str, doses: Sequence[float]) -> dict[tuple[str, float], tuple[Scenes, Scenes]]:
        effects, _ = context.edit(subspaces, {}, (edit,), doses)
        sums = {}
        for name in subspaces:
            for dose in doses:
                rows_at_dose = effects[(effects["finder"] == name) & (effects["dose"] == dose)].sort_values("scene", kind="stable")
                of = rows_at_dose["scene"].to_numpy()
                sums[name, dose] = (
                    scene_sums(rows_at_dose["numerator"].to_numpy(), of),
                    scene_sums(rows_at_dose["denominator"].to_numpy(), of),
                )
        return sums

    rows: list[dict[str, object]] = []
    ablated: list[_Dose] = []
    for edit, doses in (("ablate", sorted(spec.doses)), ("swap", [1.0])):
        found = numerators(used.single, edit, doses)
        for dose in doses:
            numerator = {name: found[name, dose][0] for name in used.single}
            at = _Dose(dose, numerator, found["native", dose][1], spec.seed, spec.resamples)
            rows += [{"edit": edit, **at.row(name, subspace)} for name, subspace in used.single.items()]
            ablated += [at] if edit == "ablate" else []
    reported = max(ablated, key=lambda at: at.rank)
    for name, draws in used.floors.items():
        drawn = numerators({str(i): one for i, one in enumerate(draws)}, "ablate", (reported.dose,))
        stacked = np.stack([drawn[str(i), reported.dose][0] for i in range(len(draws))])
        rows.append({"edit": "ablate", **reported.floor(name, draws, stacked)})
    return [{**row, "sas": used.overlap(str(row["used"])), "sas_chance": used.chance} for row in rows]


@dataclass(frozen=True)
class _Dose:
    """Numerators of the native, the carried and the class-free subspace at one dose, and the denominators that they share."""

    dose: float
    numerator: Mapping[str, Scenes]
    below: Scenes
    seed: int
    resamples: int

    @property
    def saturated(self) -> bool:
        return bool(max(self.numerator[name].sum() for name in ("native", "carried")) / self.below.sum() >= SATURATED)

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """What doses are sorted by (``dose_rank``)."""
        return dose_rank(self.dose, self.saturated, not isfinite(self.kept(self.numerator["carried"]).value))

    def kept(self, numerator: Scenes) -> Interval:
        """RCE: the share of the native effect."""
        return rce(numerator, self.numerator["native"], self.below, self.seed, self.resamples)

    def row(self, name: str, subspace: Subspace) -> dict[str, object]:
        ce = ratio_of_means(self.numerator[name], self.below, np.random.default_rng(self.seed), self.resamples)
        return {
            **{"rank": subspace.rank, "dose": self.dose, "used": name, "draws": 1, "n": ce.n, "saturated": self.saturated},
            **_ends("value", ce),
            **_ends("rce", self.kept(self.numerator[name])),
        }

    def floor(self, name: str, draws: Sequence[Subspace], drawn: Float64[np.ndarray, "draws scenes"]) -> dict[str, object]:
        """The mean draw, and how far what it is a floor of lies above it (scenes and draws resampled together)."""
        own = self.numerator["class-free" if name == FREE_FLOOR else "carried"]
        against = causal_effect_ratio(own, self.below, drawn, np.random.default_rng(self.seed), self.resamples)
        return {
            **{"rank": draws[0].rank, "dose": self.dose, "used": name, "draws": len(draws), "n": against.control.n},
            "saturated": self.saturated,
            **_ends("value", against.control),
            **_ends("rce", self.kept(drawn.mean(axis=0))),
            **_ends("difference", against.difference),
        }


def _ends(name: str, interval: Interval) -> dict[str, float]:
    prefix = "" if name == "value" else f"{name}_"
    return {name: interval.value, f"{prefix}low": interval.low, f"{prefix}high": interval.high}
