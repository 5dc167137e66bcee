"""Clips: scenes and their factors, rendered on demand.

>>> import jepascope as js
>>> clips = js.clips.directions8(seed=0)
>>> js.clips.twins(clips, "speed")
>>> js.clips.preset("complex", seed=1, per_class=10)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_HOMES = {
    "ClipSet": "clipset",
    "PRESETS": "presets",
    "circle": "presets",
    "complex_scenes": "presets",
    "directions8": "presets",
    "from_arrays": "arrays",
    "from_file": "arrays",
    "preset": "presets",
    "reverse_twins": "presets",
    "twins": "presets",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Names are imported when first used: ``clips.ranges`` and ``clips.variables`` are read where nothing heavy may load."""
    if name not in _HOMES:
        raise AttributeError(f"module 'jepascope.clips' has no attribute '{name}'")
    return getattr(import_module(f"jepascope.clips.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
