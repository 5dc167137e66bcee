"""DINOv2 (transformers' Dinov2Model, and the one with registers), frame by frame: a class token a frame, and its registers."""

from __future__ import annotations

from transformers import Dinov2Model, Dinov2WithRegistersModel

from jepascope.encoders.library import FrameEncoder


class Dinov2Encoder(FrameEncoder):
    """Positions are interpolated bicubically where frames are not of the trained size."""

    kind = Dinov2Model


class Dinov2WithRegistersEncoder(FrameEncoder):
    """As above, with register tokens behind each frame's class token."""

    kind = Dinov2WithRegistersModel
