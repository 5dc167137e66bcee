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

from jepascope.clips.factors import any_angle, opposite
from jepascope.clips.ranges import POSITION_RANGE, SHAPES, SPEED_RANGE

WAVES = 3  # of the background's texture
DISTRACTORS = 2  # at most

TEXTURE_RANGE = (0.02, 0.05)  # amplitude of each wave, in units of intensity
FREQUENCY_RANGE = (1.0, 4.0)  # cycles a frame side
DRIFT_RANGE = (0.0, 0.2)  # frame sides a clip
PAN_RANGE = (0.0, 0.15)
DISTRACTOR_SIZE_RANGE = (0.03, 0.05)  # ends well below the smallest main object's
DISTRACTOR_GREY_RANGE = (0.55, 0.8)  # lighter than any background, about as light as main objects
DISTRACTOR_BOX = (0.15, 0.85)  # of a distractor's midpoint
OCCLUDER_SIZE_RANGE = (0.05, 0.08)
OCCLUDER_GREY_RANGE = (0.05, 0.15)  # darker than any background
LIGHTING_RANGE = (-0.3, 0.3)  # gain at the clip's end less gain at its beginning; 1 in the middle

MOTIONS = ("drift", "pan", *(f"distractor{i + 1}" for i in range(DISTRACTORS)))
"""Each has columns ``..._angle`` and ``..._speed``."""


def sample_clutter(count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Factors of ``count`` scenes' clutter. Those of the second distractor are drawn for all, and shown where ``distractors`` is 2.

    The occluder's midpoint is uniform over the box of the main object's: near its path, not at it, so that it tells neither where
    the object is nor where it goes. On about half of the clips it covers a part of the path.
    """
    columns: dict[str, np.ndarray] = {"texture": rng.uniform(*TEXTURE_RANGE, count)}
    for wave in (f"wave{i + 1}" for i in range(WAVES)):
        columns[f"{wave}_angle"] = any_angle(count, rng)
        columns[f"{wave}_frequency"] = rng.uniform(*FREQUENCY_RANGE, count)
        columns[f"{wave}_phase"] = rng.uniform(0, 2 * np.pi, count)
    for motion, speeds in (("drift", DRIFT_RANGE), ("pan", PAN_RANGE)):
        columns[f"{motion}_angle"] = any_angle(count, rng)
        columns[f"{motion}_speed"] = rng.uniform(*speeds, count)
    columns["distractors"] = rng.integers(1, DISTRACTORS + 1, count)
    for name in (f"distractor{i + 1}" for i in range(DISTRACTORS)):
        columns[f"{name}_x"] = rng.uniform(*DISTRACTOR_BOX, count)
        columns[f"{name}_y"] = rng.uniform(*DISTRACTOR_BOX, count)
        columns[f"{name}_angle"] = any_angle(count, rng)
        columns[f"{name}_speed"] = rng.uniform(*SPEED_RANGE, count)
        columns[f"{name}_size"] = rng.uniform(*DISTRACTOR_SIZE_RANGE, count)
        columns[f"{name}_shape"] = rng.choice(SHAPES, count)
        columns[f"{name}_grey"] = rng.uniform(*DISTRACTOR_GREY_RANGE, count)
    columns["occluder_x"] = rng.uniform(*POSITION_RANGE, count)
    columns["occluder_y"] = rng.uniform(*POSITION_RANGE, count)
    columns["occluder_size"] = rng.uniform(*OCCLUDER_SIZE_RANGE, count)
    columns["occluder_shape"] = rng.choice(SHAPES, count)
    columns["occluder_grey"] = rng.uniform(*OCCLUDER_GREY_RANGE, count)
    columns["lighting"] = rng.uniform(*LIGHTING_RANGE, count)
    return pd.DataFrame(columns)


def played_backwards(factors: pd.DataFrame) -> dict[str, np.ndarray]:
    """What of the clutter changes when a clip is played backwards: every motion turns round, and light grows where it fell.

    Empty for scenes without clutter.
    """
    turned = {name: opposite(factors[name].to_numpy()) for name in (f"{motion}_angle" for motion in MOTIONS) if name in factors}
    return turned | ({"lighting": -factors["lighting"].to_numpy()} if "lighting" in factors else {})
