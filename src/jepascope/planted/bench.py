"""PlantedBench: one planted network with its clips captured, its judge trained, and what finders are given."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.clips.clipset import ClipSet
from jepascope.clips.planted import planted_clips
from jepascope.clips.presets import twins
from jepascope.discovery.labelled import Labelled, Suffix
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.probes.readouts import LinearProbe
from jepascope.encoders.planted.encoder import SITE, PlantedEncoder, planted_encoder
from jepascope.intervention.edits import class_means
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.scenes import Scenes
from jepascope.stats import Interval, proportion

VARIABLE = "direction"
BATCH = 64
STRENGTHS = (1e-1, 1e-2, 1e-3)  # of probes inside a subspace: few coordinates, so little depends on them
ROUNDING = 1e-5  # of the activations' spread: below it there is nothing but float32's last digits

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class PlantedBench:
    """All that scoring a network needs. ``covariance`` is that of the fit clips' tokens at the site; ``judged`` are the clips that the
    judge was trained on."""

    encoder: PlantedEncoder
    test: Activations
    data: Labelled
    scenes: Scenes
    judge: ProbeJudge
    covariance: Float64[Tensor, "width width"]
    judged: Activations

    @property
    def site(self) -> Site:
        return Site(SITE)

    @property
    def mean(self) -> Float[Tensor, " width"]:
        return self.data.x.mean(dim=0)

    @property
    def known(self) -> dict[str, Float[Tensor, "width _"]]:
        """What was planted, by the names of the scorecard."""
        return {"truth": self.encoder.causal, "inert": self.encoder.inert, **self.encoder.references}


def planted_benches(wanted: Sequence[tuple[str, int]], fit: int = 40, judge: int = 24, test: int = 8) -> list[PlantedBench]:
    """A bench for each (network, seed), its frame and clips drawn by that seed; the counts are clips of each direction in each split.

    Planted clips have the same labels whatever the seed, so all judges are trained in one batch.
    """
    encoders = [planted_encoder(name, seed) for name, seed in wanted]
    clips = [planted_clips(seed, fit, judge, test) for _, seed in wanted]
    judged = [capture(encoder, part.split("judge"), batch=BATCH) for encoder, part in zip(encoders, clips, strict=True)]
    last = {i: part.pooled(part.encoder_card.depth) for i, part in enumerate(judged)}
    judges = dense_probes(last, labels(judged[0]), scene_ids(judged[0])) if judged else {}
    seeds = [seed for _, seed in wanted]
    return [_bench(*parts, judges[i].probe) for i, parts in enumerate(zip(encoders, clips, judged, seeds, strict=True))]


def accuracy_inside(bases: Mapping[Key, tuple[PlantedBench, Float[Tensor, "width _"]]]) -> dict[Key, Interval]:
    """Accuracy on test clips, with its Wilson interval, of a dense probe that sees nothing but the coordinates in a subspace.

    All benches must be of the same counts; their probes are fitted in one batch.
    """
    if not bases:
        return {}
    data = next(iter(bases.values()))[0].data
    inside = {key: (_varying(bench, basis), bench) for key, (bench, basis) in bases.items()}
    alive = {key: bench.data.x @ basis for key, (basis, bench) in inside.items() if basis.shape[1]}
    paths = dense_probes(alive, data.y, data.groups, strengths=STRENGTHS) if alive else {}
    out = {}
    for key, (basis, bench) in inside.items():
        y = bench.scenes.label
        guessed = int((y == int(data.y.mode().values)).sum())  # where nothing varies every clip looks alike
        right = paths[key].probe.correct(bench.test.pooled(SITE) @ basis, y) if key in paths else guessed
        out[key] = proportion(right, len(y))
    return out


def _varying(bench: PlantedBench, basis: Float[Tensor, "width rank"]) -> Float[Tensor, "width _"]:
    """The directions of a subspace in which activations vary: what is left is rounding, and a probe's standardisation would blow it up."""
    x = bench.data.x.double()
    directions: Tensor = torch.linalg.svd((x - x.mean(dim=0)) @ basis.double(), full_matrices=False)[2].T
    spread = ((x - x.mean(dim=0)) @ basis.double() @ directions).std(dim=0)
    return (basis.double() @ directions[:, spread > ROUNDING * float(x.std())]).float()


def _bench(encoder: PlantedEncoder, clips: ClipSet, judged: Activations, seed: int, judge: LinearProbe) -> PlantedBench:
    fitted, tested = (_tokens(encoder, clips.split(split)) for split in ("fit", "test"))
    fit_twins, test_twins = (_tokens(encoder, twins(part.clips, VARIABLE, seed)) for part in (fitted, tested))
    y, values = labels(fitted), fitted.clips.values(VARIABLE)
    data = Labelled(
        x=fitted.pooled(SITE),
        y=y,
        values=None if values is None else torch.from_numpy(values).float(),
        groups=scene_ids(fitted),
        suffix=Suffix(encoder, Site(SITE), fitted, fit_twins, labels(fit_twins)),
        where=f"layer {SITE} of {encoder.card.name}",
    )
    scenes = Scenes(tested, test_twins, labels(tested), labels(test_twins), class_means(data.x, y, data.classes))
    return PlantedBench(encoder, tested, data, scenes, ProbeJudge(judge), fitted.moments(SITE).covariance, judged)


def _tokens(encoder: PlantedEncoder, clips: ClipSet) -> Activations:
    return capture(encoder, clips, sites=(SITE,), moments=(SITE,), batch=BATCH)


def labels(activations: Activations) -> Int[Tensor, " clips"]:
    return torch.tensor(activations.clips.labels(VARIABLE)[0])


def scene_ids(activations: Activations) -> Int[Tensor, " clips"]:
    return torch.tensor(activations.clips.factors["scene"].to_numpy(copy=True))
