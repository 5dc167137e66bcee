"""Which clips are taken where there is no room for all: of as many scenes as can be, and as evenly of them as can be."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int, Shaped


def spread(
    scenes: Shaped[np.ndarray, " clips"],
    labels: Shaped[np.ndarray, " clips"],
    per_class: int,
    tiers: Int[np.ndarray, " clips"] | None = None,
    together: bool = False,
) -> Int[np.ndarray, " kept"]:
    """Rows of at most ``per_class`` clips of each class, in order.

    A class takes a clip of every scene that shows it, then a second of each, and so on; of lower ``tiers`` first. For the last of these
    rounds there may be room for some scenes alone. Then classes take from different scenes, so that over all classes scenes give as evenly
    as they can: no choice with the same whole rounds has a smaller sum of squared counts, and so none has more scenes (what is least in
    squares is least in every convex measure of the counts: Veinott 1971, least d-majorized flows). Where every scene has its classes in
    the lowest tier no choice of so many clips of each class has more scenes, either.

    ``together``: classes take from the same scenes instead, so that no class goes along with a scene that could show all of them. Of the
    clips of one scene, class and tier the middle one comes first, and the first few are spread over all. Where every clip is a scene of
    its own, the first ``per_class`` of each class are kept.
    """
    scene, classes = pd.factorize(scenes)[0], pd.factorize(labels)[0]
    table = pd.DataFrame({"scene": scene, "label": classes, "tier": 0 if tiers is None else tiers})
    by = table.groupby(["scene", "label", "tier"])
    table["turn"] = [turns(size)[place] for place, size in zip(by.cumcount(), by["scene"].transform("size"), strict=True)]
    table = table.sort_values(["tier", "turn"], kind="stable")
    kept: list[int] = []
    rounds: list[pd.DataFrame] = []  # of each class the round of which some are taken, one row a scene
    room: list[int] = []
    for _, rows in table.groupby("label"):
        if len(rows) <= per_class:
            kept += rows.index.tolist()
            continue
        last = rows.iloc[per_class]  # the first that has no place, wherever its round began
        begun = (rows["tier"] == last["tier"]) & (rows["turn"] == last["turn"])
        whole = int(begun.to_numpy().argmax())
        kept += rows.index[:whole].tolist()
        rounds.append(rows[begun])
        room.append(per_class - whole)
    counts = np.bincount(scene[np.array(kept, dtype=np.int64)], minlength=scene.max(initial=-1) + 1)
    asked = [rows["scene"].to_numpy() for rows in rounds]
    given = [one[:many] for one, many in zip(asked, room, strict=True)] if together else _evenly(asked, room, counts)
    for rows, some in zip(rounds, given, strict=True):
        kept += rows.index[rows["scene"].isin(some)].tolist()
    return np.array(sorted(kept), dtype=np.int64)


@lru_cache(maxsize=256)
def turns(count: int) -> tuple[int, ...]:
    """When each of ``count`` places in a row has its turn, so that those of the first few turns are spread over the row: the middle comes
    first, then the quarters, the eighths, and so on."""
    order: dict[int, None] = {}
    parts = 1
    while len(order) < count:
        order.update(dict.fromkeys((2 * part + 1) * count // (2 * parts) for part in range(parts)))
        parts *= 2
    turn = dict(zip(order, range(count), strict=True))
    return tuple(turn[place] for place in range(count))


def _evenly(asked: list[np.ndarray], room: list[int], counts: Int[np.ndarray, " scenes"]) -> list[np.ndarray]:
    """Which scenes each class takes one clip of, out of those that it has ``asked``: as many as it has ``room`` for, so that the sum of
    squared ``counts`` (of what scenes have given already) becomes as small as it can."""
    counts = counts.copy()
    given: list[np.ndarray] = []
    for scenes, many in zip(asked, room, strict=True):
        given.append(scenes[np.argsort(counts[scenes], kind="stable")[:many]])
        counts[given[-1]] += 1
    if len({*np.concatenate(asked).tolist()} if asked else ()) == sum(map(len, asked)):
        return given  # no scene shows two of the classes: each has taken from those that had given least
    can, does = (np.zeros((len(counts), len(asked)), dtype=bool) for _ in range(2))
    for label, (scenes, some) in enumerate(zip(asked, given, strict=True)):
        can[scenes, label] = does[some, label] = True
    while _moved(can, does, counts):
        pass
    return [np.flatnonzero(does[:, label]) for label in range(len(asked))]


def _moved(can: Bool[np.ndarray, "scenes classes"], does: Bool[np.ndarray, "scenes classes"], counts: Int[np.ndarray, " scenes"]) -> bool:
    """Moves clips along one chain of classes from a scene to another that gives two fewer at least, if there is such a chain: where there
    is none, the counts are as even as they can be (no negative cycle is left in the flow)."""
    hopeless = np.zeros(len(counts), dtype=bool)
    for first in np.argsort(-counts, kind="stable"):
        if hopeless[first] or not does[first].any():
            continue
        giver = np.full(can.shape[1], -1)  # of each class the scene on the chain that would give one clip fewer of it
        through = np.full(len(counts), -1)  # of each scene the class that the chain reaches it by
        reached, frontier = np.zeros(len(counts), dtype=bool), np.array([first])
        reached[first] = True
        while len(frontier):
            for label in np.flatnonzero(does[frontier].any(axis=0) & (giver < 0)):
                giver[label] = frontier[does[frontier, label].argmax()]
            fresh = []
            for label in np.unique(np.flatnonzero(giver >= 0)):
                others = np.flatnonzero(can[:, label] & ~does[:, label] & ~reached)
                through[others], reached[others] = label, True
                fresh.append(others)
            frontier = np.concatenate(fresh) if fresh else np.array([], dtype=np.int64)
            if len(frontier) and counts[last := frontier[counts[frontier].argmin()]] <= counts[first] - 2:
                counts[first] -= 1
                counts[last] += 1
                while last != first:
                    label = through[last]
                    does[last, label], does[giver[label], label] = True, False
                    last = giver[label]
                return True
        hopeless |= reached
    return False
