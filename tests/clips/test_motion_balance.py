"""Balancing directions: equal classes, labels turned with the pixels, no video and no view standing for a direction; and the sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.clips.factors import nearest_direction
from jepascope.clips.motion.balance import balanced
from jepascope.clips.motion.sheet import motion_sheet, shown_rows
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.video.dihedral import VIEWS, shown_angle
from jepascope.errors import BadData

AXES, DIAGONALS = DIRECTION_NAMES[::2], DIRECTION_NAMES[1::2]


def labels(angles: list[float], sources: list[str]) -> pd.DataFrame:
    """A label table: windows at these angles (degrees), NaN where there is no label."""
    count = len(angles)
    angle = np.array(angles, dtype=np.float64)
    known = ~np.isnan(angle)
    direction = np.full(count, None, dtype=object)
    direction[known] = nearest_direction(np.radians(angle[known]))
    return pd.DataFrame(
        {
            "file": sources,
            "start": np.arange(count, dtype=float),
            "end": np.arange(count) + 1.0,
            "source": sources,
            "direction": direction,
            "angle": angle,
            "abstained": np.where(known, "", "still"),
            "moves": "object",
            "speed": 2.0,
        }
    )


def windows_at(angles: Sequence[float], sources: list[str]) -> pd.DataFrame:
    """Windows of one split as they were cut, moving at these angles (degrees)."""
    table = pd.DataFrame({"source": sources, "angle": np.radians(np.array(angles, dtype=np.float64)), "start": np.arange(len(sources))})
    return table.assign(window=range(len(table)), split="fit", flipped=False, turns=0, reversed=False)


def drawn(seed: int, count: int, sources: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return windows_at(rng.uniform(0, 360, count).tolist(), [f"video{i}.mp4" for i in rng.integers(0, sources, count)])


def evenly(table: pd.DataFrame, per_source: int = 10, quarter_turns: bool = True, views_each: int = 1) -> pd.DataFrame:
    return balanced(table, per_source, quarter_turns, 0, views_each)


windows = st.builds(drawn, st.integers(0, 2**31), st.integers(20, 60), st.integers(1, 6))


@settings(max_examples=12)
@given(windows, st.integers(1, 12), st.sampled_from([(True, 1), (True, 4), (False, 1)]))
def test_classes_are_equal_and_every_row_is_its_window_turned(table: pd.DataFrame, per_source: int, views: tuple[bool, int]) -> None:
    quarter_turns, views_each = views
    clips = evenly(table, per_source, quarter_turns, views_each)
    counts = Counter(clips["direction"])
    assert len(set(counts.values())) == 1 and set(counts) in (set(AXES), set(DIAGONALS), set(DIRECTION_NAMES))
    of = table["angle"].to_numpy()[clips["window"]]
    np.testing.assert_allclose(clips["angle"], shown_angle(of, *(clips[name].to_numpy() for name in ("flipped", "turns", "reversed"))))
    assert (nearest_direction(clips["angle"].to_numpy()) == clips["direction"]).all()
    assert not clips.duplicated(["window", "flipped", "turns", "reversed"]).any()
    kinds = 2 if quarter_turns else 3
    assert clips.drop_duplicates("window").groupby("source").size().max() <= kinds * per_source
    if not quarter_turns:
        assert (clips["turns"] % 2 == 0).all()


def test_videos_that_move_one_way_still_give_four_equal_classes_and_no_view_tells_which() -> None:
    angles = np.random.default_rng(0).uniform(-20, 20, 400)
    clips = evenly(windows_at(angles.tolist(), [f"video{i // 4}.mp4" for i in range(400)]))
    assert Counter(clips["direction"]) == {name: 400 for name in AXES}
    for name in AXES:  # half mirrored and half backwards, within the binomial's 99.99 %
        of_class = clips[clips["direction"] == name]
        assert abs(of_class["flipped"].mean() - 0.5) < 0.1 and abs(of_class["reversed"].mean() - 0.5) < 0.1
    for one, other in (("E", "W"), ("N", "S")):  # the turn tells the axis, not the way along it
        turns = [clips.loc[clips["direction"] == name, "turns"].value_counts(normalize=True) for name in (one, other)]
        assert set(turns[0].index) == set(turns[1].index) and (turns[0] - turns[1]).abs().max() < 0.15


def test_without_quarter_turns_an_axis_needs_windows_of_its_own() -> None:
    table = windows_at([0.0] * 6 + [90.0] * 4 + [45.0] * 5, [f"video{i}.mp4" for i in range(15)])
    clips = evenly(table, quarter_turns=False)
    assert Counter(clips["direction"]) == {name: 4 for name in DIRECTION_NAMES}
    assert set(clips["direction"][clips["window"].isin(range(6, 10))]) == {"N", "S"}


def test_no_video_gives_more_than_the_cap_and_those_with_fewest_windows_are_kept_whole() -> None:
    table = windows_at([0.0] * 30 + [0.0] * 2 + [45.0] * 8, ["long.mp4"] * 30 + ["short.mp4"] * 2 + ["other.mp4"] * 4 + ["last.mp4"] * 4)
    taken = evenly(table, per_source=5).drop_duplicates("window")
    assert Counter(taken["source"]) == {"long.mp4": 5, "short.mp4": 2, "other.mp4": 4, "last.mp4": 3} or Counter(taken["source"]) == {
        "long.mp4": 5,
        "short.mp4": 2,
        "other.mp4": 3,
        "last.mp4": 4,
    }
    starts = taken.loc[taken["source"] == "long.mp4", "start"]
    assert starts.min() < 6 and starts.max() >= 24  # spread over the video


def test_every_split_is_balanced_by_itself() -> None:
    table = drawn(3, 120, 12)
    table["split"] = np.array(["fit", "judge", "test"])[table["source"].str.extract(r"(\d+)")[0].astype(int) % 3]
    clips = evenly(table)
    for _, part in clips.groupby("split"):
        assert len(set(Counter(part["direction"]).values())) == 1 and set(part["direction"]) == set(DIRECTION_NAMES)
    assert clips.groupby("source")["split"].nunique().max() == 1


def test_splits_without_a_kind_of_direction_in_common_are_refused() -> None:
    with pytest.raises(BadData, match="every split"):
        evenly(windows_at([0.0, 45.0], ["a.mp4", "b.mp4"]).assign(split=["fit", "judge"]))


def test_all_views_of_a_direction_s_kind_are_used() -> None:
    clips = evenly(drawn(1, 400, 100))
    used = set(zip(clips["flipped"], clips["turns"], clips["reversed"], strict=True))
    assert len(used) == len(VIEWS)


# the sheet


def test_the_sheet_shows_every_direction_and_every_reason_before_any_twice() -> None:
    table = labels([0.0] * 40 + [90.0] + [float("nan")] * 20, [f"video{i}.mp4" for i in range(61)])
    shown = shown_rows(table, 6)
    assert Counter(shown["direction"].fillna("none")) == {"E": 3, "N": 1, "none": 2}
    assert len(shown_rows(table, 100)) == 61
    assert shown_rows(table.iloc[:0], 5).empty


def test_the_arrow_points_where_the_label_says_and_windows_without_one_are_grey() -> None:
    table = labels([90.0, 180.0, float("nan")], ["a.mp4", "b.mp4", "c.mp4"])
    colour = np.zeros((2, 20, 30, 3), dtype=np.uint8)
    colour[..., 0] = 200
    figure = motion_sheet(table, lambda row: colour)
    lasts = [axes for axes in figure.axes if axes.texts]
    arrows = [(np.array(axes.texts[0].xy) - axes.texts[0].xyann) for axes in lasts]
    up, left = arrows
    assert up[1] < 0 and abs(up[0]) < 1e-9  # rows of pixels count downwards
    assert left[0] < 0 and abs(left[1]) < 1e-9
    assert [axes.get_title(loc="left") for axes in lasts] == ["N 90°, 2.0 px, object", "W 180°, 2.0 px, object"]
    grey = next(axes for axes in figure.axes if axes.get_title(loc="left") == "still")
    pixels = np.asarray(grey.images[0].get_array())
    assert (pixels == pixels[..., :1]).all() and pixels.min() > 128
