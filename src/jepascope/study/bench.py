"""Bench: one study's encoder, clips and captured activations, made when a step first asks for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.site import SELECTIONS, Site
from jepascope.clips.clipset import SPLITS, ClipSet
from jepascope.clips.degrade import degrade
from jepascope.clips.donors import donor_rows
from jepascope.clips.presets import twins
from jepascope.clips.spread import spread
from jepascope.clips.video.chosen import clips_chosen
from jepascope.discovery.finder_entry import needing
from jepascope.discovery.labelled import Labelled, Suffix
from jepascope.discovery.probes.paths import ProbePath, l1_paths
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.intervention.judges import require_disjoint
from jepascope.study.fits import check_edited_layer, check_room
from jepascope.study.folder import Run
from jepascope.study.progress import Progress
from jepascope.study.scenes import folds_of, other_clips, study_clips
from jepascope.study.spec import StudySpec

if TYPE_CHECKING:
    from jepascope.study.videos.taken import Taken


class Degraded(NamedTuple):
    """A degradation as capture's transform."""

    name: str
    apply: Callable[[Tensor], Tensor]

    def __call__(self, video: Tensor) -> Tensor:
        return self.apply(video)


class Bench:
    """What the steps of one study share. ``layers`` are those that can be intervened on with blocks after them: 0..depth-1.

    ``beside``: another study of the same clips and encoder, whose captures serve this one, so that nothing passes twice. ``store``:
    where captures are kept, if not in the run folder.
    """

    def __init__(self, run: Run, encoder: VideoEncoder, progress: Progress, beside: Bench | None = None, store: Path | None = None) -> None:
        self.run, self.spec, self.encoder, self.progress, self.beside = run, run.spec, encoder, progress, beside
        self.taken: Taken | None = None  # subspaces of another run, where the study uses some
        self.store: Path = store or (run.activations if beside is None else beside.store)
        card = encoder.card
        self.clips = study_clips(self.spec).at(card.frames, card.size)
        factors = self.clips.factors
        require_disjoint({name: factors.loc[factors["split"] == name, "scene"].to_numpy() for name in ("fit", "judge", "test")})
        self.variable = self.clips.variable(self.spec.variable)
        self.classes = self.variable.classes
        other = other_clips(self.spec)
        self.other_clips = None if other is None else other.at(card.frames, card.size)
        self.folds = folds_of(self.spec, self.clips, self.other_clips)
        if self.folds < self.spec.folds and (beside is None or beside.folds != self.folds):
            progress.say(
                f"{self.folds}-fold cross-validation instead of {self.spec.folds}: a class has no more "
                f"{'videos' if self.spec.of_videos else 'clips'} than that in a split."
            )

    @cached_property
    def l1_paths(self) -> dict[int, ProbePath]:
        """The sparse probes' paths on the fit split at every layer, fitted once for the probes, stability selection, the finder and its
        shuffled control. Always all layers in one batch: a resumed study gets the same digits.
        """
        inputs = {layer: self.fit.pooled(layer, self.spec.tokens) for layer in range(self.encoder.card.depth + 1)}
        return l1_paths(inputs, self.labels(self.fit), self.scenes(self.fit), self.folds, seed=self.spec.seed)

    def labelled(self, layer: int, tokens: str | None = None, finder: str = "", of: Activations | None = None) -> Labelled:
        """The fit split (or ``of``) at one layer, with what ``finder`` needs beside clips: the study's own L1 path, or tokens and twins."""
        part, selection = of or self.fit, tokens or self.spec.tokens
        path = self.l1_paths[layer] if needing("path", [finder]) and of is None and selection == self.spec.tokens else None
        groups, where = self.scenes(part), str(Site(layer, selection))
        suffix = self.suffix(part, Site(layer, selection)) if needing("suffix", [finder]) and self.variable.rendered else None
        return Labelled(part.pooled(layer, selection), self.labels(part), self.values(part), groups, suffix, path, where)

    def shuffles(self, layer: int, name: str, subspace: Subspace) -> tuple[str, Labelled] | None:
        """The finder behind a subspace and the clips that it was found in, whose labels the ``shuffled`` control permutes; None for a
        subspace without a reference to what found it: its name in tables says nothing."""
        if subspace.found_by is None:
            return None
        if self.taken is not None and name in self.taken.subspaces:
            return self.taken.shuffles(subspace.found_by.finder)
        return subspace.found_by.finder, self.labelled(layer, finder=subspace.found_by.finder)

    def suffix(self, part: Activations, site: Site) -> Suffix:
        """For finders that are trained through the network: tokens of these clips and of their twins. One pass for all sites where the
        study has such a finder; else (subspaces are peeled off so, at the best layer) for the one site, which takes far less disk."""
        sites = self.sites if needing("suffix", self.spec.finders) else (site.layer,)
        key = (part.clips.digest, sites)
        if key not in self.exchanged:
            own = self.capture(part.clips, "capture tokens to train on", sites=sites)
            other = twins(part.clips, self.spec.variable, self.spec.seed)
            self.exchanged[key] = own, self.capture(other, "capture twins to train on", sites=sites)
        source, twin = self.exchanged[key]
        return Suffix(self.encoder, site, source, twin, self.labels(twin))

    @cached_property
    def exchanged(self) -> dict[tuple[str, tuple[int, ...]], tuple[Activations, Activations]]:
        """What ``suffix`` captured, by the clips' digest and the layers."""
        return {}

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers that are intervened on besides the best one."""
        return tuple(range(self.encoder.card.depth)) if isinstance(self.spec.layers, str) else tuple(sorted(self.spec.layers))

    def full_layers(self, best: int) -> tuple[int, ...]:
        """Layers at which every edit, control and judge runs."""
        return tuple(sorted({best, *(() if self.spec.layers == "survey" else self.layers)}))

    @property
    def full_sites(self) -> tuple[int, ...]:
        """Layers that may be run in full, before the best one is known; those of the study beside where they hold all that is needed."""
        needed = {*self._candidates, *(() if self.spec.layers == "survey" else self.layers)}
        theirs = set() if self.beside is None else {*self.beside.full_sites}
        return tuple(sorted(theirs if needed <= theirs else needed))

    @property
    def _candidates(self) -> tuple[int, ...]:
        best = self.spec.best_layer
        return candidate_layers(self.encoder.card.depth) if best is None else (best,)

    def capture(self, clips: ClipSet, what: str, **options: object) -> Activations:
        """One pass, kept in the run folder's store."""
        return capture(self.encoder, clips, self.store, progress=self.progress.start(what), **options)  # type: ignore[arg-type]

    @cached_property
    def sites(self) -> tuple[int, ...]:
        """Layers whose tokens and moments are kept; those of the study beside where they hold all that is needed."""
        theirs = set() if self.beside is None else {*self.beside.sites}
        return tuple(sorted(theirs if {*self.needed} <= theirs else self.needed))

    @property
    def needed(self) -> tuple[int, ...]:
        """Layers that this study edits, or may."""
        return tuple(sorted({*self.layers, *self._candidates}))

    @cached_property
    def fit(self) -> Activations:
        return self.capture(self.clips.split("fit"), "capture fit clips", moments=self.sites)

    @cached_property
    def judge(self) -> Activations:
        return self.capture(self.clips.split("judge"), "capture judge clips")

    @cached_property
    def chosen_test(self) -> np.ndarray:
        """Which test clips are intervened on: the same number of every class, fewer where a class has fewer, of as many scenes as can be:
        where a scene has several clips, see ``clips.spread``, else the first of each class."""
        if self.beside is not None:
            return self.beside.chosen_test
        return self.clips_chosen(self.clips.split("test"))

    def clips_chosen(self, clips: ClipSet, fewest: int = 1) -> Bool[np.ndarray, " clips"]:
        """Of these clips as many as are intervened on (of each class ``fewest`` at least), balanced over classes and spread over scenes."""
        labels, names = clips.labels(self.spec.variable)
        per_class = max(fewest, self.spec.test_scenes // len(names))
        if self.spec.of_videos:
            rows = clips_chosen(clips.factors, labels, per_class, self.spec.seed)
        else:
            rows = spread(clips.factors["scene"].to_numpy(), labels, per_class)
        mask = np.zeros(len(clips), dtype=bool)
        mask[rows] = True
        return mask

    @cached_property
    def test(self) -> Activations:
        """The test scenes that are intervened on, with their tokens."""
        return self.capture(self.clips.split("test").select(self.chosen_test), "capture test clips", sites=self.sites)

    @cached_property
    def twins(self) -> Activations:
        """Their partners: twins with another value of the variable, or donors where none can be rendered (see ``donor``)."""
        if self.donor == "class":
            return self.test.select(donor_rows(self.test.clips, self.spec.variable, self.spec.seed))
        return self.capture(twins(self.test.clips, self.spec.variable, self.spec.seed), "capture twins", sites=self.sites)

    @property
    def donor(self) -> Literal["twin", "class"]:
        """What a swap takes from: the scene's twin, or another test clip of another class."""
        return self.spec.swap_donor or ("twin" if self.variable.rendered else "class")

    @cached_property
    def spare_test(self) -> Activations | None:
        """Test clips that are only probed."""
        spare = self.clips.split("test").select(~self.chosen_test)
        return self.capture(spare, "capture test clips (probed only)") if len(spare) else None

    @cached_property
    def other_fit(self) -> Activations | None:
        """The fit split of the same clip set under another seed: new scenes for the data-seed portability; None where they have no
        labels."""
        if self.other_clips is None:
            return None
        return self.capture(self.other_clips.split("fit"), "capture fit clips of another seed")

    def test_pooled(self, layer: int, tokens: str) -> Float[Tensor, "clips width"]:
        """Pooled activations of the whole test split (chosen scenes first)."""
        parts = [self.test] if self.spare_test is None else [self.test, self.spare_test]
        return torch.cat([part.pooled(layer, tokens) for part in parts])

    @property
    def test_labels(self) -> Int[Tensor, " clips"]:
        parts = [self.test] if self.spare_test is None else [self.test, self.spare_test]
        return torch.cat([self.labels(part) for part in parts])

    @property
    def test_scenes(self) -> Int[Tensor, " clips"]:
        parts = [self.test] if self.spare_test is None else [self.test, self.spare_test]
        return torch.cat([self.scenes(part) for part in parts])

    @property
    def splits(self) -> dict[str, int]:
        """Clips of each split."""
        counts = self.clips.factors["split"].value_counts()
        return {name: int(counts[name]) for name in SPLITS}

    def labels(self, activations: Activations) -> Int[Tensor, " clips"]:
        return torch.tensor(activations.clips.labels(self.spec.variable)[0])

    def values(self, activations: Activations) -> Float[Tensor, "clips outputs"] | None:
        """(cos, sin) of a circular variable, the numbers of a numeric one (in ``variable.unit``), None for a categorical one."""
        values = activations.clips.values(self.spec.variable)
        return None if values is None else torch.tensor(values, dtype=torch.float32)

    def scenes(self, activations: Activations) -> Int[Tensor, " clips"]:
        return torch.tensor(activations.clips.factors["scene"].to_numpy())

    @property
    def selections(self) -> tuple[str, ...]:
        """Tokens that are pooled and probed: those of the object too, where it is known where it is."""
        return SELECTIONS if self.spec.has_objects else ("all",)

    @cached_property
    def probed_clips(self) -> ClipSet:
        """Fit and test clips: what baselines are probed on."""
        return self.clips.select((self.clips.factors["split"] != "judge").to_numpy())

    def degraded(self, how: str) -> Activations:
        transform = Degraded(f"{how}-{self.spec.seed}", partial(degrade, how=how, seed=self.spec.seed))
        return self.capture(self.probed_clips, f"capture {how.replace('_', ' ')}", transform=transform)

    def untrained(self, seed: int) -> Activations:
        twin = self.encoder.untrained(seed)
        tick = self.progress.start(f"capture untrained twin {seed}")
        return capture(twin, self.probed_clips, self.store, progress=tick)


def capture_all(bench: Bench) -> None:
    """Every split and the twins pass through the encoder, or are there."""
    _ = (bench.fit, bench.judge, bench.test, bench.twins, bench.spare_test)


def candidate_layers(depth: int) -> tuple[int, ...]:
    """Layers that may be the best one: with a block before and a block after, so that an edit is judged through the network."""
    return tuple(range(1, depth)) or (0,)


def check_spec_fits(spec: StudySpec, encoder: VideoEncoder) -> None:
    """Refuse layers and ranks that this encoder does not have, and classes of which there are too few clips."""
    card = encoder.card
    wanted = (() if isinstance(spec.layers, str) else spec.layers) + (() if spec.best_layer is None else (spec.best_layer,))
    for layer in wanted:
        check_edited_layer(card.name, card.depth, layer)
    check_room("A subspace of this study", max(spec.rank_of(finder) for finder in spec.finders), card.width)
    if spec.untrained_seeds and (why := encoder.no_twin()):
        raise BadArgument(why)
    folds_of(spec, study_clips(spec), other_clips(spec))
