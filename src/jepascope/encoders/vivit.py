"""ViViT (transformers' VivitModel): tubelets in (time, row, column) order behind a class token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from transformers import VivitModel

from jepascope.encoders.entries import EncoderEntry
from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.pixels import HALF, Pixels

DECLARED = EncoderEntry(
    name="vivit",
    meaning="ViViT",
    order=3,
    run="jepascope.encoders.vivit:VivitEncoder",
    fields={"tubelet": ("tubelet_size", (2, 16, 16)), "inside": ("intermediate_size", 3072), "frames": ("num_frames", 32)},
    fixed=True,
    class_token=True,
    checkpoints=(
        ("google/vivit-b-16x2", 88_646_400, {}),
        ("google/vivit-b-16x2-kinetics400", 88_646_400, {}),
    ),
)


class VivitEncoder(LibraryEncoder):
    """Its pixels go from -1 to 1, as Google trained it (scenic's zero-centring) and as google/vivit-b-16x2 says.

    The file beside google/vivit-b-16x2-kinetics400, the same network, normalises them once more, to -3 to 1: there it is not followed.
    """

    kind = VivitModel
    built: ClassVar[dict[str, Any]] = {"add_pooling_layer": False}
    trained = HALF
    mistaken: ClassVar[Mapping[str, Pixels]] = {"ViViTForVideoClassification": Pixels((0.75, 0.75, 0.75), (0.25, 0.25, 0.25))}
    centred = True
