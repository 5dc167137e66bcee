"""How few clips a study of videos may be asked for, as far as its spec alone decides. Imports neither torch nor pandas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jepascope.clips.video.enough import FEWEST_CLIPS, least_clips_per_class, most_clips
from jepascope.clips.video.labels import read_video_labels
from jepascope.errors import BadArgument, quoted, setting
from jepascope.findings.names import unit_of

if TYPE_CHECKING:
    from jepascope.study.spec import StudySpec


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
    file = read_video_labels(Path(spec.labels).expanduser(), spec.no_label)
    if spec.variable not in file.columns and not file.sources:
        raise BadArgument(
            f"Nothing in '{spec.labels}' would be used: it has no column '{spec.variable}', nor a column 'source' that says which files "
            f"are of one recording. Leave --labels out, or study one of its columns with --variable {quoted(file.columns[0])}."
        )
