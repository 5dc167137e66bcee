"""PlantedBench: one planted network with its clips captured, its judge trained, and what finders are given."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

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
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.planted.encoder import PlantedEncoder, planted_encoder
from jepascope.encoders.planted.expected import expected_effect
from jepascope.intervention.edits import class_means
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.scenes import Scenes
from jepascope.stats import Interval, proportion

VARIABLE = "direction"
BATCH = 64
STRENGTHS = (1e-1, 1e-2, 1e-3)  # of probes inside a subspace: few coordinates, so little depends on them
ROUNDING = 1e-5  # of the activations' spread: below it there is nothing but float32's last digits

Key = TypeVar("Key", bound=Hashable)
Known = TypeVar("Known", bound=VideoEncoder)


@dataclass(frozen=True)
class Answer:
    """What is known of a network: which subspace of ``layer`` later blocks read, and which one holds what nothing reads.

    ``copy_rank``: the rank that is enough by itself. ``decoy``: whether the inert subspace holds the class. ``references``: further
    subspaces with a known effect. ``expected(edit, subspace, class_means)``: the CE that the network's equations give; None without any.
    ``pair``: two of these that the right verdict on degeneracy is known of.
    """

    name: str
    layer: int
    causal: Float[Tensor, "width rank"]
    inert: Float[Tensor, "width _"]
    copy_rank: int
    decoy: bool
    references: Mapping[str, Float[Tensor, "width _"]] = field(default_factory=dict)
    expected: Callable[[str, Subspace, Tensor], float] | None = None
    pair: tuple[str, str] = ("truth", "inert")

    @property
    def subspaces(self) -> dict[str, Float[Tensor, "width _"]]:
        """By the names of the scorecard."""
        return {"truth": self.causal, "inert": self.inert, **self.references}


@dataclass(frozen=True)
class PlantedBench(Generic[Known]):
    """All that scoring a network needs. ``covariance`` is that of the fit clips' tokens at the site; ``judged`` are the clips that the
    judge was trained on."""

    encoder: Known
    answer: Answer
    test: Activations
    data: Labelled
    scenes: Scenes
    judge: ProbeJudge
    covariance: Float64[Tensor, "width width"]
    judged: Activations

    @property
    def site(self) -> Site:
        return Site(self.answer.layer)

    @property
    def mean(self) -> Float[Tensor, " width"]:
        return self.data.x.mean(dim=0)

    @property
    def known(self) -> dict[str, Float[Tensor, "width _"]]:
        """What was planted, by the names of the scorecard."""
        return self.answer.subspaces


def planted_benches(wanted: Sequence[tuple[str, int]], fit: int = 40, judge: int = 24, test: int = 8) -> list[PlantedBench[PlantedEncoder]]:
    """A bench for each (network, seed), its frame and clips drawn by that seed; the counts are clips of each direction in each split.

    Planted clips have the same labels whatever the seed, so all judges are trained in one batch.
    """
    encoders = [planted_encoder(name, seed) for name, seed in wanted]
    clips = [planted_clips(seed, fit, judge, test) for _, seed in wanted]
    judged = [capture(encoder, part.split("judge"), batch=BATCH) for encoder, part in zip(encoders, clips, strict=True)]
    last = {i: part.pooled(part.encoder_card.depth) for i, part in enumerate(judged)}
    judges = dense_probes(last, labels(judged[0]), scene_ids(judged[0])) if judged else {}
    seeds = [seed for _, seed in wanted]
    return [
        bench_of(encoder, planted_answer(encoder), *parts, judges[i].probe)
        for i, (encoder, parts) in enumerate(zip(encoders, zip(clips, judged, seeds, strict=True), strict=True))
    ]


def planted_answer(encoder: PlantedEncoder) -> Answer:
    """What the construction says."""

    def expected(edit: str, subspace: Subspace, class_means: Tensor) -> float:
        return expected_effect(encoder, edit, subspace.basis, subspace.mean, class_means)

    network = encoder.network
    known = (encoder.causal, encoder.inert, encoder.copy_rank, network.decoy, encoder.references)
    return Answer(network.name, encoder.site, *known, expected, network.right.pair)


def accuracy_inside(bases: Mapping[Key, tuple[PlantedBench[Any], Float[Tensor, "width _"]]]) -> dict[Key, Interval]:
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
        right = paths[key].probe.correct(bench.test.pooled(bench.answer.layer) @ basis, y) if key in paths else guessed
        out[key] = proportion(right, len(y))
    return out


def _varying(bench: PlantedBench[Any], basis: Float[Tensor, "width rank"]) -> Float[Tensor, "width _"]:
    """The directions of a subspace in which activations vary: what is left is rounding, and a probe's standardisation would blow it up."""
    x = bench.data.x.double()
    directions: Tensor = torch.linalg.svd((x - x.mean(dim=0)) @ basis.double(), full_matrices=False)[2].T
    spread = ((x - x.mean(dim=0)) @ basis.double() @ directions).std(dim=0)
    return (basis.double() @ directions[:, spread > ROUNDING * float(x.std())]).float()


def bench_of(encoder: Known, answer: Answer, clips: ClipSet, judged: Activations, seed: int, judge: LinearProbe) -> PlantedBench[Known]:
    """The bench of one network: ``clips`` in three splits, ``judged`` the captured ones of split judge, ``seed`` draws the twins."""
    site = answer.layer
    fitted, tested = (_tokens(encoder, site, clips.split(split)) for split in ("fit", "test"))
    fit_twins, test_twins = (_tokens(encoder, site, twins(part.clips, VARIABLE, seed)) for part in (fitted, tested))
    y, values = labels(fitted), fitted.clips.values(VARIABLE)
    data = Labelled(
        x=fitted.pooled(site),
        y=y,
        values=None if values is None else torch.from_numpy(values).float(),
        groups=scene_ids(fitted),
        suffix=Suffix(encoder, Site(site), fitted, fit_twins, labels(fit_twins)),
        where=f"layer {site} of {encoder.card.name}",
    )
    scenes = Scenes(tested, test_twins, labels(tested), labels(test_twins), class_means(data.x, y, data.classes))
    return PlantedBench(encoder, answer, tested, data, scenes, ProbeJudge(judge), fitted.moments(site).covariance, judged)


def _tokens(encoder: VideoEncoder, site: int, clips: ClipSet) -> Activations:
    return capture(encoder, clips, sites=(site,), moments=(site,), batch=BATCH)


def labels(activations: Activations) -> Int[Tensor, " clips"]:
    return torch.tensor(activations.clips.labels(VARIABLE)[0])


def scene_ids(activations: Activations) -> Int[Tensor, " clips"]:
    return torch.tensor(activations.clips.factors["scene"].to_numpy(copy=True))
