"""A folder of videos -> a clip set with labels and splits, and the table of everything that could not be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from jepascope.clips.clipset import SPLITS, ClipSet
from jepascope.clips.video.check import LOOKS
from jepascope.clips.video.footage import Footage, joined_words, look_through, refusals_table
from jepascope.clips.video.labelled import Labelled, Measure, check_variable, labelled
from jepascope.clips.video.labels import read_video_labels
from jepascope.clips.video.source import VideoSource
from jepascope.clips.video.splits import at_most, split_sources
from jepascope.clips.video.variable import DIRECTION
from jepascope.clips.video.windows import Cutting
from jepascope.errors import BadArgument, BadData


def video_clips(
    folder: Path,
    variable: str | None = DIRECTION,
    cutting: Cutting | None = None,
    labels: Path | None = None,
    measure: Measure | None = None,
    per_class: int | None = None,
    files_per_class: int | None = None,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    frames: int = 16,
    size: int = 64,
    progress: Callable[[int, int], None] | None = None,
    cache: Path | None = None,
) -> tuple[ClipSet, pd.DataFrame]:
    """Clips of the videos in a folder, and a table of what was refused (file, start, end, reason, files).

    ``variable``: 'direction' (from the column of that name in the ``labels`` file, else from ``measure``), 'class' (from folders
    or a data set's own tables), a column of the labels file, or None. Windows without that label are refused. A person's label beats
    a measured one. ``classes``: keep these alone. ``per_class``: clips of a class at most, of as many videos as there are;
    ``files_per_class``: files of a class that are opened at all, drawn by the seed, for data sets with many.

    ``cache``: a folder that keeps what was found by decoding, for the next time.

    ``scene`` is the source video. Windows of one video look alike, so that splits, folds of a cross-validation and bootstrap
    intervals must take or leave them together: windows as units would make intervals too narrow by what the windows share.
    """
    told = None if labels is None else read_video_labels(labels)
    check_variable(variable, told, measure)  # before hours are spent on reading
    footage = look_through(folder, cutting or Cutting(), told, files_per_class, seed, progress, cache)
    return clips_of(footage, variable, measure, per_class, classes, seed, frames, size)


def clips_of(
    footage: Footage,
    variable: str | None,
    measure: Measure | None = None,
    per_class: int | None = None,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    frames: int = 16,
    size: int = 64,
) -> tuple[ClipSet, pd.DataFrame]:
    """Label, choose and split the windows (see ``video_clips``)."""
    told, unlabelled = labelled(footage, variable, measure)
    refusals = [*footage.refusals, *unlabelled]
    rows = np.flatnonzero(told.known if classes is None else told.known & np.isin(told.names, list(classes)))
    if not len(rows):
        reasons = "; ".join(sorted({f"'{one.file}' {one.reason}" for one in refusals})[:3])
        raise BadData(f"No window of the videos in '{footage.folder}' can be used{f': {reasons}' if reasons else ''}.")
    index = np.unique(told.names[rows], return_inverse=True)[1].astype(np.int64)
    sources = np.array([one.window.source for one in footage.windows], dtype=str)[rows]
    if per_class is not None:
        some = at_most(sources, index, per_class, seed)
        rows, index, sources = rows[some], index[some], sources[some]
    if len(set(sources)) < len(SPLITS) and footage.joined:
        raise BadData(f"Too few recordings for {len(SPLITS)} splits: {joined_words(footage)}.")
    cut = windows_table(footage)
    twice = sorted({"scene", "split", *cut.columns} & set(told.columns))
    if twice:
        raise BadArgument(f"The measurement names a column '{twice[0]}', which clips of videos have already; call it something else.")
    table = pd.concat([cut, told.columns], axis=1).iloc[rows].dropna(axis=1)  # what only some windows have is no factor
    table.insert(0, "scene", np.unique(sources, return_inverse=True)[1].astype(np.int64))
    table.insert(1, "split", split_sources(sources, index, seed))
    source = source_of(footage, table["file"])
    clips = ClipSet(footage.folder.name, table.reset_index(drop=True), source, frames, size)
    if variable is not None and variable != DIRECTION:
        clips = clips.labelled(variable, told.names[rows])
    return clips, refusals_table([*refusals, *footage.others])


def source_of(footage: Footage, files: Iterable[str]) -> VideoSource:
    """The pixels of some of its files."""
    return VideoSource.of(footage.folder, [footage.videos[file] for file in dict.fromkeys(files)])


def labelled_windows(footage: Footage, labels: Labelled) -> pd.DataFrame:
    """The rows of ``windows_table`` that have a label, with a column ``label`` and what else was measured."""
    table = pd.concat([windows_table(footage), labels.columns], axis=1).assign(label=labels.names)
    some: pd.DataFrame = table[labels.known]
    return some.reset_index(drop=True)


def windows_table(footage: Footage) -> pd.DataFrame:
    """One row a window: where it comes from, how it is shown, and its looks."""
    videos = [footage.videos[one.window.file] for one in footage.windows]
    official = [video.official_split for video in videos]
    table = pd.DataFrame(
        {
            "source": [one.window.source for one in footage.windows],
            "file": [one.window.file for one in footage.windows],
            "start": [one.window.start for one in footage.windows],
            "end": [one.window.end for one in footage.windows],
            "flipped": False,
            "turns": 0,
            "reversed": False,
            "crop_x": 0.5,
            "crop_y": 0.5,
            "crop_side": 1.0,
            "rate": [video.rate for video in videos],
            **{name: [one.looks.get(name, np.nan) for one in footage.windows] for name in LOOKS},
        }
    )
    return table.assign(official_split=official) if any(official) else table
