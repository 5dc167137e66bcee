"""Donors: where no twin can be rendered, another clip that shows another class takes its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int

from jepascope.clips.clipset import ClipSet
from jepascope.clips.drawn import STUDY_SEED_SPACE
from jepascope.errors import BadData
from jepascope.stats import clustered


def donor_rows(clips: ClipSet, variable: str, seed: int = 0) -> Int[np.ndarray, " clips"]:
    """For each clip the row of its donor: a clip of the same set, of a class drawn uniformly from the other ones that occur.

    A donor shows another scene where there is one of that class, and differs in everything that two scenes may differ in, not in the
    variable alone. Where scenes have several clips, the scenes that donors come from take turns. Raises BadData where all clips are of one
    class.
    """
    labels, names = clips.labels(variable)
    present = np.unique(labels)
    if len(present) < 2:
        raise BadData(
            f"All {len(clips)} clips of '{clips.name}' show {variable} '{names[present[0]]}'; a swap needs donors of another class. "
            "Take more test scenes, or labels that vary among them."
        )
    rng = np.random.default_rng([STUDY_SEED_SPACE, seed, 2])
    place = np.searchsorted(present, labels)
    target = present[(place + rng.integers(1, len(present), len(labels))) % len(present)]
    members, scenes = {label: np.flatnonzero(labels == label) for label in present}, clips.factors["scene"].to_numpy()
    return drawn_elsewhere([members[label] for label in target], scenes, rng)


def drawn_elsewhere(
    candidates: Sequence[Int[np.ndarray, " _"]], scenes: Int[np.ndarray, " clips"], rng: np.random.Generator
) -> Int[np.ndarray, " clips"]:
    """For each clip one of its candidate rows that shows another scene (see ``elsewhere``), drawn at random. Where scenes have several
    clips, of those scenes that have been drawn least so far: else the longest video would give most of what is taken."""
    several, drawn = clustered(scenes), Counter[int]()
    donors = np.empty(len(candidates), dtype=np.int64)
    for row, rows in enumerate(candidates):
        others = elsewhere(rows, row, scenes)
        if several:
            often = np.array([drawn[scene] for scene in scenes[others].tolist()])
            others = others[often == often.min()]
        donors[row] = rng.choice(others)
        drawn[int(scenes[donors[row]])] += 1
    return donors


def fewest_scenes(clips: ClipSet, variable: str) -> int:
    """Scenes of the class that occurs in fewest."""
    labels, scenes = clips.labels(variable)[0], clips.factors["scene"].to_numpy()
    return min(len(np.unique(scenes[labels == label])) for label in np.unique(labels))


def held_out_donors(
    labels: Int[np.ndarray, " clips"],
    scenes: Int[np.ndarray, " clips"],
    allowed: Callable[[int, int], bool],
    seed: int = 0,
) -> Int[np.ndarray, " clips"]:
    """For each clip the row of its donor, all clips of a scene taking from one other scene: who holds out a scene and what its clips take
    from holds out two. Of the scenes that are ``allowed`` (scene, donor's) and show another class than each of these clips do, one of those
    that have given least so far, drawn by the seed. -1 for clips of a scene that has none.
    """
    rng, given = np.random.default_rng([STUDY_SEED_SPACE, seed, 6]), Counter[int]()
    shown = {int(scene): np.flatnonzero(scenes == scene) for scene in np.unique(scenes)}
    donors = np.full(len(labels), -1, dtype=np.int64)
    for scene, rows in shown.items():
        able = [
            other
            for other, theirs in shown.items()
            if other != scene and all((labels[theirs] != labels[row]).any() for row in rows) and allowed(scene, other)
        ]
        if not able:
            continue
        least = min(given[other] for other in able)
        other = int(rng.choice([one for one in able if given[one] == least]))
        given[other] += 1
        for row in rows:
            donors[row] = rng.choice(shown[other][labels[shown[other]] != labels[row]])
    return donors


def elsewhere(rows: Int[np.ndarray, " rows"], row: int, scenes: Int[np.ndarray, " clips"]) -> Int[np.ndarray, " others"]:
    """Those of the rows that show another scene than ``row``; where all show the same one, those that are not the row itself."""
    others: np.ndarray = rows[scenes[rows] != scenes[row]]
    return others if len(others) else np.asarray(rows[rows != row])
