"""The one pass over every window before it is used: whether it can be decoded, and what it looks like."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jepascope.clips.video.decode import Picture, Scaler, frames_of_many
from jepascope.clips.video.files import Refusal
from jepascope.clips.video.kept import kept
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.probe import Video
from jepascope.clips.video.windows import EARLY, FEWEST_FRAMES, Window

FRAMES = 16  # of a window that are looked at; all between them are decoded
SIDE = 32
RULE = "look-3"  # change it when looks or refusals change

LOOKS = ("brightness", "contrast", "colourfulness")


@dataclass(frozen=True)
class Seen:
    """A window that can be decoded from its first to its last frame, and its looks by name."""

    window: Window
    looks: Mapping[str, float]


def looked_at(folder: Path, video: Video, windows: Sequence[Window], cache: Path | None = None) -> tuple[list[Seen], list[Refusal]]:
    """Decode a file's windows. What comes after the first damaged frame is refused, for it may show what the damage left behind.

    With a ``cache``, a file of the same content is not decoded again for the same windows.
    """
    import av

    asked = {"rule": RULE, "av": av.__version__, "file": video.digest, "windows": [(window.start, window.end) for window in windows]}
    answer = kept(cache, asked, lambda: _decoded(folder, video, windows))
    refusals = [Refusal(video.file, reason, start, video.duration) for start, reason in answer["damage"]]
    seen = [
        Seen(window, dict(zip(LOOKS, look, strict=True)))
        for window, look, frames in zip(windows, answer["looks"], answer["frames"], strict=True)
        if look is not None and frames >= FEWEST_FRAMES
    ]
    few = sum(look is not None and frames < FEWEST_FRAMES for look, frames in zip(answer["looks"], answer["frames"], strict=True))
    if few:
        refusals.append(Refusal(video.file, f"shows fewer than {FEWEST_FRAMES} frames in {few} windows when it is decoded"))
    return seen, refusals


def _decoded(folder: Path, video: Video, windows: Sequence[Window]) -> dict[str, Any]:
    """For each window its looks (None where it was not decoded to its end) and how many frames it shows; time and words of damage."""
    ticks = [np.append(window.ticks(FRAMES), window.end - 2 * EARLY) for window in windows]
    sums, distinct = np.zeros((len(windows), len(LOOKS))), np.zeros(len(windows), dtype=np.int64)
    whole = np.zeros(len(windows), dtype=bool)
    scaler, damage = Scaler(), list[tuple[float, str]]()
    try:
        for which, place, shown in frames_of_many(folder / video.file, ticks):
            sampled = which[place < FRAMES]
            if len(sampled):
                np.add.at(sums, sampled, looks(scaler(shown, SIDE)))
                distinct[np.unique(sampled)] += 1
            whole[which[place == FRAMES]] = True
    except UnreadableVideo as error:
        lost = "windows before that are used" if whole.any() else "no window lies before that"
        damage.append((error.seconds, f"{error}; {lost}"))
    means = [mean.tolist() if good else None for mean, good in zip(sums / FRAMES, whole, strict=True)]
    return {"looks": means, "frames": distinct.tolist(), "damage": damage}


def looks(picture: Picture) -> np.ndarray:
    """Mean, standard deviation of grey and mean spread between red, green and blue of a picture, in units of intensity (0 to 1).

    Sums are of whole numbers, so that every machine finds the same to the last bit: the numbers are in the digest of the clips.
    """
    pixels = picture.astype(np.int64)
    grey = pixels.sum(axis=2)
    total, square, count = int(grey.sum()), int((grey**2).sum()), grey.size
    spread = int((pixels.max(axis=2) - pixels.min(axis=2)).sum())
    return np.array([total / (765 * count), math.sqrt(count * square - total**2) / (765 * count), spread / (255 * count)])
