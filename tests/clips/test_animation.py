"""Files to look at: GIFs loop over all frames, MP4 files hold the very pixels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

import jepascope as js
from jepascope.clips import animation
from jepascope.clips.animation import eight_bit, read_mp4, write_gif, write_mp4
from jepascope.clips.classes import in_turn
from jepascope.clips.clutter import MEANINGS
from jepascope.clips.contact_sheet import contact_sheet
from jepascope.clips.degrade import still_pixels
from jepascope.clips.presets import PRESETS, complex_scenes, preset, twins
from jepascope.errors import BadData, JepascopeError


@pytest.mark.parametrize(("frames", "size"), [(1, 8), (5, 33), (16, 64)])
def test_an_mp4_holds_the_pixels_rounded_to_eight_bits(frames: int, size: int, tmp_path: Path) -> None:
    video = complex_scenes(per_class=5, frames=frames, size=size).video([7])[0]
    pixels = eight_bit(video)
    assert np.abs(pixels / 255 - video.permute(0, 2, 3, 1).numpy()).max() <= 0.5 / 255 + 1e-6
    write_mp4(tmp_path / "clip.mp4.tmp", pixels)
    assert np.array_equal(read_mp4(tmp_path / "clip.mp4.tmp"), pixels)


def test_even_noise_survives_an_mp4(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 40, 40, 3)).astype(np.uint8)
    write_mp4(tmp_path / "noise.mp4", pixels)
    assert np.array_equal(read_mp4(tmp_path / "noise.mp4"), pixels)


def test_an_mp4_that_reads_back_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.zeros((2, 16, 16, 3), dtype=np.uint8)
    monkeypatch.setattr(animation, "read_mp4", lambda path: pixels + 1)
    with pytest.raises(BadData, match="does not read back"):
        write_mp4(tmp_path / "clip.mp4", pixels)


def test_a_pyav_without_the_encoder_is_named_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str, mode: str) -> None:
        raise av.codec.codec.UnknownCodecError(name)

    monkeypatch.setattr(av.codec, "Codec", unknown)
    with pytest.raises(JepascopeError, match=r"no encoder libx264rgb.*pip install av"):
        write_mp4(tmp_path / "clip.mp4", np.zeros((2, 16, 16, 3), dtype=np.uint8))


def test_a_gif_loops_over_all_frames_of_a_grid_in_nearly_the_right_colours(tmp_path: Path) -> None:
    clips = complex_scenes(per_class=5, frames=6, size=32)
    pixels = [eight_bit(video) for video in clips.video([0, 5, 10])]
    write_gif(tmp_path / "clips.gif", pixels, ["E", "NE", "N"], columns=2)
    with Image.open(tmp_path / "clips.gif") as gif:
        assert gif.n_frames == 6 and gif.info["loop"] == 0
        gif.seek(3)
        page = np.asarray(gif.convert("RGB")).astype(int)
    assert page.shape == (2 * (128 + 18 + 4) + 4, 2 * (128 + 4) + 4, 3)
    tile = page[4 + 18 : 4 + 18 + 128 : 4, 4 + 132 : 4 + 132 + 128 : 4]  # the second of the first row, enlarged four times
    assert np.abs(tile - pixels[1][3]).mean() < 6


def test_clips_come_in_turn_one_of_each_class_then_the_next() -> None:
    labels = np.array([2, 2, 0, 1, 1, 1, 0])
    assert labels[in_turn(labels)].tolist() == [0, 1, 2, 0, 1, 2, 1]
    assert in_turn(labels).tolist() == [2, 3, 0, 6, 4, 1, 5]


def test_a_sheet_with_twins_shows_each_class_beside_its_twin() -> None:
    clips, variable = complex_scenes(per_class=5, frames=4, size=32), "position"
    other = twins(clips, variable)
    figure = contact_sheet(clips, variable, other)
    named = [axes.get_ylabel().replace("\n", " ") for axes in figure.axes if axes.get_ylabel()]
    labels, names = clips.labels(variable)
    theirs = other.labels(variable)[0]
    first = in_turn(labels)[: len(names)]
    assert sorted(named) == sorted([names[labels[row]] for row in first] + [f"twin: {names[theirs[row]]}" for row in first])
    assert sum(len(axes.texts) for axes in figure.axes) == 2 * len(names)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_column_says_what_it_is(name: str) -> None:
    assert set(preset(name, per_class=5).factors) <= set(MEANINGS)
    assert set(preset("complex", per_class=5).factors) == set(MEANINGS)


def test_still_pixels_are_the_grey_mean_of_their_places() -> None:
    video = torch.rand(3, 4, 3, 32, 32)
    features = still_pixels(video, "last_frame", 16)
    assert features.shape == (3, 256)
    torch.testing.assert_close(features[1, 17], video[1, -1, :, 2:4, 2:4].mean())
    assert still_pixels(video, "shuffled_frames", 16).shape == (3, 4 * 256)
    assert still_pixels(video[..., :8, :8], "mean_frame", 16).shape == (3, 64)


# names


def test_clip_sets_are_reached_through_the_package() -> None:
    assert js.clips.circle is PRESETS["circle"] and js.clips.directions8 is js.directions8
    assert js.clips.preset("complex", per_class=5).name == "complex"
    assert len(js.clips.twins(js.clips.complex_scenes(per_class=5))) == 40
    for name in js.clips.__all__:
        assert getattr(js.clips, name) is not None
    with pytest.raises(AttributeError, match=r"jepascope\.clips' has no attribute 'kinetics'"):
        _ = js.clips.kinetics


def test_the_package_of_clips_itself_is_light() -> None:
    code = "import sys, jepascope; jepascope.clips; sys.exit([n for n in ('numpy', 'pandas', 'torch') if n in sys.modules] or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
