"""What a complex scene holds beside its main object: moving texture, a panning camera, distractors, an occluder, changing light.

Every factor is drawn independently of all others, those of the main object included, and has a column of its own. An angle and
a speed (frame sides a clip) make a motion. Own motions of background and distractors are those before the camera's: the pan comes
on top, for them and the occluder alike. The main object's path is its path in the image, whatever the camera does: that is
the motion that its label names.

The main object is told apart by one rule: it alone has colour, and it is larger than any distractor.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from jepascope.clips.factors import SCENE, Factor, any_angle, any_shape, drawn, opposite, uniform
from jepascope.clips.ranges import POSITION_RANGE, SPEED_RANGE

WAVES = 3  # of the background's texture
DISTRACTORS = 2  # at most
LIGHTING_RANGE = (-0.3, 0.3)
DISTRACTOR_BOX = (0.15, 0.85)  # of a distractor's midpoint

MOTIONS = ("drift", "pan", *(f"distractor{i + 1}" for i in range(DISTRACTORS)))
"""Each has columns ``..._angle`` and ``..._speed``."""


def _each(name: str, count: int, factors: dict[str, Factor]) -> dict[str, Factor]:
    return {f"{name}{i + 1}_{column}": factor for i in range(count) for column, factor in factors.items()}


CLUTTER = {
    "texture": Factor("amplitude of each of the background's waves (intensity)", uniform(0.02, 0.05)),
    **_each(
        "wave",
        WAVES,
        {
            "angle": Factor("of the wave vector (radians)", any_angle),
            "frequency": Factor("of the wave (cycles a frame side)", uniform(1.0, 4.0)),
            "phase": Factor("of the wave in the middle of the clip (radians)", uniform(0, 2 * np.pi)),
        },
    ),
    "drift_angle": Factor("of the texture's own motion; the pan comes on top (radians)", any_angle),
    "drift_speed": Factor("of the texture's own motion (frame sides a clip)", uniform(0.0, 0.2)),
    "pan_angle": Factor("of the camera's pan, which carries all but the main object (radians)", any_angle),
    "pan_speed": Factor("how far it carries them (frame sides a clip)", uniform(0.0, 0.15)),
    "distractors": Factor("how many are shown", lambda count, rng: rng.integers(1, DISTRACTORS + 1, count)),
    **_each(
        "distractor",
        DISTRACTORS,
        {
            "x": Factor("middle of its path, from the left (frame sides)", uniform(*DISTRACTOR_BOX)),
            "y": Factor("middle of its path, from the top (frame sides)", uniform(*DISTRACTOR_BOX)),
            "angle": Factor("of its own motion; the pan comes on top (radians)", any_angle),
            "speed": Factor("of its own motion (frame sides a clip)", uniform(*SPEED_RANGE)),
            # its range ends well below the smallest main object's
            "size": Factor("radius of the disc of its area (frame sides)", uniform(0.03, 0.05)),
            "shape": Factor("its outline", any_shape),
            # lighter than any background, about as light as main objects
            "grey": Factor("its grey (intensity)", uniform(0.55, 0.8)),
        },
    ),
    "occluder_x": Factor("in the middle of the clip, from the left (frame sides)", uniform(*POSITION_RANGE)),
    "occluder_y": Factor("in the middle of the clip, from the top (frame sides)", uniform(*POSITION_RANGE)),
    "occluder_size": Factor("radius of the disc of its area (frame sides)", uniform(0.05, 0.08)),
    "occluder_shape": Factor("its outline", any_shape),
    "occluder_grey": Factor("its grey (intensity)", uniform(0.05, 0.15)),  # darker than any background
    "lighting": Factor("gain at the end less gain at the beginning (1 in the middle)", uniform(*LIGHTING_RANGE)),
}

MEANINGS = {name: factor.meaning for name, factor in {**SCENE, **CLUTTER}.items()}
"""What the columns of a factor table say, with their units. Angles are counter-clockwise on the screen, from the right (E)."""


def sample_clutter(count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Factors of ``count`` scenes' clutter. Those of the second distractor are drawn for all, and shown where ``distractors`` is 2.

    The occluder's midpoint is uniform over the box of the main object's: near its path, not at it, so that it tells neither where
    the object is nor where it goes. On about half of the clips it covers a part of the path.
    """
    return pd.DataFrame(drawn(CLUTTER, count, rng))


def played_backwards(factors: pd.DataFrame) -> dict[str, np.ndarray]:
    """What of the clutter changes when a clip is played backwards: every motion turns round, and light grows where it fell.

    Empty for scenes without clutter.
    """
    turned = {name: opposite(factors[name].to_numpy()) for name in (f"{motion}_angle" for motion in MOTIONS) if name in factors}
    return turned | ({"lighting": -factors["lighting"].to_numpy()} if "lighting" in factors else {})
