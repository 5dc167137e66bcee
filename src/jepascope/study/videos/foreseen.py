"""Whether a folder of videos becomes a study, refused as early as it can be known, with the settings that would do.

Labels that people or folders give are known before a window is decoded; directions that are measured only afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from jepascope.clips.clipset import SPLITS
from jepascope.clips.motion.flow import opencv
from jepascope.clips.video.chosen import chosen_clips
from jepascope.clips.video.enough import FEWEST_VIDEOS, TooFew
from jepascope.clips.video.folder_clips import VideoStudy, cutting_of, decoded_windows, foreseen_windows, is_measured, made, survey_of
from jepascope.clips.video.footage import joined_words, refusals_table
from jepascope.clips.video.parted import most_even
from jepascope.clips.video.record import grouped
from jepascope.clips.video.variable import DIRECTION
from jepascope.errors import BadArgument
from jepascope.study.progress import Progress, Silent
from jepascope.study.spec import StudySpec
from jepascope.study.videos.enough import check_clips_per_class, check_labels_used, check_self_swap
from jepascope.study.videos.remedies import StudyRefused, advice, remedies

MOST_MEASURED = 300  # windows that are looked at to try other settings: a minute or two, and kept for the next run
MOST_DROPPED = 5  # rounds of leaving classes out
REASONS = 2  # that a refusal names


def video_study(spec: StudySpec, progress: Progress | None = None) -> VideoStudy:
    """The clips that the spec asks for (see ``folder_clips.made``); a refusal says what would do."""
    progress = progress or Silent()
    try:
        return made(spec, progress)
    except TooFew as short:  # by what was decoded or measured
        raise _refused(spec, short, _Trying(spec, progress, decodes=True)) from None


def settled(spec: StudySpec, progress: Progress | None = None) -> StudySpec:
    """The spec with its classes filled in, for a folder and no classes asked for. What is known to fail is refused first.

    Directions: those that enough videos go in. Which these are nobody knows before they are measured; those left out are said. Classes
    that people gave are all kept, and too few videos of one are refused.
    """
    if not spec.of_videos:
        return spec
    progress = progress or Silent()
    check_foreseen(spec, progress)
    if spec.classes is not None:
        return spec
    if not is_measured(spec, survey_of(spec, progress)):
        return with_classes(spec, foreseen_windows(spec, progress))
    chosen = with_classes(spec, decoded_windows(spec, progress))
    try:
        made(chosen, progress)
    except TooFew as short:
        raise _refused(spec, short, _Trying(spec, progress)) from None
    left_out = [name for name in spec.state_variable.classes if name not in (chosen.classes or ())]
    if left_out:
        progress.say(
            f"Directions {', '.join(left_out)} occur in too few videos to be parted in three splits of {FEWEST_VIDEOS} each: the study is "
            f"of {', '.join(chosen.classes or ())}."
        )
    return chosen


def check_foreseen(spec: StudySpec, progress: Progress | None = None) -> None:
    """Refuse what cannot become a study, as far as that is known before a window is decoded: a labels file that says nothing of it, too
    few videos or clips of a class. Raises BadArgument or BadData."""
    progress = progress or Silent()
    check_labels_used(spec)
    try:
        if is_measured(spec, survey_of(spec, progress)):
            opencv()  # before an hour of decoding
            _check_videos(spec, progress)
            check_clips_per_class(spec)
        else:
            _foreseen(spec, progress)
    except TooFew as short:
        raise _refused(spec, short, _Trying(spec, progress)) from None


def with_classes(spec: StudySpec, windows: pd.DataFrame) -> StudySpec:
    """The spec with its classes filled in where none are asked for: of directions those that enough videos go in, of labels that
    people gave all. A numeric variable has none."""
    if spec.classes is not None or spec.state_variable.kind == "numeric":
        return spec
    enough = most_even(windows, spec.seed, spec.official_split is not None) if spec.variable == DIRECTION and len(windows) else ()
    return spec.model_copy(update={"classes": enough or spec.state_variable.classes})


def _check_videos(spec: StudySpec, progress: Progress) -> None:
    """Whatever is measured, no study is made of so few videos."""
    windows = survey_of(spec, progress).cut(cutting_of(spec)).values()
    videos, needed = len({window.source for some in windows for window in some}), FEWEST_VIDEOS * len(SPLITS)
    if videos < needed:
        raise TooFew(
            f"Too few videos in '{spec.clips}': {videos} hold a window of {spec.seconds:g} s, and a study needs {needed}, {FEWEST_VIDEOS} "
            "in each split",
            missing={"": needed - videos},
        )


def _foreseen(spec: StudySpec, progress: Progress) -> str:
    """Counts of the study's clips, if all windows can be decoded. Raises TooFew."""
    windows = foreseen_windows(spec, progress)
    if windows.empty:
        raise TooFew(f"No window of {spec.seconds:g} s of the videos in '{spec.clips}' has a label {spec.variable}")
    counts = _counts(chosen_clips(with_classes(spec, windows), windows))
    try:
        check_self_swap(spec)
    except BadArgument as error:
        raise TooFew(f"{str(error).partition(';')[0]}; otherwise there would be {counts}") from None
    return counts


