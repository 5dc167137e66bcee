"""What is said of the videos of a study: those that were used and those that were not."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.clips.video.record import grouped
from jepascope.findings.footage import footage_words


def record(**changes: Any) -> dict[str, Any]:
    known = {
        "files": 11,
        "files_used": 8,
        "videos": 9,
        "videos_used": 6,
        "windows": 40,
        "windows_labelled": 20,
        "windows_used": 12,
        "clips": 48,
        "videos_by_split": {"fit": 2, "test": 4},
    }
    refused = [{"reason": "is empty (0 bytes)", "count": 2}]
    labels = {"labels": "measured by optical flow", "abstained": {"still": 20}, "abstention_rate": 0.5, "refused": refused}
    return {**known, **labels, **changes}


def test_what_was_used_and_what_was_not_is_said() -> None:
    said = " ".join(footage_words(record()))
    for words in (
        "6 of 9 videos and 12 of 40 windows",
        "Intervals resample videos",
        "50 % of the windows",
        "(20)",
        "2 × is empty",
        "8 more windows have a label",
    ):
        assert words in said
    people = " ".join(footage_words(record(labels="of the file mine.csv, column direction", abstained={}, abstention_rate=None)))
    assert "mine.csv" in people and "No direction was measured" not in people


def test_reasons_are_grouped_whatever_numbers_and_names_they_hold() -> None:
    reasons = ["lasts 0.40 s, less than one window of 1 s", "lasts 0.88 s, less than one window of 1 s", "is empty (0 bytes)"]
    found = grouped(pd.DataFrame({"reason": reasons, "files": [1, 1, 1]}))
    assert [row["count"] for row in found] == [2, 1] and found[0]["reason"] == reasons[0]
