"""What a study tells of its videos: how many were found and used, what was refused and why, and how labels were made."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from jepascope.clips.clipset import ClipSet
from jepascope.clips.motion.label import REASONS
from jepascope.clips.video.footage import Footage
from jepascope.clips.video.labels import VideoLabels

MEASURED = "measured by optical flow"
NO_DIRECTION = "has no measured direction: "
NUMBER = re.compile(r"\d[\d,.]*|'[^']*'")
OF_LABEL = {"abstained", "angle", "coherence"}  # columns that `jepascope label` writes, and hardly a person


def how_labelled(labels: VideoLabels | None, variable: str) -> str:
    """In words that follow 'labels:'."""
    if labels is not None and variable in labels.columns:
        measured = labels.columns and set(labels.columns) >= OF_LABEL
        return f"{'measured by jepascope label, in' if measured else 'of the file'} {labels.path.name}, column {variable}"
    return MEASURED if variable == "direction" else "names of folders or the data set's own tables"


def footage_record(footage: Footage, names: np.ndarray, refusals: pd.DataFrame, clips: ClipSet, labels: str) -> dict[str, Any]:
    """Counts for summary.json. A window is used when a clip shows it; of balanced directions several clips show one window."""
    used = clips.factors
    windows, labelled = len(names), int((names != "").sum())
    abstained = abstentions(refusals, footage)
    return {
        "folder": footage.folder.name,
        "labels": labels,
        "videos": len(footage.videos) + int((refusals["start"].isna() & ~refusals["file"].isin(list(footage.videos))).sum()),
        "videos_readable": len(footage.videos),
        "videos_used": int(used["source"].nunique()),
        "windows": windows,
        "windows_labelled": labelled,
        "windows_used": len(used[["file", "start", "end"]].drop_duplicates()),
        "clips": len(used),
        "videos_by_split": {name: int(part["source"].nunique()) for name, part in used.groupby("split")},
        "abstained": abstained if labels == MEASURED else {},
        "abstention_rate": (windows - labelled) / windows if labels == MEASURED and windows else None,
        "refused": grouped(refusals),
    }


def abstentions(refusals: pd.DataFrame, footage: Footage) -> dict[str, int]:
    """Windows without a measured direction, by the reason; a file all of whose windows have one reason is one row of the refusals."""
    by_file = Counter(one.window.file for one in footage.windows)
    found: Counter[str] = Counter()
    words = {text: name for name, text in REASONS.items()}
    for row in refusals[refusals["reason"].str.startswith(NO_DIRECTION)].itertuples():
        reason = words.get(str(row.reason).removeprefix(NO_DIRECTION), "other")
        found[reason] += by_file[str(row.file)] if np.isnan(float(str(row.start))) else 1
    return dict(found.most_common())


def grouped(refusals: pd.DataFrame) -> list[dict[str, Any]]:
    """Reasons with how many rows give them, most frequent first; numbers and names in a reason do not part two of one kind."""
    kinds: dict[str, list[str]] = {}
    for reason in refusals["reason"].astype(str):
        kinds.setdefault(NUMBER.sub("#", reason), []).append(reason)
    rows = [{"reason": said[0], "count": len(said)} for said in kinds.values()]
    return sorted(rows, key=lambda row: -row["count"])
