"""The clips of a study on a folder of videos: made once in a process, and without decoding or measuring anything twice on a machine."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jepascope.cache import cache_folder
from jepascope.clips.clipset import ClipSet
from jepascope.clips.column_kind import class_names
from jepascope.clips.motion.balance import balanced
from jepascope.clips.video.clips import clips_of
from jepascope.clips.video.contents import folder_digest
from jepascope.clips.video.files import Refusal
from jepascope.clips.video.footage import Footage, Survey, decoded, refusals_table, survey
from jepascope.clips.video.labelled import DIRECTION, labelled
from jepascope.clips.video.labels import read_video_labels
from jepascope.clips.video.windows import Cutting
from jepascope.errors import BadData
from jepascope.study.progress import Progress
from jepascope.study.spec import StudySpec
from jepascope.study.videos.asked import CLASS, turned_by_quarters
from jepascope.study.videos.chosen import capped, check_enough, kind_of, most_even, parted, shown_as
from jepascope.study.videos.enough import TooFew
from jepascope.study.videos.measured import kept_measure
from jepascope.study.videos.record import footage_record, how_labelled
from jepascope.study.videos.remembered import Remembered

OVERLAP = 2  # windows start so many times a window's length: few seconds of a video go one clear way, and none should be missed
VIEWS = 4  # of a window in each direction: mirrored or not, forwards or backwards; all before a class has enough clips
MOST_FILES = 2000  # that are opened for a study, drawn evenly over classes: a data set has hundreds of thousands


Named = tuple[Any, ...]
"""Everything in a spec that a cached answer depends on."""


@dataclass(frozen=True, eq=False)
class VideoStudy:
    """``clips`` with a column ``clip`` that tells them apart (``scene`` is the source video); ``refusals``: file, start, end, reason of
    everything that is not used; ``record``: how many videos and windows were found, labelled and used, for summary.json."""

    clips: ClipSet
    refusals: pd.DataFrame
    record: dict[str, Any]


@dataclass(frozen=True, eq=False)
class _Looked:
    """Windows of a folder that can be decoded, and labels of one variable: ``names`` ('' where a window has none) and columns."""

    footage: Footage
    base: ClipSet
    names: np.ndarray
    table: pd.DataFrame
    refusals: pd.DataFrame


def made(spec: StudySpec, progress: Progress) -> VideoStudy:
    """The clips that the spec asks for. ``progress`` is told of the first, slow look through the folder.

    Raises BadData where the folder is no longer the one that the spec names, TooFew for too few videos or clips of a class, BadArgument
    for labels that there are not.
    """
    named = (*_looked_for(spec), spec.classes, spec.seconds, spec.per_source, spec.clips_per_class)
    return _made(named, _Beside(spec, progress))


def with_classes(spec: StudySpec, windows: pd.DataFrame) -> StudySpec:
    """The spec with its classes filled in where none are asked for: of directions those that enough videos go in, of labels that
    people gave all. A numeric variable has none."""
    if spec.classes is not None or spec.state_variable.kind == "numeric":
        return spec
    enough = most_even(windows, spec.seed, spec.official_split is not None) if spec.variable == DIRECTION and len(windows) else ()
    return spec.model_copy(update={"classes": enough or spec.state_variable.classes})


@dataclass(frozen=True, eq=False)
class _Beside:
    """What a cached function needs and its key does not: where files lie, and who is told how far it is. All are equal."""

    spec: StudySpec
    progress: Progress

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Beside)


@lru_cache(maxsize=8)
def _surveyed(named: Named, files_per_class: int, beside: _Beside) -> Survey:
    """Packets and first frames of all files that are opened."""
    spec = beside.spec
    path = Path(spec.clips)
    if folder_digest(path) != spec.clips_digest:
        raise BadData(
            f"The videos in '{spec.clips}' are not those that this study was begun with (one was added, taken away or changed); put them "
            "back, or begin another study on them."
        )
    told = None if spec.labels is None else read_video_labels(Path(spec.labels).expanduser(), spec.no_label)
    return survey(
        path, told, files_per_class, spec.seed, spec.official_split, beside.progress.start(f"look through the videos of {path.name}")
    )


def survey_of(spec: StudySpec, progress: Progress) -> Survey:
    """What the study's folder holds, as far as it is known without decoding."""
    named_by_folders = spec.variable == CLASS and not (spec.labels and CLASS in read_video_labels(Path(spec.labels).expanduser()).columns)
    return _surveyed(_looked_for(spec), spec.clips_per_class if named_by_folders else MOST_FILES, _Beside(spec, progress))


def cutting_of(spec: StudySpec) -> Cutting:
    """How its windows are cut."""
    assert spec.seconds is not None
    return Cutting(spec.seconds, spec.seconds / OVERLAP, spec.per_source)


def is_measured(spec: StudySpec, there: Survey) -> bool:
    """Whether the labels are measured: directions that nobody gave."""
    return spec.variable == DIRECTION and (there.labels is None or DIRECTION not in there.labels.columns)


def _looked_for(spec: StudySpec) -> Named:
    """Contents of folder and labels file, variable and seed."""
    return spec.clips_digest, spec.labels_digest, spec.no_label, spec.variable, spec.kind, spec.splits, spec.seed


