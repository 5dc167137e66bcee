"""complex: clutter, and a camera that moves."""

from __future__ import annotations

import pandas as pd

from jepascope.clips.clipset import ClipSet
from jepascope.clips.clutter import sample_clutter
from jepascope.clips.complex_source import ComplexSource
from jepascope.clips.drawn import generator, names_drawn, scenes_drawn
from jepascope.clips.entries import ClipSetEntry
from jepascope.clips.factors import direction_angle

DECLARED = ClipSetEntry(
    name="complex", order=3, meaning="clutter, camera motion", angles="eight", run="jepascope.clips.sets.complex:complex_scenes"
)


def complex_scenes(seed: int = 0, per_class: int = 50, frames: int = 16, size: int = 64) -> ClipSet:
    """The set 'complex': the objects and paths of directions8 over a moving texture, seen by a panning camera, with one or two grey
    distractors behind and a dark occluder in front, while the light changes (see ``clips.clutter``).

    The label is the main object's direction in the image; the camera's pan is not part of it. Factors of the clutter are
    independent of the object's and of each other.
    """
    names, rng = names_drawn("complex", per_class), generator("complex", seed)
    table = scenes_drawn(names, direction_angle(names), rng)
    return ClipSet("complex", pd.concat([table, sample_clutter(len(table), rng)], axis=1), ComplexSource(), frames, size)
