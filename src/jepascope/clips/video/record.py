"""What a study tells of its videos: how many were found and used, what was refused and why, and how labels were made."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from jepascope.clips.clipset import ClipSet
from jepascope.clips.motion.label import REASONS
from jepascope.clips.motion.windows import NO_DIRECTION
from jepascope.clips.video.footage import Footage, refusals_table

MEASURED = "measured by optical flow"
NUMBER = re.compile(r"\d[\d,.]*|'[^']*'")
OF_LABEL = {"abstained", "angle", "coherence"}  # columns that `jepascope label` writes, and hardly a person


def how_labelled(footage: Footage, variable: str) -> str:
    """In words that follow 'labels:'."""
    labels = footage.labels
    if labels is not None and variable in labels.columns:
        measured = labels.columns and set(labels.columns) >= OF_LABEL
        return f"{'measured by jepascope label, in' if measured else 'of the file'} {labels.path.name}, column {variable}"
    if variable == "direction":
        return MEASURED
    return f"the data set's own tables ({', '.join(footage.class_tables)})" if footage.class_tables else "names of folders or files"


def footage_record(footage: Footage, labelled: int, refusals: pd.DataFrame, clips: ClipSet, labels: str, kept: str) -> dict[str, Any]:
    """Counts for summary.json: of files, and of videos, which are recordings, each of one file or several, and what splits part.

    ``labelled``: windows that have a label. One is used when a clip shows it; of balanced directions several clips show one window.
    ``kept``: whose splits are kept.
    """
    used, windows = clips.factors, len(footage.windows)
    abstained = abstentions(refusals, footage)
    return {
        "folder": footage.folder.name,
        "labels": labels,
        "files": len(footage.recordings),
        "files_readable": len(footage.videos),
        "files_used": int(used["file"].nunique()),
        "videos": len(set(footage.recordings.values())),
        "videos_readable": len({video.source for video in footage.videos.values()}),
        "videos_used": int(used["source"].nunique()),
        "videos_by_split": _videos(used, "split"),
        "joined": dict(footage.joined),
        "windows": windows,
        "windows_labelled": labelled,
        "windows_used": len(used[["file", "start", "end"]].drop_duplicates()),
        "clips": len(used),
        "splits": kept,
        "official": {str(name): _videos(part, "official_split") for name, part in used.groupby("split")}
        if "official_split" in used
        else {},
        "abstained": abstained if labels == MEASURED else {},
        "abstention_rate": (windows - labelled) / windows if labels == MEASURED and windows else None,
        "refused": grouped(refusals),
        "others": grouped(refusals_table(footage.others)),
    }


def _videos(clips: pd.DataFrame, column: str) -> dict[str, int]:
    """How many videos there are by the values of a column."""
    return {str(name): int(part["source"].nunique()) for name, part in clips.groupby(column)}


def abstentions(refusals: pd.DataFrame, footage: Footage) -> dict[str, int]:
    """Windows without a measured direction, by the reason; a file all of whose windows have one reason is one row of the refusals."""
    by_file = Counter(seen.window.file for seen in footage.windows)
    counts: Counter[str] = Counter()
    words = {text: name for name, text in REASONS.items()}
    for row in refusals[refusals["reason"].str.startswith(NO_DIRECTION)].itertuples():
        reason = words.get(str(row.reason).removeprefix(NO_DIRECTION), "other")
        counts[reason] += by_file[str(row.file)] if np.isnan(float(str(row.start))) else 1
    return dict(counts.most_common())


def grouped(refusals: pd.DataFrame) -> list[dict[str, Any]]:
    """Reasons with how many files or windows they are given for, most frequent first; numbers and names in a reason do not part two of
    one kind."""
    kinds: dict[str, tuple[str, int]] = {}
    for reason, files in zip(refusals["reason"].astype(str), refusals["files"], strict=True):
        first, count = kinds.get(kind := NUMBER.sub("#", reason), (reason, 0))
        kinds[kind] = first, count + int(files)
    rows = [{"reason": reason, "count": count} for reason, count in kinds.values()]
    return sorted(rows, key=lambda row: -row["count"])
