"""Pixels of real clips, decoded from their files when they are first asked for: a study passes its clips through encoders a dozen times."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from jepascope.clips.video.decode import Picture, Scaler, frames_of_many
from jepascope.clips.video.dihedral import COLUMNS
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.probe import Video
from jepascope.clips.video.windows import Window
from jepascope.errors import BadData

READING = "video-2"  # the rule by which files become pixels: change it when pixels change
MOST_BYTES = 500_000_000
WINDOW = ["file", "start", "end", "crop_x", "crop_y", "crop_side"]

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Content:
    """A file as it was when it was looked at."""

    digest: str
    size: int
    modified: int


@dataclass(frozen=True)
class VideoSource:
    """Decodes rows with columns ``file``, ``start``, ``end`` (seconds), those of ``dihedral``, and ``crop_x``, ``crop_y`` and
    ``crop_side``: the square that is shown. Its side as a share of the picture's short side, and its place as a share of the room
    that it has (0 is left or top, 0.5 the middle). ``asked``: the fields of a spec that the clips of the folder were asked for with, and
    the digest of those clips (see ``from_folder``).

    Windows are kept as bytes, before they are turned, up to ``most_bytes`` in all; what is beyond that is decoded each time. Nothing of
    it is sent to other processes.
    """

    folder: Path
    contents: Mapping[str, Content]
    most_bytes: int = MOST_BYTES
    kept: dict[Key, UInt8[Tensor, "frames 3 size size"]] = field(default_factory=dict, repr=False, compare=False)
    asked: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    as_asked: str = field(default="", repr=False, compare=False)

    @classmethod
    def of(cls, folder: Path, videos: list[Video]) -> VideoSource:
        return cls(folder, {video.file: Content(video.digest, video.size, video.modified) for video in videos})

    @cached_property
    def digest(self) -> str:
        """Names the content of every file, by its path below the folder, and the rule by which it is read."""
        named = "\n".join(f"{file} {content.digest}" for file, content in sorted(self.contents.items()))
        return f"{READING}-{hashlib.sha256(named.encode()).hexdigest()[:16]}"

    def video(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames 3 size size"]:
        """Pixels in [0, 1]. Raises BadData for a file that changed or cannot be decoded any more."""
        keys = [(*window, frames, size) for window in rows[WINDOW].itertuples(index=False, name=None)]
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        missing = [key for key in first if key not in self.kept]
        room = max(0, self.most_bytes // (frames * 3 * size * size) - len(self.kept))
        fresh = dict(zip(missing, self.decoded(rows.iloc[[first[key] for key in missing]], frames, size), strict=True)) if missing else {}
        self.kept.update(list(fresh.items())[:room])
        pixels = torch.empty(len(rows), frames, 3, size, size)
        views = zip(*(rows[name] for name in COLUMNS), strict=True)
        for place, (key, (flipped, turns, backwards)) in enumerate(zip(keys, views, strict=True)):
            window = (self.kept[key] if key in self.kept else fresh[key]).float().div_(255)
            pixels[place] = shown_pixels(window, bool(flipped), int(turns), bool(backwards))
        return pixels

    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames size size"]:
        """Ones: nobody drew where the object of a real clip is, so that all tokens count as the object's and none as background."""
        return torch.ones(()).expand(len(rows), frames, size, size)

    def decoded(self, rows: pd.DataFrame, frames: int, size: int) -> UInt8[Tensor, "clips frames 3 size size"]:
        """The windows as they lie in their files. One pass over a file, frame by frame: of a large picture never more than one is held, and
        it is made small at once."""
        pixels = torch.empty(len(rows), frames, 3, size, size, dtype=torch.uint8)
        for file, part in rows.reset_index(drop=True).groupby("file", sort=False):
            path = self._unchanged(str(file))
            try:
                _decode(path, part, pixels)
            except UnreadableVideo as error:
                raise BadData(f"'{path}' {error}; it could be when it was looked at. Make the clips again.") from None
        return pixels

    def _unchanged(self, file: str) -> Path:
        path, known = self.folder / file, self.contents[file]
        try:
            stat = path.stat()
        except OSError as error:
            raise BadData(f"'{path}' cannot be read any more ({error.strerror}); put it back, or make the clips again.") from None
        if (stat.st_size, stat.st_mtime_ns) != (known.size, known.modified):
            raise BadData(f"'{path}' changed since it was looked at; make the clips again.")
        return path

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "kept": {}}


def _decode(path: Path, part: pd.DataFrame, pixels: UInt8[Tensor, "clips frames 3 size size"]) -> None:
    """Fill in the pixels of the rows of one file."""
    frames, size = pixels.shape[1], pixels.shape[3]
    rows = part.index.to_numpy()
    ticks = [Window("", "", start, end).ticks(frames) for start, end in zip(part["start"], part["end"], strict=True)]
    sides = [max(size, round(size / side)) for side in part["crop_side"]]
    places = list(zip(part["crop_x"], part["crop_y"], strict=True))
    scaler = Scaler()
    for which, place, shown in frames_of_many(path, ticks):
        small = cache(partial(scaler, shown))  # a frame is made small once for each size that windows ask for
        for one, tick in zip(which.tolist(), place.tolist(), strict=True):
            pixels[int(rows[one]), tick] = _square(small(sides[one]), size, *places[one])


def _square(picture: Picture, size: int, x: float, y: float) -> UInt8[Tensor, "3 size size"]:
    left, top = round(x * (picture.shape[1] - size)), round(y * (picture.shape[0] - size))
    cut = np.ascontiguousarray(picture[top : top + size, left : left + size])
    return torch.from_numpy(cut).permute(2, 0, 1)


def shown_pixels(
    video: Float[Tensor, "frames 3 size size"], flipped: bool, turns: int, backwards: bool
) -> Float[Tensor, "frames 3 size size"]:
    """One clip mirrored, turned and reversed."""
    video = torch.rot90(video.flip(3) if flipped else video, turns, (2, 3))
    return video.flip(0) if backwards else video
