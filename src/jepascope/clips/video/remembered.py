"""Windows of videos kept in memory once they are decoded: a study passes its clips through encoders a dozen times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from jepascope.clips.clipset import ClipSource
from jepascope.clips.video.dihedral import COLUMNS, shown_pixels

MOST_BYTES = 500_000_000
WINDOW = ["file", "start", "end", "crop_x", "crop_y", "crop_side"]

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Remembered:
    """The same pixels as ``source``, to the last bit. Windows are kept as bytes, before they are turned, up to ``most_bytes`` in all;
    what is beyond that is decoded each time. Nothing of it is sent to other processes."""

    source: ClipSource
    most_bytes: int = MOST_BYTES
    kept: dict[Key, UInt8[Tensor, "frames 3 size size"]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def digest(self) -> str:
        return self.source.digest

    def video(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames 3 size size"]:
        """Pixels in [0, 1]."""
        bytes_each = frames * 3 * size * size
        keys = [(*window, frames, size) for window in rows[WINDOW].itertuples(index=False, name=None)]
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        missing = [key for key in first if key not in self.kept]
        room = max(0, self.most_bytes // bytes_each - len(self.kept))
        found: dict[Key, Tensor] = {}
        if missing:
            plain = rows.iloc[[first[key] for key in missing]].assign(**{name: type(rows[name].iloc[0])(0) for name in COLUMNS})
            decoded = (self.source.video(plain, frames, size) * 255).round().to(torch.uint8)
            found = dict(zip(missing, decoded, strict=True))
            self.kept.update(list(found.items())[:room])
        pixels = torch.empty(len(rows), frames, 3, size, size)
        views = zip(*(rows[name] for name in COLUMNS), strict=True)
        for place, (key, (flipped, turns, backwards)) in enumerate(zip(keys, views, strict=True)):
            window = (self.kept[key] if key in self.kept else found[key]).float().div_(255)
            pixels[place] = shown_pixels(window, bool(flipped), int(turns), bool(backwards))
        return pixels

    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames size size"]:
        return self.source.coverage(rows, frames, size)

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source, "most_bytes": self.most_bytes, "kept": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
