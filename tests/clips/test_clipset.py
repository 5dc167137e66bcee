"""ClipSet: a lazy table of scenes whose digest names every pixel and label, and whose splits part whole scenes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.clips.clipset import COVERED, SPLITS, ClipSet, ClipSource
from jepascope.clips.contact_sheet import contact_sheet
from jepascope.clips.presets import directions8, reverse_twins
from jepascope.clips.variables import VARIABLES
from jepascope.errors import BadArgument, BadData


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    return directions8(seed=0, per_class=5, frames=8, size=32)


def test_the_procedural_renderer_is_a_clip_source(clips: ClipSet) -> None:
    assert isinstance(clips.source, ClipSource)


# tokens


@settings(max_examples=20)
@given(grid=st.tuples(*[st.integers(1, 8)] * 3), seed=st.integers(0, 1000))
def test_every_clip_has_object_tokens_on_any_grid(grid: tuple[int, int, int], seed: int) -> None:
    clips = directions8(seed, per_class=5, frames=8, size=32)
    assert clips.object_tokens(grid, slice(0, 40, 9)).any(dim=1).all()


def test_object_tokens_are_the_places_that_the_object_covers_by_a_tenth_at_some_time(clips: ClipSet) -> None:
    alpha = clips.source.coverage(clips.factors, 8, 32)
    mask = clips.object_tokens((4, 4, 4)).view(-1, 4, 4, 4)
    checked = 0
    for clip in (0, 13, 39):
        for row in range(4):
            for column in range(4):
                place = alpha[clip, :, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
                share = max(place[2 * t : 2 * t + 2].mean().item() for t in range(4))
                if abs(share - COVERED) > 1e-4:
                    checked += 1
                    assert (mask[clip, :, row, column] == (share > COVERED)).all()
    assert checked > 40


def test_masks_do_not_depend_on_how_many_are_made_at_once(clips: ClipSet, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = clips.object_tokens((4, 4, 4))
    monkeypatch.setattr("jepascope.clips.clipset.AT_ONCE", 3 * 8 * 32 * 32 + 1)
    assert [rows.stop - rows.start for rows, _ in clips.batches(64)] == [1] * len(clips)
    assert torch.equal(clips.object_tokens((4, 4, 4)), whole)
    assert clips.object_tokens((4, 4, 4), slice(0, 0)).shape == (0, 64)


def test_object_tokens_do_not_tell_the_way_the_object_moves(clips: ClipSet) -> None:
    """A clip and its reverse pass the same places: a selection that followed the object in time would leak the direction."""
    assert torch.equal(clips.object_tokens((4, 8, 8)), reverse_twins(clips).object_tokens((4, 8, 8)))


def test_object_tokens_are_the_same_scene_at_every_pixel_size() -> None:
    small, large = directions8(per_class=5, frames=8, size=64), directions8(per_class=5, frames=8, size=128)
    agree = (small.object_tokens((4, 8, 8)) == large.object_tokens((4, 8, 8))).float().mean()
    assert agree > 0.995  # a token at the limit of a tenth may fall on either side


# digest


def test_the_digest_is_equal_when_the_set_is_made_again(clips: ClipSet) -> None:
    assert directions8(seed=0, per_class=5, frames=8, size=32).digest == clips.digest


def test_the_digest_changes_with_every_factor_and_with_size_and_length(clips: ClipSet) -> None:
    digests = {clips.digest, clips.at(16, 32).digest, clips.at(8, 64).digest, clips.select(np.arange(1, 40)).digest}
    expected = 4
    for column in clips.factors:
        values = clips.factors[column].to_numpy(copy=True)
        if values.dtype == bool:
            values[0] = ~values[0]
        elif values.dtype.kind in "if":
            values[0] = np.nextafter(values[0], np.inf) if values.dtype.kind == "f" else values[0] + 10_000
        else:
            values = values.astype(object)
            values[0] = next(value for value in [*SPLITS, *values] if value != values[0])
        digests.add(replace(clips, factors=clips.factors.assign(**{column: values})).digest)
        expected += 1
    assert len(digests) == expected


def test_the_digest_names_the_order_of_the_clips(clips: ClipSet) -> None:
    assert clips.select(np.arange(40)[::-1].copy()).digest != clips.digest
    assert clips.select(np.arange(40)).digest == clips.digest


# parts of a set


def test_pixels_of_a_part_are_the_pixels_of_the_whole(clips: ClipSet) -> None:
    whole = clips.video()
    rows = np.array([7, 3, 38])
    assert whole.shape == (40, 8, 3, 32, 32) and whole.min() >= 0 and whole.max() <= 1
    assert torch.equal(clips.select(rows).video(), whole[rows])
    assert torch.equal(clips.video([7, 3, 38]), whole[rows])
    assert torch.equal(torch.cat([video for _, video in clips.batches(7)]), whole)
    assert [rows for rows, _ in clips.batches(16)] == [slice(0, 16), slice(16, 32), slice(32, 40)]
    assert clips.video([]).shape == (0, 8, 3, 32, 32)


def test_splits_are_disjoint_and_cover_the_set(clips: ClipSet) -> None:
    scenes = [set(clips.split(name).factors["scene"]) for name in SPLITS]
    assert sum(len(part) for part in scenes) == len(clips) == len(set.union(*scenes))


def test_a_mask_and_the_rows_it_marks_select_the_same_clips(clips: ClipSet) -> None:
    mask = np.arange(40) % 3 == 0
    assert clips.select(mask).digest == clips.select(np.flatnonzero(mask)).digest


def test_at_keeps_the_scenes(clips: ClipSet) -> None:
    other = clips.at(4, 64)
    assert (other.frames, other.size, clips.frames, clips.size) == (4, 64, 8, 32)
    assert other.factors is clips.factors


def test_a_part_keeps_the_classes_of_the_whole(clips: ClipSet) -> None:
    east = clips.select((clips.factors["direction"] == "SE").to_numpy())
    labels, names = east.labels("direction")
    assert names == clips.labels("direction")[1] and set(labels.tolist()) == {names.index("SE")}


# refusals


def test_a_scene_that_crosses_splits_is_refused(clips: ClipSet) -> None:
    pairs = clips.factors.assign(scene=np.arange(40) // 2)
    with pytest.raises(BadData, match="splits must part whole scenes"):
        replace(clips, factors=pairs)


@pytest.mark.parametrize("column", ["scene", "split"])
def test_a_table_without_scenes_or_splits_is_refused(clips: ClipSet, column: str) -> None:
    with pytest.raises(BadData, match=f"no column '{column}'"):
        replace(clips, factors=clips.factors.drop(columns=column))


@pytest.mark.parametrize(("frames", "size"), [(0, 32), (8, 4)])
def test_a_clip_without_frames_or_pixels_is_refused(clips: ClipSet, frames: int, size: int) -> None:
    with pytest.raises(BadArgument, match="cannot be rendered"):
        clips.at(frames, size)


def test_unknown_names_are_refused_with_what_there_is(clips: ClipSet) -> None:
    with pytest.raises(BadArgument, match=f"no variable 'mass'.*{', '.join(VARIABLES)}"):
        clips.labels("mass")
    with pytest.raises(BadArgument, match=f"no split 'train'.*{', '.join(SPLITS)}"):
        clips.split("train")
    with pytest.raises(BadArgument, match=r"no factor 'mass'.*hue"):
        clips.with_factors("heavier", mass=1.0)


def test_a_value_that_is_no_class_is_refused_with_the_classes(clips: ClipSet) -> None:
    with pytest.raises(BadData, match=r"'up' is no class .* E, NE, N"):
        clips.with_factors("up", direction="up").labels("direction")


def test_a_mask_of_another_length_is_refused(clips: ClipSet) -> None:
    with pytest.raises(BadArgument, match="40 clips; a mask of 39"):
        clips.select(np.ones(39, dtype=bool))


# the picture


@pytest.mark.parametrize("variable", sorted(VARIABLES))
def test_the_contact_sheet_shows_every_class_with_its_path(clips: ClipSet, variable: str) -> None:
    figure = contact_sheet(clips, variable)
    names = {axes.get_ylabel().replace("\n", " ") for axes in figure.axes} - {""}
    assert names == set(VARIABLES[variable].classes)
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == 4 * len(names)
    assert sum(len(axes.texts) for axes in figure.axes) == len(names)  # one arrow a class
