"""The clips of a study on a folder of videos: made once in a process, and without decoding or measuring anything twice on a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from jepascope.cache import cache_folder
from jepascope.clips.clipset import ClipSet
from jepascope.clips.motion.windows import measured_windows
from jepascope.clips.video.chosen import chosen_clips
from jepascope.clips.video.contents import folder_digest
from jepascope.clips.video.enough import ClipsWanted, TooFew, Watching
from jepascope.clips.video.files import Refusal, find
from jepascope.clips.video.footage import Footage, Survey, decoded, refusals_table, survey, undecoded
from jepascope.clips.video.labelled import Labelled, labelled
from jepascope.clips.video.labels import VideoLabels, read_video_labels
from jepascope.clips.video.layouts import with_distributed_labels
from jepascope.clips.video.record import footage_record, how_labelled
from jepascope.clips.video.source import VideoSource
from jepascope.clips.video.variable import CLASS, DIRECTION
from jepascope.clips.video.windows import Cutting
from jepascope.errors import BadData

OVERLAP = 2  # windows start so many times a window's length: few seconds of a video go one clear way, and none should be missed
KEPT = 4  # answers of each kind that are not computed again
MOST_FILES = 2000  # that are opened for a study, drawn evenly over classes: a data set has hundreds of thousands


T = TypeVar("T")
Made = Callable[[ClipsWanted, Watching], T]


def once(named: Callable[[ClipsWanted], Hashable]) -> Callable[[Made[T]], Made[T]]:
    """Keeps the last answers of a function of a spec by what of the spec they depend on; who is told how far it is does not matter."""

    def keeping(make: Made[T]) -> Made[T]:
        answers: dict[Hashable, T] = {}

        @wraps(make)
        def answer(spec: ClipsWanted, progress: Watching) -> T:
            name = named(spec)
            answers[name] = answers.pop(name) if name in answers else make(spec, progress)  # the last one asked for comes last
            if len(answers) > KEPT:
                del answers[next(iter(answers))]
            return answers[name]

        return answer

    return keeping


@dataclass(frozen=True, eq=False)
class VideoStudy:
    """``clips`` with a column ``clip`` that tells them apart (``scene`` is the source video); ``refusals``: file, start, end, reason of
    everything that is not used; ``record``: how many videos and windows were found, labelled and used, for summary.json."""

    clips: ClipSet
    refusals: pd.DataFrame
    record: dict[str, Any]


def cutting_of(spec: ClipsWanted) -> Cutting:
    """How its windows are cut."""
    assert spec.seconds is not None
    return Cutting(spec.seconds, spec.seconds / OVERLAP, spec.per_source)


def is_measured(spec: ClipsWanted, there: Survey) -> bool:
    """Whether the labels are measured: directions that nobody gave."""
    return spec.variable == DIRECTION and (there.labels is None or DIRECTION not in there.labels.columns)


def _labels(spec: ClipsWanted) -> VideoLabels | None:
    return None if spec.labels is None else read_video_labels(Path(spec.labels).expanduser(), spec.no_label)


def _files_per_class(spec: ClipsWanted) -> int:
    """How many files of a class are opened: as many as clips are asked for, where folders or the data set's tables name the classes."""
    if spec.variable != CLASS:
        return MOST_FILES
    labels = _labels(spec)
    if labels is not None and CLASS in labels.columns:
        return MOST_FILES
    return min(spec.clips_per_class, _largest_class(spec.clips, str(spec.clips_digest)))  # all files are looked at once, and no more


@lru_cache(maxsize=KEPT)
def _largest_class(folder: str, digest: str) -> int:
    """Files of the class that has most; ``digest`` is there for the cache."""
    root = Path(folder).resolve()
    return max(Counter(candidate.label for candidate in with_distributed_labels(find(root), root).candidates).values())


def _looked_for(spec: ClipsWanted) -> Hashable:
    """Contents of folder and labels file, variable and seed."""
    contents = (spec.clips, spec.clips_digest, spec.labels_digest, spec.no_label)
    return *contents, spec.variable, spec.kind, spec.splits, spec.seed, _files_per_class(spec)


