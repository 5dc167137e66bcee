"""Splits of real clips: whole sources, so that no video is seen in two of them, with every class as evenly spread as that allows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64, Int

from jepascope.clips.drawn import SPLIT_SHARES, STUDY_SEED_SPACE
from jepascope.clips.spread import spread
from jepascope.errors import BadData

SWEEPS = 20  # over all sources, at most
STARTS = 4  # orders in which sources are dealt out; the most even outcome is kept
SWAPPED = 200  # sources, beyond which moves alone are tried: with many small ones swaps add nothing

Counts = Int[np.ndarray, "splits classes"]


def split_sources(
    sources: np.ndarray, labels: Int[np.ndarray, " clips"], seed: int = 0, shares: Mapping[str, float] = SPLIT_SHARES
) -> np.ndarray:
    """The split of each clip: half of each class in fit, 0.3 in judge and 0.2 in test (or other ``shares``, of some splits or all), as
    nearly as whole sources can be dealt out.

    The sum of (n - wanted)^2 / wanted over splits and classes is made small, from several starts, by moving and swapping sources.
    The same for the same sources, labels and seed. Raises BadData for fewer sources than there are shares.
    """
    names, index = np.unique(sources, return_inverse=True)
    if len(names) < len(shares):
        raise BadData(
            f"Clips of {len(names)} video(s) cannot be split: {', '.join(shares)} each need a video of their own. Add videos; pieces of "
            "one recording do not do, because a read-out would know the place."
        )
    counts = np.zeros((len(names), int(labels.max()) + 1))
    np.add.at(counts, (index, labels), 1)
    wanted = np.array(list(shares.values()))[:, None] * counts.sum(axis=0)
    scale = 1 / np.maximum(wanted, 1e-12)
    rng = np.random.default_rng([STUDY_SEED_SPACE, seed, 3])
    dealt = [_dealt(counts, wanted, scale, rng) for _ in range(STARTS if len(names) <= SWAPPED else 1)]
    best = min(dealt, key=lambda outcome: outcome[0])[1]
    split: np.ndarray = np.array(list(shares), dtype=object)[best[index]]
    return split


def _dealt(
    counts: Float64[np.ndarray, "sources classes"],
    wanted: Float64[np.ndarray, "splits classes"],
    scale: Float64[np.ndarray, "splits classes"],
    rng: np.random.Generator,
) -> tuple[float, Int[np.ndarray, " sources"]]:
    """Largest sources first, each to where it fits best; then single moves and swaps for as long as they help."""
    order = rng.permutation(len(counts))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    place = np.full(len(counts), -1, dtype=np.int64)
    missing = wanted.copy()  # what each split still wants of each class; negative where it has too much
    for source in order:
        # change of sum(missing^2 / wanted) when the source is put there
        gain = ((missing - counts[source]) ** 2 * scale - missing**2 * scale).sum(axis=1)
        place[source] = int(gain.argmin())
        missing[place[source]] -= counts[source]
    for empty in set(range(len(wanted))) - set(place.tolist()):  # few sources: every split has one
        donors = [donor for donor in order if (place == place[donor]).sum() > 1]
        source = min(donors, key=lambda donor: counts[donor].sum())
        missing[place[source]] += counts[source]
        place[source] = empty
        missing[empty] -= counts[source]
    for _ in range(SWEEPS):
        moved = _sweep(order, counts, scale, place, missing)
        if len(counts) <= SWAPPED:
            moved |= _swap(order, counts, scale, place, missing)
        if not moved:
            break
    return float((missing**2 * scale).sum()), place


def _sweep(order: np.ndarray, counts: np.ndarray, scale: np.ndarray, place: np.ndarray, missing: np.ndarray) -> bool:
    moved, sizes = False, np.bincount(place, minlength=len(missing))
    for source in order:
        here = place[source]
        if sizes[here] == 1:
            continue
        without = missing.copy()
        without[here] += counts[source]
        gain = ((without - counts[source]) ** 2 * scale - without**2 * scale).sum(axis=1)
        there = int(gain.argmin())
        if gain[there] < gain[here] - 1e-9:
            place[source], moved = there, True
            sizes[here] -= 1
            sizes[there] += 1
            without[there] -= counts[source]
            missing[:] = without
    return moved


def _swap(order: np.ndarray, counts: np.ndarray, scale: np.ndarray, place: np.ndarray, missing: np.ndarray) -> bool:
    moved = False
    for a in order:
        others = np.flatnonzero(place != place[a])
        if not len(others):
            continue
        step = counts[a] - counts[others]  # what a's split gains in room by the swap, and the other's loses
        here, there = missing[place[a]], missing[place[others]]
        change = ((here + step) ** 2 - here**2) @ scale[place[a]] + (((there - step) ** 2 - there**2) * scale[place[others]]).sum(axis=1)
        best = int(change.argmin())
        if change[best] < -1e-9:
            b = others[best]
            missing[place[a]] += step[best]
            missing[place[b]] -= step[best]
            place[a], place[b] = place[b], place[a]
            moved = True
    return moved


def at_most(sources: np.ndarray, labels: Int[np.ndarray, " clips"], per_class: int, seed: int = 0) -> Int[np.ndarray, " kept"]:
    """Rows of at most so many clips of each class, in order, drawn at random from as many sources as can be (see ``clips.spread``)."""
    shuffled = np.random.default_rng([STUDY_SEED_SPACE, seed, 4]).permutation(len(labels))
    return np.sort(shuffled[spread(sources[shuffled], labels[shuffled], per_class)])
