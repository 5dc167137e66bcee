"""das: the subspace that, exchanged with the twin's, moves the network's last layer to the twin's class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.finder_entry import FinderEntry
from jepascope.discovery.finders.directions import class_rank, leading
from jepascope.discovery.finders.rotation import CLIPS, ReadOuts, Rotations, train_rotations
from jepascope.discovery.labelled import Labelled, Suffix
from jepascope.discovery.probes.folds import scene_folds
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.probes.readouts import standardise
from jepascope.discovery.solver.elastic_net import prepare
from jepascope.discovery.solver.solve import solve_path
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, BadData

DECLARED = FinderEntry(
    name="das",
    meaning="the subspace that, exchanged with the twin's, moves the network to the twin's class",
    order=9,
    takes="labelled",
    needs=("suffix",),
    together="das_shuffled",
    peels="twins",
)

SEEDS = 3
FOLDS = 5  # one fifth of the scenes is held out


def das(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """Distributed alignment search (Geiger et al. 2024) by interchange of twins, through the blocks after the site.

    ``SEEDS`` rotations are trained in one batch against a dense read-out of the fit clips' last layer (never the judge's);
    the one with the least loss on held-out fit clips is taken. Without ``rank``: classes - 1.
    """
    rank, suffix = class_rank(data, rank), _suffix(data)
    probes = _Reader.of(data, suffix, seed)
    weights, bias = probes.fitted(data.y[None])
    reading = ReadOuts(weights.expand(SEEDS, -1, -1), bias.expand(SEEDS, -1), suffix.target.expand(SEEDS, -1))
    trained = _trained(data, suffix, reading, rank, seed)
    return _subspace(data, trained, int(trained.loss.argmin()), list(range(SEEDS)), rank, probes.strength)


def das_shuffled(data: Labelled, rank: int | None, permuted: Sequence[Labelled], seed: int = 0) -> list[Subspace]:
    """The finder on other labels, all in one batch: read-outs of permuted labels at the strength that the true ones chose,
    twins' classes permuted alike, one rotation a permutation, ended by the same rule."""
    rank, suffix = class_rank(data, rank), _suffix(data)
    probes = _Reader.of(data, suffix, seed)
    weights, bias = probes.fitted(torch.stack([other.y for other in permuted]))
    target = torch.stack([_suffix(other).target for other in permuted])
    trained = _trained(data, suffix, ReadOuts(weights, bias, target), rank, seed)
    return [_subspace(data, trained, draw, [draw], rank, probes.strength) for draw in range(len(permuted))]


@dataclass(frozen=True)
class _Reader:
    """Dense probes of the last layer, at one strength that cross-validation chose for the true labels."""

    x: Float[Tensor, "clips width"]
    classes: int
    strengths: tuple[float, ...]  # down to the chosen one: each fit starts from the one before

    @classmethod
    def of(cls, data: Labelled, suffix: Suffix, seed: int) -> _Reader:
        depth = suffix.encoder.card.depth
        x = suffix.source.pooled(depth, suffix.site.tokens)
        path = dense_probes({depth: x}, data.y, data.groups, _folds(data), seed=seed)[depth]
        return cls(x, data.classes, tuple(point.strength for point in path.points[: path.chosen + 1]))

    @property
    def strength(self) -> float:
        return self.strengths[-1]

    def fitted(self, labels: Int[Tensor, "sets clips"]) -> tuple[Float[Tensor, "sets classes width"], Float[Tensor, "sets classes"]]:
        """Weights and biases on raw activations, one read-out for each set of labels."""
        standard, mean, scale = standardise(self.x)
        batch = prepare(standard[None], labels[None], torch.ones(1, 1, labels.shape[1]), self.classes, principal=True)
        fits = list(solve_path(batch, [(0.0, strength) for strength in self.strengths]))[-1]
        weights = fits.weights[0] / scale
        return weights, fits.bias[0] - weights @ mean


def _folds(data: Labelled) -> int:
    fewest = int(torch.bincount(data.y).min())
    if fewest < 2:
        raise BadData(f"Finder 'das' at {data.where} needs two clips of every class, one to train on and one to hold out; add clips.")
    return min(FOLDS, fewest)


def _trained(data: Labelled, suffix: Suffix, reading: ReadOuts, rank: int, seed: int) -> Rotations:
    held = scene_folds(data.y, data.groups, _folds(data), seed) == 0
    # in the order of scenes, so that the order of clips plays no part
    order = torch.arange(len(data.y)) if data.groups is None else data.groups.argsort(stable=True)
    return train_rotations(suffix, reading, rank, order[~held[order]], order[held[order]], seed)


def _subspace(data: Labelled, trained: Rotations, chosen: int, tried: list[int], rank: int, strength: float) -> Subspace:
    said = {
        "losses": [round(float(trained.loss[seed]), 4) for seed in tried],
        "loss_without_edit": round(float(trained.untouched[chosen]), 4),
        "seed_rule": "least loss on held-out fit clips",
        "steps": trained.steps,
        "clips_per_step": CLIPS,
        "read_out": "dense probe of the fit clips' last layer",
        "strength": strength,
    }
    return leading(trained.bases[chosen].double(), data, rank, "das", "rotation", **said)


def _suffix(data: Labelled) -> Suffix:
    if data.suffix is None:
        raise BadArgument(
            f"Finder 'das' at {data.where} trains through the network after the site, which was not given; pass encoder= in notebooks, "
            "or Labelled.suffix (encoder, site, tokens of the fit clips and of their twins)."
        )
    if not len(data.suffix.source) == len(data.suffix.twin) == len(data.suffix.target) == len(data.y):
        raise BadArgument(
            f"Finder 'das' at {data.where} has {len(data.y)} labels for {len(data.suffix.source)} clips, {len(data.suffix.twin)} twins and "
            f"{len(data.suffix.target)} targets; give one of each for every clip."
        )
    return data.suffix
