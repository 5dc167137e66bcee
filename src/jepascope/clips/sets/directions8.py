"""directions8: the paper's stimuli."""

from __future__ import annotations

import numpy as np

from jepascope.clips.clipset import ClipSet
from jepascope.clips.drawn import STUDY_SEED_SPACE, checked_seed, names_drawn, scenes_drawn
from jepascope.clips.entries import ClipSetEntry
from jepascope.clips.factors import direction_angle
from jepascope.clips.procedural import ProceduralSource

DECLARED = ClipSetEntry(name="directions8", order=1, meaning="one object that moves in one of eight directions", angles="eight")


def directions8(seed: int = 0, per_class: int = 50, frames: int = 16, size: int = 64) -> ClipSet:
    """The paper's stimuli: 8 directions x 50 clips, one moving object each, every other factor drawn independently.

    Splits: half of each direction's clips fit, 0.3 judge, 0.2 test; every clip is a scene of its own.
    """
    names = names_drawn("directions8", per_class)
    rng = np.random.default_rng([STUDY_SEED_SPACE, checked_seed(seed)])
    return ClipSet("directions8", scenes_drawn(names, direction_angle(names), rng), ProceduralSource(), frames, size)
