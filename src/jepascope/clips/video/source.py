"""Pixels of real clips, decoded from their files when they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.clips.video.decode import Picture, Scaler, Shown, frames_of_many
from jepascope.clips.video.dihedral import shown_pixels
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.probe import Video
from jepascope.clips.video.windows import Window
from jepascope.errors import BadData

READING = "video-2"  # the rule by which files become pixels: change it when pixels change


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
    that it has (0 is left or top, 0.5 the middle).

    One pass over a file for each call, frame by frame: of a large picture never more than one is held, and is made small at once.
    """

    folder: Path
    contents: Mapping[str, Content]

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
        pixels = torch.empty(len(rows), frames, 3, size, size)
        table = rows.reset_index(drop=True)
        for file, part in table.groupby("file", sort=False):
            self._check_unchanged(str(file))
            try:
                self._decode(self.folder / str(file), part, pixels)
            except UnreadableVideo as error:
                raise BadData(f"'{self.folder / str(file)}' {error}; it could be when it was looked at. Make the clips again.") from None
        for clip, flipped, turns, backwards in zip(pixels, table["flipped"], table["turns"], table["reversed"], strict=True):
            if flipped or turns or backwards:
                clip.copy_(shown_pixels(clip.clone(), bool(flipped), int(turns), bool(backwards)))
        return pixels

    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames size size"]:
        """Ones: nobody drew where the object of a real clip is, so that all tokens count as the object's and none as background."""
        return torch.ones(()).expand(len(rows), frames, size, size)

    def _decode(self, path: Path, part: pd.DataFrame, pixels: Float[Tensor, "clips frames 3 size size"]) -> None:
        frames, size = pixels.shape[1], pixels.shape[3]
        rows = part.index.to_numpy()
        ticks = [Window("", "", start, end).ticks(frames) for start, end in zip(part["start"], part["end"], strict=True)]
        sides = [max(size, round(size / side)) for side in part["crop_side"]]
        places = list(zip(part["crop_x"], part["crop_y"], strict=True))
        scaler = Scaler()
        for which, place, shown in frames_of_many(path, ticks):
            small = _Small(scaler, shown)
            for one, tick in zip(which.tolist(), place.tolist(), strict=True):
                pixels[int(rows[one]), tick] = small.square(sides[one], size, *places[one])

    def _check_unchanged(self, file: str) -> None:
        path, known = self.folder / file, self.contents[file]
        try:
            found = path.stat()
        except OSError as error:
            raise BadData(f"'{path}' cannot be read any more ({error.strerror}); put it back, or make the clips again.") from None
        if (found.st_size, found.st_mtime_ns) != (known.size, known.modified):
            raise BadData(f"'{path}' changed since it was looked at; make the clips again.")


class _Small:
    """One frame, made small once for each size that windows ask for."""

    def __init__(self, scaler: Scaler, shown: Shown) -> None:
        self.scaler, self.shown = scaler, shown
        self.pictures: dict[int, Picture] = {}

    def square(self, short_side: int, size: int, x: float, y: float) -> Float[Tensor, "3 size size"]:
        if short_side not in self.pictures:
            self.pictures[short_side] = self.scaler(self.shown, short_side)
        picture = self.pictures[short_side]
        left, top = round(x * (picture.shape[1] - size)), round(y * (picture.shape[0] - size))
        cut = np.ascontiguousarray(picture[top : top + size, left : left + size])
        return torch.from_numpy(cut).permute(2, 0, 1).float().div_(255)
