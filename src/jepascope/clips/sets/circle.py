"""circle: directions anywhere."""

from __future__ import annotations

from jepascope.clips.clipset import ClipSet
from jepascope.clips.drawn import generator, names_drawn, scenes_drawn
from jepascope.clips.entries import ClipSetEntry
from jepascope.clips.factors import angle_within, direction_angle
from jepascope.clips.procedural import ProceduralSource

DECLARED = ClipSetEntry(name="circle", order=2, meaning="any angle", angles="any")


def circle(seed: int = 0, per_class: int = 50, frames: int = 16, size: int = 64) -> ClipSet:
    """Directions anywhere on the circle: as directions8, with angles uniform within the 45 degrees around each direction.

    The class of a clip is its nearest direction; twins of another class keep their place within it.
    """
    names, rng = names_drawn("circle", per_class), generator("circle", seed)
    return ClipSet("circle", scenes_drawn(names, angle_within(direction_angle(names), rng), rng), ProceduralSource(), frames, size)
