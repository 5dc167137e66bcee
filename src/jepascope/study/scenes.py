"""The scenes of a study: its clip set with the variable's labels, those of the second data seed, and how many of a class there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Int

from jepascope.clips.arrays import from_file
from jepascope.clips.clipset import ClipSet
from jepascope.clips.drawn import FEWEST, fewest_units
from jepascope.clips.labels_file import read_labels
from jepascope.clips.presets import preset
from jepascope.errors import BadData
from jepascope.stats import clustered
from jepascope.study.spec import StudySpec

OTHER_SEED = 10_000  # added to the study's seed for the second data seed of portability


def study_clips(spec: StudySpec) -> ClipSet:
    """The study's clip set; labels of one's own stand beside its factors."""
    if spec.of_videos:
        from jepascope.study.videos.foreseen import video_study

        return video_study(spec).clips
    if spec.of_arrays:
        return _of_arrays(spec)
    clips = preset(spec.clips, spec.seed, per_class=spec.clips_per_class)
    if spec.labels is None:
        return clips
    return clips.labelled_from(Path(spec.labels).expanduser(), spec.variable, spec.kind, spec.no_label)


def _of_arrays(spec: StudySpec) -> ClipSet:
    """The clips of a file of arrays, with its own labels or those of a labels file."""
    path, labels = Path(spec.clips), None
    if spec.labels is not None:
        cells = read_labels(Path(spec.labels).expanduser()).cells(spec.variable, range(spec.asked.count(spec.clips_per_class)))
        labels = {spec.variable: cells}
    return from_file(path, labels, spec.kind, spec.no_label, spec.seed)


def other_clips(spec: StudySpec) -> ClipSet | None:
    """The same clip set under another seed; None for labels of one's own, which new scenes do not have, and for real videos."""
    return None if not spec.renewable else preset(spec.clips, spec.seed + OTHER_SEED, per_class=spec.clips_per_class)


def folds_of(spec: StudySpec, clips: ClipSet, other: ClipSet | None) -> int:
    """Folds of every cross-validation: the spec's, or fewer where a class has fewer clips in the split to be folded.

    Only directions are balanced; other classes fall as the scenes are drawn. A class with too few clips is refused (BadData).
    """
    scarce = min(int(_enough(spec, clips.split(split), f"Split '{split}'", fewest).min()) for split, fewest in FEWEST.items())
    if other is not None:
        _enough(spec, other.split("fit"), "Split 'fit' of the second data seed", FEWEST["judge"])
    return min(spec.folds, scarce)


def _enough(spec: StudySpec, clips: ClipSet, what: str, fewest: int) -> Int[np.ndarray, " classes"]:
    labels, names = clips.labels(spec.variable)
    scenes = clips.factors["scene"].to_numpy()
    # what is folded and halved is scenes: a class is in as many folds as it has of them, however many clips
    several, counts = clustered(scenes), np.bincount(labels, minlength=len(names))
    if several:
        counts = np.array([len(np.unique(scenes[labels == label])) for label in range(len(names))])
    fewest = fewest_units(fewest, several)
    if counts.min() < fewest:
        unit, fix = "video(s)" if several else "clip(s)", f"raise clips_per_class (now {spec.clips_per_class})"
        if spec.labels is not None:
            fix = "label more clips so, or merge the class with another"
        raise BadData(
            f"{what} has {counts.min()} {unit} of {spec.variable} '{names[counts.argmin()]}', and at least {fewest} are needed to "
            f"cross-validate and to halve them; {fix}."
        )
    return counts
