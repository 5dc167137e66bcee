"""How many videos and clips a study of videos needs at least, and what it is asked to choose. Imports neither torch nor pandas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from jepascope.clips.variables import Variable
from jepascope.errors import BadData

FOLDER_SHARES = {"fit": 0.4, "judge": 0.3, "test": 0.3}  # of videos, which are few: intervals over those in test would be too wide to read
FEWEST_VIDEOS = 2  # of every class in every split: one to learn from and another to choose by, and an interval needs two as well
SPLIT_VIDEOS = dict.fromkeys(FOLDER_SHARES, FEWEST_VIDEOS)
FEW_TESTED = 10  # videos in split test: with fewer, each of all the videos is tested in turn, by what the others gave
LEFT_OUT_VIDEOS = {**SPLIT_VIDEOS, "test": 1}  # where each video is tested in turn no interval is made of those in test alone
LEFT_OUT_SHARES = {"fit": 0.4, "judge": 0.4, "test": 0.2}  # of videos that are so few
# of every class, each video being of one: one is tested, or swapped with, the others learned from
FEWEST_LEFT_OUT = sum(LEFT_OUT_VIDEOS.values())
FEWEST_CLIPS = {"fit": 20, "test": 8}  # of all classes in a split
MOST_TRIED = 1000  # clips of a class
SHOWN = 8  # classes that a message lists


def official_number(splits: str | None) -> int | None:
    """The number of the data set's own split that is kept to; None where it is not."""
    return None if splits in (None, "own") else int(splits.partition("-")[2] or 1)


@runtime_checkable
class Watching(Protocol):
    """Who is told how far a piece of work is: ``start`` names it and returns what is called with (done, total)."""

    def start(self, what: str) -> Callable[[int, int], None]: ...


class Unwatched:
    """Nobody is told."""

    def start(self, what: str) -> Callable[[int, int], None]:
        return lambda done, total: None


@runtime_checkable
class ClipsWanted(Protocol):
    """What a study's spec says of a folder of videos and of the clips to be chosen. ``official_split``: the number of the data set's own
    split that is kept to."""

    @property
    def clips(self) -> str: ...
    @property
    def clips_name(self) -> str: ...
    @property
    def clips_digest(self) -> str | None: ...
    @property
    def labels(self) -> str | None: ...
    @property
    def labels_digest(self) -> str | None: ...
    @property
    def no_label(self) -> tuple[str, ...]: ...
    @property
    def kind(self) -> str: ...
    @property
    def classes(self) -> tuple[str, ...] | None: ...
    @property
    def seconds(self) -> float | None: ...
    @property
    def splits(self) -> str | None: ...
    @property
    def variable(self) -> str: ...
    @property
    def state_variable(self) -> Variable: ...
    @property
    def clips_per_class(self) -> int: ...
    @property
    def per_source(self) -> int | None: ...
    @property
    def official_split(self) -> int | None: ...
    @property
    def seed(self) -> int: ...


class TooFew(BadData):
    """Too few videos or clips for a study: what there is, counted, with no full stop. ``scarce``: classes (or kinds) of which there are
    too few; ``missing``: how many videos more each of them needs at least, where that is known."""

    def __init__(self, message: str, scarce: Sequence[str] = (), missing: Mapping[str, int] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.scarce, self.missing = tuple(scarce), missing


def shown(parts: Sequence[str]) -> str:
    """What a message lists, as far as it can be read."""
    return ", ".join(parts[:SHOWN]) + (f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else "")


def clips_of(clips: int, videos: int) -> str:
    """'18 clips of 2 videos'."""
    return f"{clips} clip{'s' * (clips != 1)} of {videos} video{'s' * (videos != 1)}"


def most_clips(split: str, clips_per_class: int) -> int:
    """Clips of a class that a split takes at most."""
    return max(1, round(FOLDER_SHARES[split] * clips_per_class))


def least_clips_per_class(classes: int) -> int:
    """The fewest clips of a class with which so many classes can fill the splits."""
    return next(
        count
        for count in range(10, MOST_TRIED)
        if all(classes * most_clips(split, count) >= fewest for split, fewest in FEWEST_CLIPS.items())
    )
