"""Clips: scenes and their factors, rendered on demand.

>>> import jepascope as js
>>> clips = js.clips.directions8(seed=0)
>>> js.clips.twins(clips, "speed")
>>> js.clips.preset("complex", seed=1, per_class=10)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jepascope.clips.entries import CLIP_SETS

if TYPE_CHECKING:
    from jepascope.clips.arrays import from_arrays as from_arrays
    from jepascope.clips.arrays import from_file as from_file
    from jepascope.clips.clipset import ClipSet as ClipSet
    from jepascope.clips.presets import PRESETS as PRESETS
    from jepascope.clips.presets import circle as circle
    from jepascope.clips.presets import complex_scenes as complex_scenes
    from jepascope.clips.presets import directions8 as directions8
    from jepascope.clips.presets import preset as preset
    from jepascope.clips.presets import reverse_twins as reverse_twins
    from jepascope.clips.presets import twins as twins
    from jepascope.clips.video.from_folder import from_folder as from_folder

_HOMES = {
    "ClipSet": "clipset",
    "PRESETS": "presets",
    "from_arrays": "arrays",
    "from_file": "arrays",
    "from_folder": "video.from_folder",
    "preset": "presets",
    "reverse_twins": "presets",
    "twins": "presets",
}


def _homes() -> dict[str, str]:
    """The module of every name, those of the functions that draw clip sets as their declarations have them."""
    drawn = (entry.run.removeprefix("jepascope.clips.").partition(":") for entry in CLIP_SETS.own.values())
    return {**_HOMES, **{name: module for module, _, name in drawn}}


def __getattr__(name: str) -> Any:
    """Names are imported when first used: ``clips.ranges`` and ``clips.variables`` are read where nothing heavy may load."""
    if name == "__all__":
        return __dir__()
    if name not in (homes := _homes()):
        raise AttributeError(f"module 'jepascope.clips' has no attribute '{name}'")
    return getattr(import_module(f"jepascope.clips.{homes[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_homes())
