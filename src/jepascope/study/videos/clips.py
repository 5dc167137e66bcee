"""The clips of a study on a folder of videos: made once in a process, and without decoding or measuring anything twice on a machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jepascope.clips.clipset import ClipSet
from jepascope.clips.labels import class_names
from jepascope.clips.motion.balance import balanced
from jepascope.clips.video.clips import clips_of
from jepascope.clips.video.contents import folder_digest
from jepascope.clips.video.footage import Footage, look_through, refusals_table
from jepascope.clips.video.labelled import DIRECTION, labelled
from jepascope.clips.video.labels import read_video_labels
from jepascope.clips.video.windows import Cutting
from jepascope.errors import BadData
from jepascope.study.doctor import cache_folder
from jepascope.study.progress import Progress, Silent
from jepascope.study.spec import StudySpec
from jepascope.study.videos.asked import CLASS, turned_by_quarters
from jepascope.study.videos.chosen import FEWEST_VIDEOS, capped, check_enough, kind_of, most_even, parted, shown_as
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


def video_study(spec: StudySpec, progress: Progress | None = None) -> VideoStudy:
    """The clips that the spec asks for. ``progress`` is told of the first, slow look through the folder.

    Raises BadData where the folder is no longer the one that the spec names, and for too few videos of a class (the message names the
    classes that there are enough of), BadArgument for labels that there are not.
    """
    named = (
        spec.clips_digest,
        spec.labels_digest,
        spec.variable,
        spec.classes,
        spec.seconds,
        spec.per_source,
        spec.clips_per_class,
        spec.seed,
    )
    return _made(named, _Beside(spec, progress or Silent()))


def settled(spec: StudySpec, progress: Progress | None = None) -> StudySpec:
    """The spec with its classes filled in, for a folder and no classes asked for.

    Directions: those that enough videos go in. Which these are nobody knows before they are measured; those left out are said. Classes
    that people gave are all kept, and too few videos of one are refused.
    """
    if not spec.of_videos or spec.classes is not None or spec.state_variable.kind == "numeric":
        return spec
    progress = progress or Silent()
    classes = spec.state_variable.classes
    if spec.variable == DIRECTION:
        there = _looked_at(spec, progress)
        enough = most_even(_windows(there), spec.seed)
        if enough and enough != classes:
            progress.say(
                f"Directions {', '.join(name for name in classes if name not in enough)} occur in too few videos to be parted in three "
                f"splits of {FEWEST_VIDEOS} each: the study is of {', '.join(enough)}."
            )
            classes = enough
    return spec.model_copy(update={"classes": classes})


@dataclass(frozen=True, eq=False)
class _Beside:
    """What a cached function needs and its key does not: where files lie, and who is told how far it is. All are equal."""

    spec: StudySpec
    progress: Progress

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Beside)


@lru_cache(maxsize=4)
def _looked(named: Named, cutting: Cutting, files_per_class: int | None, beside: _Beside) -> _Looked:
    """Everything that is slow; ``named``: contents of folder and labels file, variable and seed."""
    spec, progress, cache = beside.spec, beside.progress, cache_folder() / "videos"
    path, variable, seed = Path(spec.clips), spec.variable, spec.seed
    if folder_digest(path) != spec.clips_digest:
        raise BadData(
            f"The videos in '{spec.clips}' are not those that this study was begun with (one was added, taken away or changed); put them "
            "back, or begin another study on them."
        )
    told = None if spec.labels is None else read_video_labels(Path(spec.labels).expanduser())
    footage = look_through(path, cutting, told, files_per_class, seed, progress.start(f"look through the videos of {path.name}"), cache)
    measure = None
    if variable == DIRECTION and (told is None or DIRECTION not in told.columns):
        measure = kept_measure(footage.videos, cache, progress.start("measure which way they move"))
    names, unlabelled = labelled(footage, variable, measure)
    if not names.known.any():
        reasons = "; ".join(sorted({f"'{one.file}' {one.reason}" for one in [*footage.refusals, *unlabelled]})[:3])
        raise BadData(f"No window of the videos in '{spec.clips}' can be used{f': {reasons}' if reasons else ''}.")
    base, _ = clips_of(footage, None, seed=seed)
    cells = np.where(names.known, names.names, "").astype(object)
    return _Looked(footage, base, cells, names.columns, refusals_table([*footage.refusals, *unlabelled]))


def _looked_at(spec: StudySpec, progress: Progress) -> _Looked:
    assert spec.clips_digest is not None and spec.seconds is not None
    cutting = Cutting(spec.seconds, spec.seconds / OVERLAP, spec.per_source)
    files = spec.clips_per_class if spec.variable == CLASS else MOST_FILES
    return _looked((spec.clips_digest, spec.labels_digest, spec.variable, spec.seed), cutting, files, _Beside(spec, progress))


@lru_cache(maxsize=4)
def _made(named: Named, beside: _Beside) -> VideoStudy:
    own = beside.spec
    there, variable = _looked_at(own, beside.progress), own.state_variable
    table = _directions(own, there) if variable.name == DIRECTION else _classes(own, there)
    check_enough(table, own)
    table.insert(0, "clip", np.arange(len(table)))
    table["scene"] = np.unique(table["source"].to_numpy(str), return_inverse=True)[1].astype(np.int64)
    clips = replace(
        there.base,
        name=own.clips_name,
        factors=table.reset_index(drop=True).dropna(axis=1),
        source=Remembered(there.base.source),
        own=(variable,),
    )
    record = footage_record(there.footage, there.names, there.refusals, clips, how_labelled(there.footage.labels, own.variable))
    return VideoStudy(clips, there.refusals, record)


def _windows(there: _Looked) -> pd.DataFrame:
    """The labelled windows: where they lie, how they look, and their labels."""
    base = there.base.factors.drop(columns=["scene", "split"])
    table = pd.concat([base, there.table[[name for name in there.table if name not in base]]], axis=1)
    labelled_ones: pd.DataFrame = table.assign(label=there.names)[there.names != ""]
    return labelled_ones.reset_index(drop=True)


def _directions(spec: StudySpec, there: _Looked) -> pd.DataFrame:
    """Windows shown in every direction that they can be turned to, equally many of each direction in every split."""
    classes = spec.state_variable.classes
    quarters = turned_by_quarters(classes)
    table = _windows(there)
    table = table.assign(kind=kind_of(table["direction"].to_numpy(str), quarters))
    wanted = sorted(set(kind_of(np.array(classes), quarters)))
    table = parted(
        table[table["kind"].isin(wanted)],
        wanted,
        classes,
        spec,
        lambda: most_even(_windows(there), spec.seed),
        lambda kind: "/".join(shown_as(kind, quarters)),
    )
    shown = balanced(table.drop(columns=["label", "kind"]), int(spec.per_source or len(table)), quarters, spec.seed, VIEWS)
    shown = shown[shown["direction"].isin(classes)]
    # what is fitted sees every window in each direction; what is tested sees as many videos as there are
    return capped(shown.reset_index(drop=True), spec, "direction", together=("fit", "judge"))


def _classes(spec: StudySpec, there: _Looked) -> pd.DataFrame:
    """Windows of the classes that are kept."""
    variable, table = spec.state_variable, _windows(there)
    if variable.kind == "numeric":
        numbers = table["label"].astype(float)
        table = table.assign(**{variable.columns[0]: numbers})
        kinds = np.array(variable.classes)[np.searchsorted(variable.edges[0], numbers.to_numpy(), side="right")]
    else:
        kinds = np.array(class_names(table["label"].tolist()), dtype=object)
        table = table.assign(**{variable.columns[0]: kinds})
    table = table.assign(kind=kinds)[np.isin(kinds.astype(str), variable.classes)]
    table = parted(table, list(variable.classes), variable.classes, spec)
    return capped(table.drop(columns=["label"]), spec, "kind").drop(columns=["kind"])
