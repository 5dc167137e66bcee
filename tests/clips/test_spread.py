"""Clips that are taken where there is no room for all: of as many scenes as can be, as evenly as can be, equally many of each class."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from jepascope.clips.presets import preset
from jepascope.clips.spread import spread, turns

CLIPS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 3)), min_size=1, max_size=60)
ROOM = st.integers(1, 6)


def columns(clips: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    scenes, labels = np.array(clips).T
    return scenes, labels


def most_scenes(scenes: np.ndarray, labels: np.ndarray, per_class: int) -> int:
    """Of all choices of so many clips of each class the most scenes: a largest matching of scenes and the places of classes."""
    classes = np.unique(labels)
    shows = np.array(
        [[(labels[scenes == scene] == label).any() for label in classes for _ in range(per_class)] for scene in np.unique(scenes)]
    )
    return int((maximum_bipartite_matching(csr_matrix(shows), perm_type="column") >= 0).sum())


@given(CLIPS, ROOM)
@settings(max_examples=60)
def test_as_many_scenes_are_taken_as_so_many_clips_of_each_class_can_be_of(clips: list[tuple[int, int]], per_class: int) -> None:
    scenes, labels = columns(clips)
    rows = spread(scenes, labels, per_class)
    assert (np.bincount(labels[rows], minlength=4) == np.minimum(np.bincount(labels, minlength=4), per_class)).all()
    assert len(np.unique(scenes[rows])) == most_scenes(scenes, labels, per_class)
    assert (rows == np.unique(rows)).all() and (rows == spread(scenes, labels, per_class)).all()


@given(CLIPS, ROOM)
@settings(max_examples=40)
def test_of_a_class_no_scene_gives_a_second_clip_before_every_scene_gave_its_first(clips: list[tuple[int, int]], per_class: int) -> None:
    scenes, labels = columns(clips)
    rows = spread(scenes, labels, per_class)
    for label in np.unique(labels):
        there, taken = (np.bincount(scenes[part], minlength=12) for part in (labels == label, rows[labels[rows] == label]))
        left = taken[taken < there]
        assert not len(left) or taken.max() - left.min() <= 1


@given(st.lists(st.sets(st.integers(0, 2), min_size=1), min_size=2, max_size=5), st.integers(1, 2))
@settings(max_examples=60)
def test_scenes_give_as_evenly_as_any_choice_lets_them(shown: list[set[int]], per_class: int) -> None:
    """Against every choice there is, where each scene shows a class once at most."""
    scenes = np.array([scene for scene, some in enumerate(shown) for _ in some])
    labels = np.array([label for some in shown for label in sorted(some)])
    of_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    choices = product(*(combinations(rows, min(per_class, len(rows))) for rows in of_class))
    best = min(int(np.square(np.bincount(scenes[[row for some in choice for row in some]])).sum()) for choice in choices)
    assert int(np.square(np.bincount(scenes[spread(scenes, labels, per_class)])).sum()) == best


def test_every_class_of_six_scenes_that_show_all_does_not_take_the_same_three() -> None:
    scenes, labels = np.repeat(np.arange(6), 8), np.tile(np.arange(8), 6)
    rows = spread(scenes, labels, 2)
    assert len(rows) == 16 and sorted(np.bincount(scenes[rows])) == [2, 2, 3, 3, 3, 3]
    same = spread(scenes, labels, 2, together=True)
    assert set(scenes[same]) == {0, 1} and (np.bincount(labels[same]) == 2).all()


@pytest.mark.parametrize("name", ["directions8", "circle", "complex"])
def test_where_every_clip_is_a_scene_of_its_own_the_first_of_each_class_are_kept(name: str) -> None:
    test = preset(name, 3, per_class=20).split("test")
    labels = test.labels("direction")[0]
    rows = spread(test.factors["scene"].to_numpy(), labels, 3)
    first = np.concatenate([np.flatnonzero(labels == label)[:3] for label in np.unique(labels)])
    assert rows.tolist() == sorted(first.tolist())


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 100])
def test_the_first_few_turns_are_spread_over_all_places(count: int) -> None:
    turn = np.array(turns(count))
    assert sorted(turn) == list(range(count)) and turn[count // 2] == 0
    for some in (3, 7):
        if some < count:
            gaps = np.diff([-1, *np.flatnonzero(turn < some), count])
            assert gaps.max() <= 2 * count / (some + 1) + 1


def test_clips_of_a_higher_tier_come_when_none_of_a_lower_one_is_left() -> None:
    scenes, labels, view = np.array([0, 0, 0, 1, 1]), np.zeros(5, dtype=int), np.array([0, 1, 0, 0, 1])
    assert spread(scenes, labels, 3, view).tolist() == [0, 2, 3]
