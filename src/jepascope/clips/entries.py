"""The catalog of clip sets: what ``clips`` and ``port_clips`` may name besides folders and files. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jepascope.catalog import Catalog, Entry


@dataclass(frozen=True, kw_only=True)
class ClipSetEntry(Entry):
    """Clips that can be drawn anew from any seed: ``run`` is a function ``(seed, per_class) -> ClipSet``.

    ``variables``: what its clips can be studied for; empty: the factors of the procedural scenes (``clips.variables``). ``angles``: which
    directions its scenes move in, where these are drawn as directions8's are; "" where what one end of a path tells is not known.
    """

    variables: tuple[str, ...] = ()
    angles: Literal["", "eight", "any"] = ""


CLIP_SETS = Catalog("clip set", ClipSetEntry, "jepascope.clips.sets", group="jepascope.clips")
