"""Clip sets by name."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import pandas as pd

from jepascope.clips.classes import changed
from jepascope.clips.clipset import ClipSet
from jepascope.clips.clutter import played_backwards, sample_clutter
from jepascope.clips.complex_source import ComplexSource
from jepascope.clips.factors import angle_within, direction_angle, sample_factors
from jepascope.clips.procedural import ProceduralSource
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.errors import BadArgument

SPLIT_SHARES = {"fit": 0.5, "judge": 0.3, "test": 0.2}
STUDY_SEED_SPACE = 0x5CE9E  # mixed into every study seed; training draws from another space, so the two never meet


def _splits(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Split names, the same share of every class in each."""
    out = np.empty(len(labels), dtype=object)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        first = round(SPLIT_SHARES["fit"] * len(rows))
        second = first + round(SPLIT_SHARES["judge"] * len(rows))
        out[rows[:first]], out[rows[first:second]], out[rows[second:]] = "fit", "judge", "test"
    return out


def _names(preset: str, per_class: int) -> np.ndarray:
    """The direction of every clip."""
    if per_class < 5:
        raise BadArgument(f"{preset} needs at least 5 clips per direction to fill three splits, not {per_class}.")
    return np.repeat(np.array(DIRECTION_NAMES), per_class)


def _generator(preset: str, seed: int) -> np.random.Generator:
    """A set's own random numbers: sets of one seed share no scene. (directions8 came first and has the bare seed.)"""
    return np.random.default_rng([zlib.crc32(preset.encode()), STUDY_SEED_SPACE, _checked(seed)])


def _checked(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise BadArgument(f"A seed is a whole number of at least 0, not {seed!r}.")
    return int(seed)


def _scenes(names: np.ndarray, angles: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """The main object's factors; every clip is a scene of its own."""
    table = sample_factors(angles, rng)
    table["direction"] = names
    table.insert(0, "scene", np.arange(len(table)))
    table.insert(1, "split", _splits(names, rng))
    return table


def directions8(seed: int = 0, per_class: int = 50, frames: int = 16, size: int = 64) -> ClipSet:
    """The paper's stimuli: 8 directions x 50 clips, one moving object each, every other factor drawn independently.

    Splits: half of each direction's clips fit, 0.3 judge, 0.2 test; every clip is a scene of its own.
    """
    names = _names("directions8", per_class)
    rng = np.random.default_rng([STUDY_SEED_SPACE, _checked(seed)])
    return ClipSet("directions8", _scenes(names, direction_angle(names), rng), ProceduralSource(), frames, size)


def circle(seed: int = 0, per_class: int = 50, frames: int = 16, size: int = 64) -> ClipSet:
    """Directions anywhere on the circle: as directions8, with angles uniform within the 45 degrees around each direction.

    The class of a clip is its nearest direction; twins of another class keep their place within it.
    """
    names, rng = _names("circle", per_class), _generator("circle", seed)
    return ClipSet("circle", _scenes(names, angle_within(direction_angle(names), rng), rng), ProceduralSource(), frames, size)


def complex_scenes(seed: int = 0, per_class: int = 50, frames: int = 16, size: int = 64) -> ClipSet:
    """The set 'complex': the objects and paths of directions8 over a moving texture, seen by a panning camera, with one or two grey
    distractors behind and a dark occluder in front, while the light changes (see ``clips.clutter``).

    The label is the main object's direction in the image; the camera's pan is not part of it. Factors of the clutter are
    independent of the object's and of each other.
    """
    names, rng = _names("complex", per_class), _generator("complex", seed)
    table = _scenes(names, direction_angle(names), rng)
    return ClipSet("complex", pd.concat([table, sample_clutter(len(table), rng)], axis=1), ComplexSource(), frames, size)


def twins(clips: ClipSet, variable: str = "direction", seed: int = 0) -> ClipSet:
    """Counterfactual twins, clip by clip: the same scene with another value of one variable, all else identical.

    Its class is drawn uniformly from the remaining ones; what else the value is, says ``changed``. Raises BadArgument for a
    variable that cannot be rendered.
    """
    labels, names = clips.labels(variable)
    rng = np.random.default_rng([STUDY_SEED_SPACE, _checked(seed), 1])
    other = (labels + rng.integers(1, len(names), len(labels))) % len(names)
    return clips.with_factors(f"{clips.name}-twins", **changed(clips.factors, clips.variable(variable), other, rng))


def reverse_twins(clips: ClipSet) -> ClipSet:
    """The same frames in the opposite order: the same positions, the opposite direction. The cleanest pair there is.

    All that moves or changes with time goes backwards, and the columns say so: they are true of the twin as it is shown.
    """
    labels, names = clips.labels("direction")
    opposite = (labels + len(names) // 2) % len(names)
    flipped = ~clips.factors["reversed"].to_numpy()
    there = changed(clips.factors, clips.variable("direction"), opposite, np.random.default_rng(0))  # a direction draws nothing
    return clips.with_factors(f"{clips.name}-reversed", **there, **played_backwards(clips.factors), reversed=flipped)


PRESETS: dict[str, Callable[..., ClipSet]] = {"directions8": directions8, "circle": circle, "complex": complex_scenes}


def preset(name: str, seed: int = 0, **sizes: int) -> ClipSet:
    """A clip set by name, or BadArgument that lists the names."""
    if name not in PRESETS:
        raise BadArgument(f"There is no clip set '{name}'; known are {', '.join(PRESETS)}.")
    return PRESETS[name](seed=seed, **sizes)
