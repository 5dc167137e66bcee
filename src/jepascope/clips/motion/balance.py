"""Equally many clips of every direction, from whatever directions videos happen to have: by turning, mirroring and reversing clips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd

from jepascope.clips.factors import nearest_direction
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.spread import spread
from jepascope.clips.video.dihedral import COLUMNS, VIEWS, View, shown_angle
from jepascope.clips.video.windows import middles
from jepascope.errors import BadData

Kind = tuple[str, ...]
"""Directions that views turn into one another: E, N, W and S, or the four diagonals."""


def balanced(factors: pd.DataFrame, per_source: int, quarter_turns: bool, seed: int, views_each: int) -> pd.DataFrame:
    """A factor table with equally many clips of each direction in each split.

    Each window that is taken is shown in every direction that it can be turned to. Several views lead there (see
    ``clips.video.dihedral``), half of them mirrored and half of them backwards; ``views_each`` of them are drawn (there are four, or two
    without quarter turns), so that neither tells the direction.
    Right-angled turns lead from E, N, W and S to one another, and so for the four diagonals: of each kind equally many windows are
    taken. A kind that is missing from the videos of a split is left out of all. At most ``per_source`` windows of a kind come from one
    video, spread over it.

    With ``quarter_turns``, a clip on its side is likelier in the directions that the videos lack: whoever sees which side is up could
    guess the axis, though never which way along it. Without, none is on its side, and E and W, N and S, and the diagonals are three
    kinds.

    ``factors`` has columns source, split, angle (radians) and those of the views, none of them applied yet.
    """
    rng = np.random.default_rng(seed)
    views = [view for view in VIEWS if quarter_turns or view.turns % 2 == 0]
    reached = [_reached(float(angle), views) for angle in factors["angle"]]
    drawn: list[tuple[int, View]] = []
    for rows in _even(factors, reached, per_source, rng):
        for row in rows:
            for name in DIRECTION_NAMES:
                if some := reached[row].get(name):
                    drawn += [(row, views[number]) for number in rng.choice(some, min(views_each, len(some)), replace=False)]
    table = factors.iloc[[row for row, _ in drawn]].reset_index(drop=True)
    shown = {column: np.array([getattr(view, column) for _, view in drawn]) for column in COLUMNS}
    angle = shown_angle(table["angle"].to_numpy(np.float64), shown["flipped"], shown["turns"], shown["reversed"])
    return table.assign(**shown, angle=angle, direction=nearest_direction(angle))


def _reached(angle: float, views: Sequence[View]) -> dict[str, list[int]]:
    """Each direction that views turn an angle (radians) to, with those views."""
    flipped, turns, backwards = (np.array([getattr(view, column) for view in views]) for column in COLUMNS)
    names = nearest_direction(shown_angle(np.full(len(views), angle), flipped, turns, backwards))
    return {str(name): np.flatnonzero(names == name).tolist() for name in np.unique(names)}


def _even(factors: pd.DataFrame, reached: Sequence[dict[str, list[int]]], per_source: int, rng: np.random.Generator) -> list[list[int]]:
    """Rows of each split: equally many of every kind that all splits have."""
    sources = factors["source"].astype(str).to_numpy()
    rows: dict[str, dict[Kind, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, (split, names) in enumerate(zip(factors["split"], reached, strict=True)):
        rows[split][tuple(sorted(names))].append(row)
    kinds = sorted(set.intersection(*(set(held) for held in rows.values()))) if rows else []
    if not kinds:
        raise BadData("No kind of direction occurs in the videos of every split, so that classes cannot be balanced; add videos.")
    even: list[list[int]] = []
    recordings = np.unique(sources)
    turn = dict(zip(recordings.tolist(), rng.permutation(len(recordings)).tolist(), strict=True))
    for held in rows.values():
        some = [(row, kind) for kind in range(len(kinds)) for row in _of_each_source(held[kinds[kind]], sources, per_source)]
        some.sort(key=lambda pair: turn[str(sources[pair[0]])])
        chosen, of_kind = np.array(some, dtype=np.int64).T
        even.append(sorted(chosen[spread(sources[chosen], of_kind, int(np.bincount(of_kind).min()))].tolist()))
    return even


def _of_each_source(rows: Sequence[int], sources: np.ndarray, per_source: int) -> list[int]:
    """At most so many rows of each source, spread over it."""
    by_source: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_source[str(sources[row])].append(row)
    return [group[place] for group in by_source.values() for place in middles(len(group), per_source)]
