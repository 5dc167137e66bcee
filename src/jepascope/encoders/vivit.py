"""ViViT (transformers' VivitModel): tubelets in (time, row, column) order behind a class token."""

from __future__ import annotations

from typing import Any, ClassVar

from transformers import VivitModel

from jepascope.encoders.library import HALF, LibraryEncoder


class VivitEncoder(LibraryEncoder):
    """Its pixels go from -1 to 1, as Google's checkpoint was trained (zero-centred, not normalised further)."""

    kind = VivitModel
    built: ClassVar[dict[str, Any]] = {"add_pooling_layer": False}
    pixels = HALF
