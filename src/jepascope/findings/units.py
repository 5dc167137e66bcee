"""What the rows of a study are called: scenes that were rendered, or videos that were filmed. Intervals resample them and n counts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def unit_of(of_videos: bool) -> str:
    """'video' or 'scene': what no split parts, and what intervals resample."""
    return "video" if of_videos else "scene"


def units_in(summary: Mapping[str, Any]) -> str:
    """The same in the plural, by a run's summary.json."""
    return f"{unit_of('footage' in summary)}s"
