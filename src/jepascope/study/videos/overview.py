"""What a study of a folder of videos would have, before anything is captured: ``jepascope videos``.

It asks what ``run`` asks, in the same order: the counts and refusals here are those of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from jepascope.clips.clipset import SPLITS
from jepascope.clips.video.chosen import classes_of, clips_chosen
from jepascope.clips.video.enough import TooFew, most_clips
from jepascope.clips.video.folder_clips import VideoStudy, cutting_of, foreseen_windows, is_measured, looked_at_windows, survey_of
from jepascope.clips.video.footage import NOT_DRAWN, Survey, refusals_table
from jepascope.clips.video.variable import CLASS, DIRECTION
from jepascope.errors import BadArgument, BadData, JepascopeError
from jepascope.study.progress import Progress, Silent
from jepascope.study.spec import StudySpec
from jepascope.study.videos.foreseen import MOST_MEASURED, settled, video_study
from jepascope.study.videos.left_out import few_tested
from jepascope.study.videos.remedies import Remedy, StudyRefused

WINDOWS = ("label", "source", "file", "start", "end")


@dataclass(frozen=True, eq=False)
class Overview:
    """``spec``: of the study that can be made, else the one that was asked for. ``changed``: settings that were tried and do, where the
    study is refused as it was asked for; ``refusal``: why it is, "" where it is not; ``others``: what else would do.

    ``study``: its clips, None where no study can be made. ``windows``: those that have a label, with their ``class``; ``refusals``:
    everything that is not used (columns as in refusals.parquet).
    """

    spec: StudySpec
    changed: Mapping[str, Any]
    refusal: str
    others: tuple[Remedy, ...]
    study: VideoStudy | None
    windows: pd.DataFrame
    refusals: pd.DataFrame

    @property
    def possible(self) -> bool:
        return self.study is not None

    @property
    def classes(self) -> list[dict[str, Any]]:
        """A row a class: its videos and labelled windows, and where there is a study the videos and clips of each split."""
        counts = {name: of_class(rows) for name, rows in self.windows.groupby("class", sort=False)}
        names = list(dict.fromkeys([*self.spec.state_variable.classes, *counts]))
        rows = [{"class": str(name), **counts.get(name, {"videos": 0, "windows": 0})} for name in names]
        if self.study is None:
            return rows
        labels, held = self.study.clips.labels(self.spec.variable)
        clips = self.study.clips.factors.assign(named=np.array(held, dtype=object)[labels])
        for row in rows:
            by_split = dict(iter(clips[clips["named"] == row["class"]].groupby("split")))
            for split in SPLITS:
                part = by_split.get(split, clips[:0])
                row[split] = {"videos": int(part["source"].nunique()), "clips": len(part)}
        return rows

    @property
    def tested(self) -> int:
        """Test videos."""
        return 0 if self.study is None else int(self.study.record["videos_by_split"].get("test", 0))

    @property
    def edited(self) -> int:
        """Those of which clips are edited: at most ``test_scenes`` clips are, of as many videos as can be."""
        if self.study is None:
            return 0
        test = self.study.clips.split("test")
        per_class = max(1, self.spec.test_scenes // self.spec.class_count)
        rows = clips_chosen(test.factors, test.labels(self.spec.variable)[0], per_class, self.spec.seed)
        return int(test.factors["source"].iloc[rows].nunique())

    @property
    def in_turn(self) -> bool:
        """Whether every video is tested in turn, and claims are made so."""
        return self.study is not None and few_tested(self.study.clips, self.spec.variable)

    @property
    def words(self) -> list[str]:
        """What n of the study is."""
        if self.study is None:
            return []
        n = f"{self.edited} test videos"
        if self.in_turn:
            n = (
                f"{self.study.record['videos_used']} videos: with {self.tested} in the test split, too few, each is tested in turn by what "
                "is found and trained without it and the one that it is swapped with"
            )
        return [
            f"n of its effects is {n}. Several windows of a video make its own figure steadier and are no more n; of "
            "each window the middle square is shown, since other crops would show the same video again."
        ]

    @property
    def settings(self) -> list[dict[str, Any]]:
        """What each setting leaves out of what the folder holds; those that leave nothing out are not there."""
        there, spec = survey_of(self.spec, Silent()), self.spec
        rows = [("seconds", spec.seconds, _too_short(there, spec)), ("per_source", spec.per_source, _beyond(there, spec))]
        if self.study is not None:
            shown = self.study.clips.factors[list(WINDOWS[1:])].drop_duplicates()
            left = len(self.windows[self.windows["class"].isin(spec.state_variable.classes)]) - len(shown)
            full = [row["class"] for row in self.classes if any(_full(row, split, spec) for split in SPLITS)]
            undrawn = sum(refusal.reason.startswith(NOT_DRAWN) for refusal in there.refusals)
            more = {f"labelled windows ({', '.join(full)}: enough)": left, "files, which are not opened": undrawn}
            rows.append(("clips_per_class", spec.clips_per_class, ", ".join(f"{n} {what}" for what, n in more.items() if n > 0)))
            edited = max(1, spec.test_scenes // spec.class_count)
            spare = sum(max(0, row["test"]["clips"] - edited) for row in self.classes if "test" in row)
            rows.append(("test_scenes", spec.test_scenes, f"{spare} test clips, which are read and not edited" if spare else ""))
        return [{"setting": name, "value": value, "leaves_out": words} for name, value, words in rows if words]

    def stored(self) -> dict[str, Any]:
        """Everything, as JSON holds it."""
        return {
            "possible": self.possible,
            "variable": self.spec.variable,
            "changed": {name: list(value) if isinstance(value, tuple) else value for name, value in self.changed.items()},
            "refusal": self.refusal,
            "others": [{"settings": dict(other.fields), "counts": other.counts} for other in self.others],
            "classes": self.classes,
            "settings": self.settings,
            "test_videos": self.tested,
            "in_turn": self.in_turn,
            "n": self.study.record["videos_used"] if self.study is not None and self.in_turn else self.edited,
            "footage": None if self.study is None else self.study.record,
            "refused": [
                {name: None if value != value else value for name, value in row.items()} for row in self.refusals.to_dict("records")
            ],
        }


def of_class(windows: pd.DataFrame) -> dict[str, int]:
    return {"videos": int(windows["source"].nunique()), "windows": len(windows)}


def usual_variable(clips: str) -> tuple[str, str]:
    """What a folder is a study of where nobody says: its classes where folders or tables name some, else directions of motion; and why."""
    try:
        count = StudySpec(clips=clips, variable=CLASS).class_count
    except (BadArgument, BadData) as error:
        return DIRECTION, f"Studied is the direction of motion, as it is measured; {CLASS} would not do: {error}"
    other = f"--variable {DIRECTION} studies the direction of motion, as it is measured."
    return CLASS, f"Studied are the {count} classes that folders or the data set's tables name; {other}"


def overview(spec: StudySpec, progress: Progress | None = None) -> Overview:
    """Make the study's clips as a run does; where it is refused, with the settings that were tried and do, the first that holds.

    Raises BadArgument and BadData for what no setting mends.
    """
    progress = progress or Silent()
    try:
        return _of_study(spec, progress)
    except StudyRefused as refused:
        message, would_do = str(refused), refused.remedies
    for place, remedy in enumerate(would_do):
        try:
            other = StudySpec(**{**spec.model_dump(), **remedy.fields})
            return _of_study(other, progress, remedy.fields, message, would_do[place + 1 :])
        except JepascopeError:  # windows that were counted cannot be decoded
            continue
    windows, refusals = _held(spec, progress)
    return Overview(spec, {}, message, (), None, windows, refusals)


def _of_study(
    spec: StudySpec, progress: Progress, changed: Mapping[str, Any] | None = None, refusal: str = "", others: tuple[Remedy, ...] = ()
) -> Overview:
    spec = settled(spec, progress)
    study = video_study(spec, progress)
    return Overview(spec, changed or {}, refusal, others, study, _held(spec, progress, made=True)[0], study.refusals)


def _held(spec: StudySpec, progress: Progress, made: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labelled windows and what is refused: as decoded where a study was ``made`` of them or they are few, else as they are cut."""
    there, cutting = survey_of(spec, progress), cutting_of(spec)
    refused = [*there.refusals, *there.without_windows(cutting)]
    windows = pd.DataFrame(columns=[*WINDOWS])
    try:
        if made or sum(map(len, there.cut(cutting).values())) <= MOST_MEASURED:
            windows, refused = looked_at_windows(spec, progress)
        elif not is_measured(spec, there):
            windows = foreseen_windows(spec, progress)
    except TooFew:  # not one of them can be used
        pass
    windows = windows.assign(**{"class": classes_of(spec, windows)})
    return windows, pd.concat([refusals_table(refused), refusals_table(there.others)], ignore_index=True)


def _too_short(there: Survey, spec: StudySpec) -> str:
    short = sum(not cutting_of(spec).windows(video) for video in there.videos.values())
    return f"{short} files that have no window of {spec.seconds:g} s" if short else ""


def _beyond(there: Survey, spec: StudySpec) -> str:
    cutting = cutting_of(spec)
    every, kept = sum(len(cutting.windows(video)) for video in there.videos.values()), sum(map(len, there.cut(cutting).values()))
    return f"{every - kept} windows of long videos" if every > kept else ""


def _full(row: Mapping[str, Any], split: str, spec: StudySpec) -> bool:
    """Whether a class has all the clips of a split that are taken of it."""
    return split in row and row[split]["clips"] >= most_clips(split, spec.clips_per_class)
