"""How many videos and clips a study needs at least, and what of that its spec alone decides. Imports neither torch nor pandas."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from jepascope.clips.video.labels import read_video_labels
from jepascope.errors import BadArgument, BadData, setting
from jepascope.findings.units import unit_of
from jepascope.study.counts import FOLDER_SHARES

if TYPE_CHECKING:
    from jepascope.study.spec import StudySpec

FEWEST_VIDEOS = 2  # of every class in every split: one to learn from and another to choose by, and an interval needs two as well
FEWEST_CLIPS = {"fit": 20, "test": 8}  # of all classes in a split
MOST_TRIED = 1000  # clips of a class
SHOWN = 8  # classes that a message lists


class TooFew(BadData):
    """Too few videos or clips for a study: what there is, counted, with no full stop. ``scarce``: classes (or kinds) of which there are
    too few; ``missing``: how many videos more each of them needs at least, where that is known."""

    def __init__(self, message: str, scarce: Sequence[str] = (), missing: Mapping[str, int] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.scarce, self.missing = tuple(scarce), missing


def shown(parts: Sequence[str]) -> str:
    """What a message lists, as far as it can be read."""
    return ", ".join(parts[:SHOWN]) + (f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else "")


def most_clips(split: str, clips_per_class: int) -> int:
    """Clips of a class that a split takes at most."""
    return max(1, round(FOLDER_SHARES[split] * clips_per_class))


def least_clips_per_class(classes: int) -> int:
    """The fewest clips of a class with which so many classes can fill the splits."""
    return next(
        count
        for count in range(10, MOST_TRIED)
        if all(classes * most_clips(split, count) >= fewest for split, fewest in FEWEST_CLIPS.items())
    )


def check_clips_per_class(spec: StudySpec) -> None:
    """Refuse (BadArgument) so few clips of a class that no videos could fill the splits."""
    for split, fewest in FEWEST_CLIPS.items():
        each, classes = most_clips(split, spec.clips_per_class), spec.class_count
        if classes * each < fewest:
            raise BadArgument(
                f"clips_per_class: of {spec.clips_per_class} clips of a class {each} go to split {split}, which makes {classes * each} of "
                f"{classes} classes, and a study needs {fewest} there; {setting(clips_per_class=least_clips_per_class(classes))} allows "
                "for it."
            )


def check_self_swap(spec: StudySpec) -> None:
    """Refuse (BadArgument) so few test clips that one has no other of its class to be swapped with."""
    if "self_swap" in spec.extra_controls and "swap" in spec.edits and spec.test_scenes < 2 * spec.class_count:
        raise BadArgument(
            f"self_swap takes from another test {unit_of(spec.of_videos)} of the same class: {spec.class_count} classes need test_scenes "
            f"of at least {2 * spec.class_count}, not {spec.test_scenes}; {setting(test_scenes=2 * spec.class_count)} asks for them."
        )


def check_labels_used(spec: StudySpec) -> None:
    """Refuse (BadArgument) a labels file of videos that says nothing of the study."""
    if spec.labels is None or not spec.of_videos:
        return
    told = read_video_labels(Path(spec.labels).expanduser(), spec.no_label)
    if spec.variable not in told.columns and not told.sources:
        raise BadArgument(
            f"Nothing in '{spec.labels}' would be used: it has no column '{spec.variable}', nor a column 'source' that says which files "
            f"are of one recording. Leave --labels out, or study one of its columns with --variable {shlex.quote(told.columns[0])}."
        )
