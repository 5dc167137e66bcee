"""The strip of a clip and its partner holds both, frame by frame, side by side."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from jepascope.clips.film import GAP, MOST_FRAMES, MOST_SIDE, film
from jepascope.clips.picture import SHADES
from jepascope.clips.presets import twins
from jepascope.clips.sets.directions8 import directions8


def test_every_picture_shows_the_clip_on_the_left_and_its_twin_on_the_right() -> None:
    clips = directions8(seed=0, frames=4, size=32).select([3])
    partner = twins(clips)
    picture, frames = film(clips, partner)
    strip = np.asarray(Image.open(io.BytesIO(picture))) / 255
    assert frames == 4 and strip.shape == (32, 4 * 2 * (32 + GAP), 4)
    for frame, shown in enumerate(np.split(strip, frames, axis=1)):
        for of, place in ((clips, 0), (partner, 32 + GAP)):
            there = of.video([0])[0, frame].permute(1, 2, 0).numpy()
            assert np.abs(shown[:, place : place + 32, :3] - there).max() <= 0.5 / (SHADES - 1) + 0.003
            assert (shown[:, place + 32 : place + 32 + GAP, 3] == 0).all()


def test_a_large_clip_makes_a_small_strip() -> None:
    clips = directions8(seed=0, frames=40, size=256).select([0])
    picture, frames = film(clips, twins(clips))
    width, height = Image.open(io.BytesIO(picture)).size
    assert frames == MOST_FRAMES and height <= MOST_SIDE and width == frames * 2 * (height + GAP)
