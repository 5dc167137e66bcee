"""Clips as files to look at: an animated GIF of a grid of clips, and lossless MP4 files of single clips."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from jepascope.errors import BadData, JepascopeError

if TYPE_CHECKING:
    from PIL.Image import Image

FRAMES_A_SECOND = 12
TILE = 128  # pixels a side that a clip takes in the grid, about
TITLE = 18  # pixels above it for its name
GAP = 4

Pixels = UInt8[np.ndarray, "frames size size 3"]


def eight_bit(video: Float[Tensor, "frames 3 size size"]) -> Pixels:
    """One clip's pixels rounded to 8 bits."""
    pixels: Pixels = (video * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    return pixels


def write_gif(path: Path, clips: Sequence[Pixels], titles: Sequence[str], columns: int) -> None:
    """A grid of clips with their titles, that loops. One palette of 256 colours for all: to be looked at, not to be measured."""
    from PIL.Image import Dither, Quantize, fromarray

    frames = [_page([clip[t] for clip in clips], titles, columns) for t in range(len(clips[0]))]
    sample = fromarray(np.concatenate([np.asarray(frames[t]) for t in (0, len(frames) // 2, -1)]))
    palette = sample.quantize(256, method=Quantize.MAXCOVERAGE)  # hues count as much as the many greys
    reduced = [frame.quantize(palette=palette, dither=Dither.NONE) for frame in frames]  # still parts stay still: no dither
    reduced[0].save(path, format="GIF", save_all=True, append_images=reduced[1:], duration=round(1000 / FRAMES_A_SECOND), loop=0)


def _page(tiles: list[np.ndarray], titles: Sequence[str], columns: int) -> Image:
    from PIL.Image import Resampling, fromarray, new
    from PIL.ImageDraw import Draw

    side = max(1, round(TILE / tiles[0].shape[0])) * tiles[0].shape[0]
    rows = math.ceil(len(tiles) / columns)
    page = new("RGB", (columns * (side + GAP) + GAP, rows * (side + TITLE + GAP) + GAP), "white")
    draw = Draw(page)
    for place, (tile, title) in enumerate(zip(tiles, titles, strict=True)):
        x, y = GAP + place % columns * (side + GAP), GAP + place // columns * (side + TITLE + GAP)
        draw.text((x + 2, y + 2), title, fill="black")
        page.paste(fromarray(tile).resize((side, side), Resampling.NEAREST), (x, y + TITLE))
    return page


def write_mp4(path: Path, pixels: Pixels) -> None:
    """One clip, lossless (H.264 in RGB with crf 0). It is read back: BadData unless every pixel is the one that was written."""
    import av
    from av.codec.codec import UnknownCodecError

    try:
        av.codec.Codec("libx264rgb", "w")
    except UnknownCodecError:
        raise JepascopeError(
            "This PyAV has no encoder libx264rgb, so that no lossless MP4 can be written; install PyAV from PyPI (pip install av)."
        ) from None
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264rgb", rate=FRAMES_A_SECOND, options={"crf": "0", "preset": "medium"})
        stream.width, stream.height, stream.pix_fmt = pixels.shape[2], pixels.shape[1], "rgb24"
        for frame in pixels:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    if not np.array_equal(read_mp4(path), pixels):
        raise BadData(f"'{path}' does not read back as the pixels that were written; this PyAV's libx264rgb is not lossless.")


def read_mp4(path: Path) -> Pixels:
    """All frames of a video file."""
    import av

    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
