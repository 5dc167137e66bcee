"""What a spec says of a folder of videos, settled before any of them is opened. Imports neither torch, pandas, PyAV nor OpenCV."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jepascope.clips.array_file import is_arrays
from jepascope.clips.entries import CLIP_SETS

FOLDER_DEFAULTS: dict[str, Any] = {
    "seconds": 1.0,
    "per_source": 16,
    "splits": "own",
    "port_clips": (),
    "peels": 0,
    "extra_controls": ("self_swap",),
}
"""What fields are for a folder where nothing is said. Swaps take from other videos, so what a swap does with nothing to carry is asked."""

FOLDER_ONLY = ("clips_digest", "seconds", "per_source", "splits", "classes", "subspaces_from", "subspaces_digest")


def is_folder(clips: object) -> bool:
    """Whether ``clips`` is the path of a folder, and no clip set's name."""
    if not isinstance(clips, str) or not clips.strip() or clips in CLIP_SETS or is_arrays(clips):
        return False
    return os.sep in clips or "/" in clips or clips in (".", "..") or Path(clips).expanduser().is_dir()


def with_folder_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Fields of a spec whose clips are a folder, with everything filled in that is not given: defaults, and what names the contents.

    A digest that is given is kept: whether the videos are still the same is asked when they are needed, so that a finished run can be
    told about without them.
    """
    from jepascope.clips.video.contents import folder_digest

    path = Path(values["clips"]).expanduser()
    digest = values.get("clips_digest") or folder_digest(path)
    given = {name: value for name, value in values.items() if value is not None}
    return {**values, **{name: value for name, value in FOLDER_DEFAULTS.items() if name not in given}} | {
        "clips": str(path.resolve()),
        "clips_digest": digest,
    }