@lru_cache(maxsize=4)
def _looked(named: Named, cutting: Cutting, there: Survey, beside: _Beside) -> _Looked:
    """Everything that is slow."""
    spec, progress, cache = beside.spec, beside.progress, cache_folder() / "videos"
    variable, seed = spec.variable, spec.seed
    footage = decoded(there, cutting, progress.start("decode their windows"), cache)
    measure = None
    if is_measured(spec, there):
        measure = kept_measure(footage.videos, cache, progress.start("measure which way they move"))
    names, unlabelled = labelled(footage, variable, measure)
    if not names.known.any():
        reasons = "; ".join(sorted({f"'{one.file}' {one.reason}" for one in [*footage.refusals, *unlabelled]})[:3])
        raise TooFew(f"No window of the videos in '{spec.clips}' can be used{f': {reasons}' if reasons else ''}")
    base, _ = clips_of(footage, None, seed=seed)
    cells = np.where(names.known, names.names, "").astype(object)
    return _Looked(footage, base, cells, names.columns, refusals_table([*footage.refusals, *unlabelled]))


def _looked_at(spec: StudySpec, progress: Progress) -> _Looked:
    return _looked(_looked_for(spec), cutting_of(spec), survey_of(spec, progress), _Beside(spec, progress))


def labelled_windows(spec: StudySpec, progress: Progress) -> pd.DataFrame:
    """The labelled windows: where they lie, how they look, and their labels."""
    return _windows(_looked_at(spec, progress))


@lru_cache(maxsize=4)
def _made(named: Named, beside: _Beside) -> VideoStudy:
    own = beside.spec
    there, variable = _looked_at(own, beside.progress), own.state_variable
    table = chosen_clips(own, _windows(there))
    table.insert(0, "clip", np.arange(len(table)))
    table["scene"] = np.unique(table["source"].to_numpy(str), return_inverse=True)[1].astype(np.int64)
    clips = replace(
        there.base,
        name=own.clips_name,
        factors=table.reset_index(drop=True).dropna(axis=1),
        source=Remembered(there.base.source),
        own=(variable,),
    )
    footage = there.footage
    refusals = pd.concat([there.refusals, refusals_table(_left_out(there, set(table["file"]), own))], ignore_index=True)
    record = footage_record(footage, there.names, refusals, clips, how_labelled(footage, own.variable), str(own.splits))
    return VideoStudy(clips, pd.concat([refusals, refusals_table(footage.others)], ignore_index=True), record)


def _left_out(there: _Looked, used: set[str], spec: StudySpec) -> list[Refusal]:
    """Files with labelled windows of which no clip shows one."""
    labels: dict[str, set[str]] = defaultdict(set)
    for seen, name in zip(there.footage.windows, there.names, strict=True):
        if name:
            labels[seen.window.file].add(str(name))
    kept = None if spec.state_variable.kind == "numeric" else set(spec.state_variable.classes)
    more = f"has labelled windows, and enough clips are of others (clips_per_class is {spec.clips_per_class})"
    return [
        Refusal(file, "is of a class that is not studied" if kept is not None and not names & kept else more)
        for file, names in labels.items()
        if file not in used
    ]


def _windows(there: _Looked) -> pd.DataFrame:
    """The labelled windows: where they lie, how they look, and their labels."""
    base = there.base.factors.drop(columns=["scene", "split"])
    table = pd.concat([base, there.table[[name for name in there.table if name not in base]]], axis=1)
    labelled_ones: pd.DataFrame = table.assign(label=there.names)[there.names != ""]
    return labelled_ones.reset_index(drop=True)


def chosen_clips(spec: StudySpec, windows: pd.DataFrame) -> pd.DataFrame:
    """The clips that are made of labelled windows (columns source, file, start, end, label; of directions also direction, angle and
    those of the views). Raises TooFew."""
    table, column = _directions(spec, windows) if spec.variable == DIRECTION else _classes(spec, windows)
    check_enough(table, spec, column)
    return table if column == DIRECTION else table.drop(columns=[column])


def _directions(spec: StudySpec, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Windows shown in every direction that they can be turned to, equally many of each direction in every split."""
    classes = spec.state_variable.classes
    quarters = turned_by_quarters(classes)
    table = table.assign(kind=kind_of(table["direction"].to_numpy(str), quarters))
    wanted = sorted(set(kind_of(np.array(classes), quarters)))
    table = parted(table[table["kind"].isin(wanted)], wanted, spec, lambda kind: "/".join(shown_as(kind, quarters)))
    shown = balanced(table.drop(columns=["label", "kind"]), int(spec.per_source or len(table)), quarters, spec.seed, VIEWS)
    shown = shown[shown["direction"].isin(classes)]
    # what is fitted sees every window in each direction; what is tested sees as many videos as there are
    return capped(shown.reset_index(drop=True), spec, "direction", together=("fit", "judge")), "direction"


def _classes(spec: StudySpec, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Windows of the classes that are kept."""
    variable = spec.state_variable
    if variable.kind == "numeric":
        numbers = table["label"].astype(float)
        table = table.assign(**{variable.columns[0]: numbers})
        kinds = np.array(variable.classes)[np.searchsorted(variable.edges[0], numbers.to_numpy(), side="right")]
    else:
        kinds = np.array(class_names(table["label"].tolist(), variable.classes), dtype=object)
        table = table.assign(**{variable.columns[0]: kinds})
    table = table.assign(kind=kinds)[np.isin(kinds.astype(str), variable.classes)]
    table = parted(table, list(variable.classes), spec)
    return capped(table.drop(columns=["label"]), spec, "kind"), "kind"
