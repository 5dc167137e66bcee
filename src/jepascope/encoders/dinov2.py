"""DINOv2 (transformers' Dinov2Model, and the one with registers), frame by frame: a class token a frame, and its registers."""

from __future__ import annotations

from transformers import Dinov2Model, Dinov2WithRegistersModel

from jepascope.encoders.entries import EncoderEntry
from jepascope.encoders.library import LibraryEncoder

DECLARED = (
    EncoderEntry(
        name="dinov2",
        meaning="DINOv2",
        order=5,
        run="jepascope.encoders.dinov2:Dinov2Encoder",
        fields={"patch": ("patch_size", 14)},
        class_token=True,
        checkpoints=(
            ("facebook/dinov2-small", 22_056_576, {"width": 384, "size": 518}),
            ("facebook/dinov2-base", 86_580_480, {"size": 518}),
            ("facebook/dinov2-large", 304_368_640, {"width": 1024, "depth": 24, "size": 518}),
            ("facebook/dinov2-giant", 1_136_480_768, {"width": 1536, "depth": 40, "size": 518}),
        ),
    ),
    EncoderEntry(
        name="dinov2_with_registers",
        meaning="DINOv2 with registers",
        order=6,
        run="jepascope.encoders.dinov2:Dinov2WithRegistersEncoder",
        fields={"patch": ("patch_size", 16), "registers": ("num_register_tokens", 4)},
        class_token=True,
        checkpoints=(
            ("facebook/dinov2-with-registers-base", 86_583_552, {"size": 518, "patch": 14}),
            ("facebook/dinov2-with-registers-large", 304_372_736, {"width": 1024, "depth": 24, "size": 518, "patch": 14}),
        ),
    ),
)


class Dinov2Encoder(LibraryEncoder):
    """Positions are interpolated bicubically where frames are not of the trained size."""

    kind = Dinov2Model


class Dinov2WithRegistersEncoder(LibraryEncoder):
    """As above, with register tokens behind each frame's class token."""

    kind = Dinov2WithRegistersModel
