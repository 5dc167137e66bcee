"""Clip sets by name, and counterfactual twins of their clips."""

from __future__ import annotations

import numpy as np

from jepascope.clips.classes import changed
from jepascope.clips.clipset import ClipSet
from jepascope.clips.clutter import played_backwards
from jepascope.clips.donors import donor_rows
from jepascope.clips.drawn import STUDY_SEED_SPACE, checked_seed
from jepascope.clips.entries import CLIP_SETS
from jepascope.clips.sets.circle import circle as circle
from jepascope.clips.sets.complex import complex_scenes as complex_scenes
from jepascope.clips.sets.directions8 import directions8 as directions8
from jepascope.errors import BadArgument

TWIN = "twin_"
PRESETS = {name: CLIP_SETS.load(name) for name in CLIP_SETS.own}


def partners(clips: ClipSet, variable: str, seed: int, donor: str) -> ClipSet:
    """What swaps take from, clip by clip: twins, or for ``donor`` "class" clips of another class among these."""
    return clips.select(donor_rows(clips, variable, seed)) if donor == "class" else twins(clips, variable, seed)


def twins(clips: ClipSet, variable: str = "direction", seed: int = 0) -> ClipSet:
    """Counterfactual twins, clip by clip: the same scene with another value of one variable, all else identical.

    Its class is drawn uniformly from the remaining ones; what else the value is, says ``changed``. Of clips that came with twins (columns
    ``twin_NAME`` hold what the twin has in place of ``NAME``) it is these. Raises BadArgument for a variable that cannot be rendered.
    """
    if clips.variable(variable).rendered and (given := twins_given(clips)):
        return clips.with_factors(f"{clips.name}-twins", **given)
    labels, names = clips.labels(variable)
    rng = np.random.default_rng([STUDY_SEED_SPACE, checked_seed(seed), 1])
    other = (labels + rng.integers(1, len(names), len(labels))) % len(names)
    return clips.with_factors(f"{clips.name}-twins", **changed(clips.factors, clips.variable(variable), other, rng))


def twins_given(clips: ClipSet) -> dict[str, np.ndarray]:
    """Columns of the twins that the clips came with."""
    table = clips.factors
    return {name.removeprefix(TWIN): table[name].to_numpy() for name in map(str, table) if name.startswith(TWIN)}


def reverse_twins(clips: ClipSet) -> ClipSet:
    """The same frames in the opposite order: the same positions, the opposite direction. The cleanest pair there is.

    All that moves or changes with time goes backwards, and the columns say so: they are true of the twin as it is shown.
    """
    labels, names = clips.labels("direction")
    opposite = (labels + len(names) // 2) % len(names)
    flipped = ~clips.factors["reversed"].to_numpy()
    there = changed(clips.factors, clips.variable("direction"), opposite, np.random.default_rng(0))  # a direction draws nothing
    return clips.with_factors(f"{clips.name}-reversed", **there, **played_backwards(clips.factors), reversed=flipped)


def preset(name: str, seed: int = 0, **sizes: int) -> ClipSet:
    """A clip set by name, of ours, of an installed package, or by the path of its code (``package.module:function``).

    BadArgument that lists the names where there is none, and that names the clip set where its code fails.
    """
    with CLIP_SETS.blamed(name):
        clips = CLIP_SETS.load(name)(seed=seed, **sizes)
    if not isinstance(clips, ClipSet):
        raise BadArgument(f"clip set '{name}': its function returned a {type(clips).__name__}, not a ClipSet.")
    return clips
