"""The data set's own splits: what is trained on and what is tested on, as whoever published the data meant it."""

from __future__ import annotations

from collections.abc import Iterable

from jepascope.clips.video.names import TEST, TRAIN, VALIDATION
from jepascope.clips.video.probe import Video

SIDES = {TRAIN: TRAIN, VALIDATION: TEST, TEST: TEST}


def side(official_split: str) -> str:
    """train, or test for what is held out (validation and test); '' for a file that is in no official split."""
    return SIDES.get(official_split, "")


def of_both_sides(videos: Iterable[Video]) -> list[str]:
    """Training files of recordings that are held out as well: the test side is kept whole."""
    some = list(videos)
    held_out = {video.source for video in some if side(video.official_split) == TEST}
    return [video.file for video in some if side(video.official_split) == TRAIN and video.source in held_out]
