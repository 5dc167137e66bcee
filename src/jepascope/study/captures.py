"""Captures: the activations of one study, made when a step first asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.capture import ShownAs, capture
from jepascope.activations.site import SELECTIONS, Site
from jepascope.clips.clipset import SPLITS, ClipSet
from jepascope.clips.degrade import degrade
from jepascope.clips.donors import donor_rows
from jepascope.clips.presets import partners
from jepascope.clips.spread import spread
from jepascope.clips.video.chosen import clips_chosen
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.probes.paths import ProbePath, l1_paths
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.part_names import RESIDUAL
from jepascope.intervention.judges import require_disjoint
from jepascope.study.edited_layers import EditedLayers
from jepascope.study.folder import Run
from jepascope.study.labels import labels_of, scenes_of, values_of
from jepascope.study.progress import Progress
from jepascope.study.scenes import folds_of, other_clips, study_clips
from jepascope.study.spec import StudySpec


@runtime_checkable
class Imported(Protocol):
    """Subspaces of another run that a study uses beside its own, and what their finders were given there."""

    @property
    def subspaces(self) -> Mapping[str, Subspace]: ...
    def shuffles(self, finder: str) -> tuple[str, Labelled] | None: ...


class Captures:
    """What passes through the encoder for one study of ``clips``.

    ``store``: where captures are kept; None: in memory. ``run``: the run folder that the study fills, where it has one. ``parent``: another
    study of the same clips and encoder, whose captures serve this one, so that nothing passes twice.
    """

    def __init__(
        self,
        spec: StudySpec,
        encoder: VideoEncoder,
        progress: Progress,
        clips: ClipSet,
        folds: int,
        store: Path | None = None,
        run: Run | None = None,
        parent: Captures | None = None,
    ) -> None:
        self.spec, self.encoder, self.progress, self.clips, self.folds = spec, encoder, progress, clips, folds
        self.store, self.parent, self._run = store, parent, run
        self.imported: Imported | None = None
        # clips and twins with the tokens that finders are trained on, by the clips' digest and the layers (see ``given``)
        self.exchanged: dict[tuple[str, tuple[int, ...]], tuple[Activations, Activations]] = {}
        self.other_clips: ClipSet | None = None
        self.variable = clips.variable(spec.variable)
        self.classes = self.variable.classes

    @classmethod
    def of_run(
        cls, run: Run, encoder: VideoEncoder, progress: Progress, parent: Captures | None = None, store: Path | None = None
    ) -> Captures:
        """Of a run folder's study, kept in the folder, in its parent's, or in ``store``."""
        spec, card = run.spec, encoder.card
        clips, other = study_clips(spec).at(card.frames, card.size), other_clips(spec)
        require_disjoint({name: clips.split(name).factors["scene"].to_numpy() for name in SPLITS})
        other = None if other is None else other.at(card.frames, card.size)
        folds = folds_of(spec, clips, other)
        if folds < spec.folds and (parent is None or parent.folds != folds):
            progress.say(
                f"{folds}-fold cross-validation instead of {spec.folds}: a class has no more "
                f"{'videos' if spec.of_videos else 'clips'} than that in a split."
            )
        made = cls(spec, encoder, progress, clips, folds, store or (run.activations if parent is None else parent.store), run, parent)
        made.other_clips = other
        return made

    @classmethod
    def over(cls, encoder: VideoEncoder, activations: Activations, spec: StudySpec, layer: int, progress: Progress) -> Captures:
        """Of clips that were captured already, all of whose test scenes are intervened on at one layer; tokens stay in memory. ``spec``
        says how, whatever clips and model it names."""
        made = cls(spec, encoder, progress, activations.clips, folds_of(spec, activations.clips, None))
        vars(made).update(fit=activations.split("fit"), judge=activations.split("judge"), sites=(layer,))
        vars(made).update(chosen_test=np.ones(len(made.clips.split("test")), dtype=bool))
        return made

    def ask_rank(self, rank: int) -> None:
        """Of finders, from here on; the folder's spec goes on naming none, which is what names the study."""
        self.spec = self.spec.model_copy(update={"rank": rank})

    @property
    def run(self) -> Run:
        """The folder of the study. RuntimeError for captures that have none."""
        if self._run is None:
            raise RuntimeError("These captures belong to no run folder; only steps of a study write into one.")
        return self._run

    @property
    def given(self) -> bool:
        """Whether others captured the clips: nothing is known of them but the variable."""
        return self._run is None

    @property
    def other_variables(self) -> list[str]:
        """Factors of the scenes that are not what the study is about; of real videos, and of clips that others captured, none is known."""
        return [] if self.given else self.spec.other_variables

    @property
    def edited(self) -> EditedLayers:
        return EditedLayers(self.spec, self.encoder.card.depth)

    @cached_property
    def sites(self) -> tuple[int, ...]:
        """Layers whose tokens and moments are kept; those of the parent where they hold all that is needed."""
        return _served(self.edited.needed, () if self._apart else self.parent.sites)  # type: ignore[union-attr]

    @property
    def full_sites(self) -> tuple[int, ...]:
        """Layers that may be run in full, before the best one is known; those of the parent where they hold all that is needed."""
        return _served(self.edited.maybe_full, () if self._apart else self.parent.full_sites)  # type: ignore[union-attr]

    @property
    def _apart(self) -> bool:
        """Whether no other study's tokens can serve: there is none, or other things are edited there."""
        return self.parent is None or self.parent.spec.part != self.spec.part

    def site(self, layer: int) -> Site:
        """Where subspaces are found and edited at a layer."""
        return Site(layer, self.spec.tokens, self.spec.part)

    def at_site(self, of: Activations, layer: int) -> Float[Tensor, "clips width"]:
        """What is pooled there of some clips."""
        return of.pooled(layer, self.spec.tokens, self.spec.part)

    def capture(self, clips: ClipSet, what: str, **options: object) -> Activations:
        """One pass, kept in the store."""
        return capture(self.encoder, clips, self.store, progress=self.progress.start(what), **options)  # type: ignore[arg-type]

    @cached_property
    def fit(self) -> Activations:
        return self.capture(self.clips.split("fit"), "capture fit clips", moments=self.sites, part=self.spec.part)

    @cached_property
    def judge(self) -> Activations:
        return self.capture(self.clips.split("judge"), "capture judge clips")

    @cached_property
    def chosen_test(self) -> np.ndarray:
        """Which test clips are intervened on: the same number of every class, fewer where a class has fewer, of as many scenes as can be:
        where a scene has several clips, see ``clips.spread``, else the first of each class."""
        if self.parent is not None:
            return self.parent.chosen_test
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
    def test_clips(self) -> ClipSet:
        """The test scenes that are intervened on."""
        return self.clips.split("test").select(self.chosen_test)

    @cached_property
    def test(self) -> Activations:
        """The same with their tokens."""
        return self.capture(self.test_clips, "capture test clips", sites=self.sites, part=self.spec.part)

    @property
    def twin_clips(self) -> ClipSet:
        """Their partners: twins with another value of the variable, or donors where none can be rendered (see ``donor``)."""
        return partners(self.test_clips, self.spec.variable, self.spec.seed, self.donor)

    @cached_property
    def twins(self) -> Activations:
        """The same with their tokens."""
        if self.donor == "class":
            return self.test.select(donor_rows(self.test.clips, self.spec.variable, self.spec.seed))
        return self.capture(self.twin_clips, "capture twins", sites=self.sites, part=self.spec.part)

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

    @property
    def test_parts(self) -> list[Activations]:
        """The whole test split, the scenes that are intervened on first."""
        return [self.test] if self.spare_test is None else [self.test, self.spare_test]

    def test_pooled(self, layer: int, tokens: str) -> Float[Tensor, "clips width"]:
        """Pooled activations of the whole test split (chosen scenes first)."""
        return torch.cat([part.pooled(layer, tokens) for part in self.test_parts])

    @property
    def test_labels(self) -> Int[Tensor, " clips"]:
        return torch.cat([self.labels(part) for part in self.test_parts])

    @property
    def test_scenes(self) -> Int[Tensor, " clips"]:
        return torch.cat([self.scenes(part) for part in self.test_parts])

    @property
    def splits(self) -> dict[str, int]:
        """Clips of each split."""
        counts = self.clips.factors["split"].value_counts()
        return {name: int(counts[name]) for name in SPLITS}

    def labels(self, part: Activations) -> Int[Tensor, " clips"]:
        return labels_of(part, self.spec.variable)

    def values(self, part: Activations) -> Float[Tensor, "clips outputs"] | None:
        return values_of(part, self.spec.variable)

    def scenes(self, part: Activations) -> Int[Tensor, " clips"]:
        return scenes_of(part)

    def covariance(self, layer: int, tokens: str) -> Float64[Tensor, "width width"]:
        """Of the tokens of the fit clips at a layer; these pass once more where they were captured without it."""
        of, part = self.fit, self.spec.part
        if self.given:
            of = self.capture(of.clips, "capture moments of fit clips", moments=(layer,), part=part)
        return of.moments(layer, tokens, part).covariance

    @cached_property
    def l1_paths(self) -> dict[int, ProbePath]:
        """The sparse probes' paths on the fit split at every layer, fitted once for the probes, stability selection, the finder and its
        shuffled control. Always all layers in one batch: a resumed study gets the same digits.
        """
        inputs = {layer: self.fit.pooled(layer, self.spec.tokens) for layer in range(self.encoder.card.depth + 1)}
        return l1_paths(inputs, self.labels(self.fit), self.scenes(self.fit), self.folds, seed=self.spec.seed)

    def keep_l1_paths(self, paths: Mapping[int, ProbePath]) -> None:
        """The same, fitted by somebody else."""
        vars(self).setdefault("l1_paths", paths)

    @property
    def selections(self) -> tuple[str, ...]:
        """Tokens that are pooled and probed: those of the object too, where it is known where it is."""
        return SELECTIONS if self.spec.asked.has_objects else ("all",)

    @cached_property
    def probed_clips(self) -> ClipSet:
        """Fit and test clips: what baselines are probed on."""
        return self.clips.select((self.clips.factors["split"] != "judge").to_numpy())

    def degraded(self, how: str) -> Activations:
        transform = ShownAs(f"{how}-{self.spec.seed}", partial(degrade, how=how, seed=self.spec.seed))
        return self.capture(self.probed_clips, f"capture {how.replace('_', ' ')}", transform=transform)

    def untrained(self, seed: int, part: str = RESIDUAL) -> Activations:
        tick = self.progress.start(f"capture untrained twin {seed}")
        return capture(self.encoder.untrained(seed), self.probed_clips, self.store, progress=tick, part=part)


def _served(needed: tuple[int, ...], theirs: tuple[int, ...]) -> tuple[int, ...]:
    return theirs if {*needed} <= {*theirs} else needed


def capture_all(captures: Captures) -> None:
    """Every split and the twins pass through the encoder, or are there."""
    _ = (captures.fit, captures.judge, captures.test, captures.twins, captures.spare_test)