def _counts(clips: pd.DataFrame) -> str:
    splits = ", ".join(f"{len(part)} in {split}" for split in SPLITS for part in [clips[clips["split"] == split]])
    return f"{len(clips)} clips of {clips['source'].nunique()} videos: {splits}"


class _Trying:
    """Tries other settings: at once where labels are known, else (or where windows were lost to ``decodes``) with as many windows looked at
    as a minute or two allows."""

    def __init__(self, spec: StudySpec, progress: Progress, decodes: bool = False) -> None:
        self.spec, self.progress, self.left = spec, progress, MOST_MEASURED
        self.measures = decodes or is_measured(spec, survey_of(spec, progress))

    def __call__(self, other: StudySpec) -> str:
        if not self.measures:
            return _foreseen(other, self.progress)
        check_clips_per_class(other)
        _check_videos(other, self.progress)
        if (other.seconds, other.per_source) != (self.spec.seconds, self.spec.per_source):
            self.left -= sum(map(len, survey_of(other, self.progress).cut(cutting_of(other)).values()))
            if self.left < 0:
                raise TooFew("More windows than are looked at to try settings")
        chosen = with_classes(other, decoded_windows(other, self.progress))
        check_self_swap(chosen)
        return _counts(made(chosen, self.progress).clips.factors)

    def classes(self, short: TooFew) -> tuple[str, ...]:
        """Classes that there are enough of, where others are scarce."""
        spec = self.spec
        if spec.state_variable.kind == "numeric" or not short.scarce:
            return ()
        if spec.variable == DIRECTION:
            windows = decoded_windows(spec, self.progress) if self.measures else foreseen_windows(spec, self.progress)
            return with_classes(spec.model_copy(update={"classes": None}), windows).classes or ()
        kept: Sequence[str] = spec.state_variable.classes
        for _ in range(MOST_DROPPED):
            kept = [name for name in kept if name not in short.scarce]
            try:
                if len(kept) > 1:
                    self(spec.model_copy(update={"classes": tuple(kept)}))
                break
            except TooFew as still:
                short = still
        return tuple(kept)


def _refused(spec: StudySpec, short: TooFew, trying: _Trying) -> StudyRefused:
    """The refusal with what there is, what is not usable and why, and what would do."""
    there = survey_of(spec, trying.progress)
    unused = grouped(refusals_table([*there.refusals, *there.without_windows(cutting_of(spec))]))[:REASONS]
    reasons = Counter({row["reason"]: row["count"] for row in unused})
    left_out = f"; not usable: {', '.join(f'{count} × {reason}' for reason, count in reasons.items())}" if reasons else ""
    together = joined_words(there)
    left_out += f"; {together}" if together else ""
    would_do = remedies(spec, trying, trying.classes(short))
    return StudyRefused(f"{short}{left_out}{advice(would_do, short.missing)}.", short, would_do)
