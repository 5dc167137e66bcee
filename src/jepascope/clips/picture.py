"""Pictures in memory: PNG files of frames and of figures, and how a notebook's page holds one."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHADES = 32  # of a colour: noise of the finest shades would triple the file, and is not seen at this size


def shades(frames: Float[np.ndarray, "*frames 3"]) -> UInt8[np.ndarray, "*frames 4"]:
    """Colours from 0 to 1 in bytes, opaque."""
    few = np.round(np.round(frames * (SHADES - 1)) * (255 / (SHADES - 1))).astype(np.uint8)
    return np.concatenate([few, np.full_like(few[..., :1], 255)], axis=-1)


def png(pixels: UInt8[np.ndarray, "rows columns 4"]) -> bytes:
    """A PNG file of these pixels."""
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(file, pixels, format="png", metadata={"Software": None})  # type: ignore[dict-item]
    return file.getvalue()


def figure_png(figure: Figure) -> bytes:
    """A PNG file of a figure, the same whatever version of matplotlib wrote it."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def image(file: bytes, alt: str, width: str = "40em") -> str:
    """An HTML image that holds the PNG ``file`` in itself, at most ``width`` wide and never wider than the page."""
    data = base64.b64encode(file).decode()
    return f'<img alt="{html.escape(alt)}" style="width: 100%; max-width: {width}" src="data:image/png;base64,{data}">'
