"""A clip and its partner as a strip of pictures, which a page steps through: what an edit changes, and what it leaves as it is."""

from __future__ import annotations

import numpy as np

from jepascope.clips.clipset import ClipSet
from jepascope.clips.picture import png, shades

MOST_FRAMES, MOST_SIDE, GAP = 16, 96, 4


def film(clips: ClipSet, partners: ClipSet, clip: int = 0) -> tuple[bytes, int]:
    """A PNG, and the number of its pictures, which lie side by side: in each the clip on the left and its partner on the right, ``GAP``
    pixels of nothing after both."""
    sides = [_frames(of, clip) for of in (clips, partners)]
    count, side = sides[0].shape[:2]
    gap = np.zeros((count, side, GAP, 4), dtype=np.uint8)
    strip = np.concatenate([part for frames in sides for part in (shades(frames), gap)], axis=2)  # (frames, rows, columns, RGBA)
    return png(np.concatenate(list(strip), axis=1)), count


def _frames(clips: ClipSet, clip: int) -> np.ndarray:
    """Evenly spaced frames in 0..1, every so many pixels of large ones."""
    video = clips.video([clip])[0].permute(0, 2, 3, 1).numpy()
    shown = np.unique(np.linspace(0, len(video) - 1, min(MOST_FRAMES, len(video))).round().astype(int))
    step = -(-max(video.shape[1:3]) // MOST_SIDE)
    frames: np.ndarray = video[shown, ::step, ::step]
    return frames
