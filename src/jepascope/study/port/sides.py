"""The two sides of a port: a run folder, and another one or a model that is shown the same clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.card import EncoderCard
from jepascope.errors import BadData
from jepascope.study.captures import Captures, capture_all
from jepascope.study.discover.probes import earliest_of
from jepascope.study.discover.subspaces import kept
from jepascope.study.edited_layers import candidate_layers
from jepascope.study.files import subspace_name
from jepascope.study.folder import Run
from jepascope.study.given import given_in
from jepascope.study.port.compared import find_in
from jepascope.study.progress import Progress


@dataclass(frozen=True)
class Side:
    """A study's captures, the layer that its claims are made for, and how it is called in words."""

    captures: Captures
    best: int
    path: Path
    name: str

    @property
    def card(self) -> EncoderCard:
        return self.captures.encoder.card

    def described(self) -> dict[str, Any]:
        """What summary.json says of it."""
        spec, card = self.captures.spec, self.card
        about = {"path": str(self.path), "model": self.name, "clips": spec.clips, "variable": spec.variable, "best_layer": self.best}
        return {**about, "depth": card.depth, "width": card.width, "grid": list(card.grid)}

    def subspace(self, finder: str, layer: int, rank: int) -> Subspace:
        """What a finder finds in the fit clips; the run's own where it keeps one of that rank, for rounding may tip a choice."""
        captures = self.captures
        stored = kept(captures.run, subspace_name(finder, layer)) if finder in captures.spec.finders else None
        if stored is not None and stored.rank == rank:
            return stored
        return find_in(finder, rank, captures.folds, captures.spec.seed, given_in(captures, layer, finder=finder, of=captures.fit))

    def pooled(self, split: str, layer: int) -> Float[Tensor, "clips width"]:
        """Pooled activations of a whole split, by scene, so that two sides have their clips in one order."""
        return torch.cat([part.pooled(layer, self.captures.spec.tokens) for part in self._parts(split)])[self._order(split)]

    def labels(self, split: str) -> Int[Tensor, " clips"]:
        """Classes, in the same order."""
        return torch.cat([self.captures.labels(part) for part in self._parts(split)])[self._order(split)]

    def scenes(self, split: str) -> Int[Tensor, " clips"]:
        """Scenes, in the same order."""
        return torch.cat([self.captures.scenes(part) for part in self._parts(split)])[self._order(split)]

    def _parts(self, split: str) -> list[Activations]:
        return [self.captures.fit] if split == "fit" else self.captures.test_parts

    def _order(self, split: str) -> Int[Tensor, " clips"]:
        scenes = torch.cat([self.captures.scenes(part) for part in self._parts(split)])
        return torch.from_numpy(np.argsort(scenes.numpy(), kind="stable"))


def captures_of(run: Run, encoder: VideoEncoder, progress: Progress) -> Captures:
    """A study's captures, with tokens wherever a subspace may be carried to, however few layers the study itself edits."""
    captures = Captures.of_run(run, encoder, progress)
    captures.sites = tuple(sorted({*captures.sites, *candidate_layers(encoder.card.depth)}))
    return captures


def capture_both(a: Side, b: Side) -> None:
    """Everything that is used of the two passes through their encoders now, or is there. BadData where they do not show the same clips."""
    for side in (a, b):
        capture_all(side.captures)
    check_paired(a, b)


def check_paired(a: Side, b: Side) -> None:
    """Refuse (BadData) two sides whose clips are not the same scenes of the same classes: a map would be fitted to chance pairs."""
    for split in ("fit", "test"):
        if not torch.equal(a.scenes(split), b.scenes(split)) or not torch.equal(a.labels(split), b.labels(split)):
            raise BadData(f"The {split} clips of {a.name} and of {b.name} are not the same scenes; run both on the same clips.")


def names_of(a: EncoderCard, b: EncoderCard) -> tuple[str, str]:
    """What the two are called in tables: two checkpoints of one name are told apart by their digests."""
    if a.name != b.name or a.digest == b.digest:
        return a.name, b.name
    return f"{a.name} ({a.digest[:8]})", f"{b.name} ({b.digest[:8]})"


def best_of(captures: Captures, known: int | None) -> int:
    """The layer that the run claims; else chosen on the fit clips by the same rule."""
    if known is not None and 0 <= known < captures.encoder.card.depth:
        return known
    if captures.spec.best_layer is not None:
        return captures.spec.best_layer
    spec, fit, depth = captures.spec, captures.fit, captures.encoder.card.depth
    pooled = {layer: fit.pooled(layer, spec.tokens) for layer in range(depth + 1)}
    paths = dense_probes(pooled, captures.labels(fit), captures.scenes(fit), captures.folds, seed=spec.seed)
    return earliest_of(paths, depth)
