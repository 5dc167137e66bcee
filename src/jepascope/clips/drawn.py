"""How the clip sets draw their scenes: directions, splits, random numbers of their own, the main object's factors."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd

from jepascope.clips.factors import sample_factors
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.errors import BadArgument

SPLIT_SHARES = {"fit": 0.5, "judge": 0.3, "test": 0.2}
FEWEST = {"fit": 4, "judge": 2}  # clips of a class: to cross-validate in, and fit's halves by themselves
STUDY_SEED_SPACE = 0x5CE9E  # mixed into every study seed; training draws from another space, so the two never meet


def fewest_units(fewest: int, several: bool) -> int:
    """How many clips of a class a split needs, or how many scenes where ``several`` clips show one: what is folded and halved is scenes."""
    return min(fewest, 2) if several else fewest


def splits_of(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Split names, the same share of every class in each."""
    out = np.empty(len(labels), dtype=object)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        first = round(SPLIT_SHARES["fit"] * len(rows))
        second = first + round(SPLIT_SHARES["judge"] * len(rows))
        out[rows[:first]], out[rows[first:second]], out[rows[second:]] = "fit", "judge", "test"
    return out


def names_drawn(preset: str, per_class: int) -> np.ndarray:
    """The direction of every clip."""
    if per_class < 5:
        raise BadArgument(f"{preset} needs at least 5 clips per direction to fill three splits, not {per_class}.")
    return np.repeat(np.array(DIRECTION_NAMES), per_class)


def generator(preset: str, seed: int) -> np.random.Generator:
    """A set's own random numbers: sets of one seed share no scene. (directions8 came first and has the bare seed.)"""
    return np.random.default_rng([zlib.crc32(preset.encode()), STUDY_SEED_SPACE, checked_seed(seed)])


def checked_seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise BadArgument(f"A seed is a whole number of at least 0, not {seed!r}.")
    return int(seed)


def scenes_drawn(names: np.ndarray, angles: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """The main object's factors; every clip is a scene of its own."""
    table = sample_factors(angles, rng)
    table["direction"] = names
    table.insert(0, "scene", np.arange(len(table)))
    table.insert(1, "split", splits_of(names, rng))
    return table