@once(_looked_for)
def survey_of(spec: ClipsWanted, progress: Watching) -> Survey:
    """What the study's folder holds, as far as it is known without decoding: packets and first frames of all files that are opened."""
    path = Path(spec.clips)
    if folder_digest(path) != spec.clips_digest:
        raise BadData(
            f"The videos in '{spec.clips}' are not those that this study was begun with (one was added, taken away or changed); put them "
            "back, or begin another study on them."
        )
    tick = progress.start(f"look through the videos of {path.name}")
    return survey(path, _labels(spec), _files_per_class(spec), spec.seed, spec.official_split, tick)


@once(lambda spec: (_looked_for(spec), cutting_of(spec)))
def _looked_at(spec: ClipsWanted, progress: Watching) -> tuple[Footage, Labelled]:
    """Everything that is slow: windows of the folder that can be decoded, and their labels."""
    there, cache = survey_of(spec, progress), cache_folder() / "videos"
    footage = decoded(there, cutting_of(spec), progress.start("decode their windows"), cache)
    measured = None
    if is_measured(spec, there):
        measured = measured_windows(footage, cache, progress.start("measure which way they move"))
    labels = labelled(footage, spec.variable, measured)
    if labels.known.empty:
        reasons = "; ".join(sorted({f"'{refusal.file}' {refusal.reason}" for refusal in (*footage.refusals, *labels.refusals)})[:3])
        raise TooFew(f"No window of the videos in '{spec.clips}' can be used{f': {reasons}' if reasons else ''}")
    return footage, labels


def looked_at_windows(spec: ClipsWanted, progress: Watching) -> tuple[pd.DataFrame, list[Refusal]]:
    """The labelled windows, and everything of the folder that has none, with the reasons."""
    footage, labels = _looked_at(spec, progress)
    return labels.known, [*footage.refusals, *labels.refusals]


def decoded_windows(spec: ClipsWanted, progress: Watching) -> pd.DataFrame:
    """The labelled windows: where they lie, how they look, and their labels."""
    return looked_at_windows(spec, progress)[0]


def foreseen_windows(spec: ClipsWanted, progress: Watching) -> pd.DataFrame:
    """The same as if all could be decoded; for labels that are not measured."""
    return labelled(undecoded(survey_of(spec, progress), cutting_of(spec)), spec.variable).known


@once(lambda spec: (_looked_for(spec), cutting_of(spec), spec.classes, spec.clips_per_class))
def made(spec: ClipsWanted, progress: Watching) -> VideoStudy:
    """The clips that the spec asks for. ``progress`` is told of the first, slow look through the folder.

    Raises BadData where the folder is no longer the one that the spec names, TooFew for too few videos or clips of a class, BadArgument
    for labels that there are not.
    """
    footage, labels = _looked_at(spec, progress)
    table = chosen_clips(spec, labels.known)
    table.insert(0, "clip", np.arange(len(table)))
    table["scene"] = np.unique(table["source"].to_numpy(str), return_inverse=True)[1].astype(np.int64)
    files = dict.fromkeys(seen.window.file for seen in footage.windows)
    source = VideoSource.of(footage.folder, [footage.videos[file] for file in files])
    clips = ClipSet(spec.clips_name, table.reset_index(drop=True).dropna(axis=1), source, own=(spec.state_variable,))
    refusals = refusals_table([*footage.refusals, *labels.refusals, *_left_out(labels.known, set(table["file"]), spec)])
    record = footage_record(footage, len(labels.known), refusals, clips, how_labelled(footage, spec.variable), str(spec.splits))
    return VideoStudy(clips, pd.concat([refusals, refusals_table(footage.others)], ignore_index=True), record)


def _left_out(windows: pd.DataFrame, used: set[str], spec: ClipsWanted) -> list[Refusal]:
    """Files with labelled windows of which no clip shows one."""
    studied = None if spec.state_variable.kind == "numeric" else set(spec.state_variable.classes)
    more = f"has labelled windows, and enough clips are of others (clips_per_class is {spec.clips_per_class})"
    return [
        Refusal(str(file), "is of a class that is not studied" if studied is not None and studied.isdisjoint(names) else more)
        for file, names in windows.groupby("file", sort=False)["label"]
        if file not in used
    ]
