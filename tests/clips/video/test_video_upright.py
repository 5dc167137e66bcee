"""Pictures are mirrored and turned as their files ask players to."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from jepascope.clips.video.dihedral import View
from jepascope.clips.video.footage import decoded, survey
from jepascope.clips.video.source import shown_pixels
from jepascope.clips.video.upright import EIGHT, of_matrix
from jepascope.clips.video.windows import Cutting
from video_files import ONE, first_picture, looked_at, with_matrix, write

# what a player does with (a, b, c, d) of a display matrix, written out: a stored picture -> the one on the screen
MATRICES: dict[str, tuple[tuple[int, int, int, int], Callable[[np.ndarray], np.ndarray]]] = {
    "as it is": ((ONE, 0, 0, ONE), lambda picture: picture),
    "mirrored": ((-ONE, 0, 0, ONE), np.fliplr),
    "upside down, mirrored": ((ONE, 0, 0, -ONE), np.flipud),
    "half a turn": ((-ONE, 0, 0, -ONE), lambda picture: picture[::-1, ::-1]),
    "clockwise": ((0, ONE, -ONE, 0), lambda picture: np.rot90(picture, -1)),
    "counter-clockwise": ((0, -ONE, ONE, 0), np.rot90),
    "transposed": ((0, ONE, ONE, 0), lambda picture: picture.swapaxes(0, 1)),
    "transversed": ((0, -ONE, -ONE, 0), lambda picture: picture.swapaxes(0, 1)[::-1, ::-1]),
}


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """All corners and edges differ; smooth, so that scaling and coding change little."""
    down, right = np.mgrid[:48, :64].astype(np.float64)
    grey = 40 + 2 * right + 1.5 * down * (right > 31)
    return np.repeat(grey.round().astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("asked", MATRICES)
def test_of_the_eight_display_matrices_each_is_followed(tmp_path: Path, picture: np.ndarray, asked: str) -> None:
    linear, played = MATRICES[asked]
    file = with_matrix(write(tmp_path / "a.mp4", [picture] * 10), linear)
    shown, wanted = first_picture(file), np.ascontiguousarray(played(picture))
    assert shown.shape == wanted.shape
    assert np.abs(shown.astype(int) - wanted).mean() < 2
    assert looked_at(file).note == ""


def test_the_eight_are_those_by_which_clips_are_turned(picture: np.ndarray) -> None:
    clip = torch.from_numpy(picture[:48, :48]).permute(2, 0, 1)[None].float()
    results = set()
    for way in EIGHT:
        turned = way.picture(np.ascontiguousarray(picture[:48, :48]))
        clip_turned = shown_pixels(clip, way.flipped, way.turns, False)[0].permute(1, 2, 0).numpy()
        assert np.array_equal(turned, clip_turned)
        results.add(turned.tobytes())
    assert len(results) == 8


@pytest.mark.parametrize("degrees", [0.7, -0.7, 90.7, 180.0, 269.3])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_a_matrix_is_taken_for_the_quarter_turn_it_is_within_a_degree_of_at_any_scale(degrees: float, scale: float) -> None:
    c, s = (round(scale * ONE * float(part(np.radians(degrees)))) for part in (np.cos, np.sin))
    way = of_matrix(np.array([[c, s, 0], [-s, c, 0], [0, 0, 1 << 30]]))  # clockwise on the screen
    assert way == View(False, round(-degrees / 90) % 4)


@pytest.mark.parametrize("linear", [(56756, 32768, -32768, 56756), (ONE, ONE // 2, 0, ONE)], ids=["thirty degrees", "sheared"])
def test_other_matrices_are_refused_in_one_line(tmp_path: Path, picture: np.ndarray, linear: tuple[int, ...]) -> None:
    with_matrix(write(tmp_path / "a.mp4", [picture] * 30), linear)
    footage = decoded(survey(tmp_path), Cutting())
    (refusal,) = footage.refusals
    assert not footage.windows and "something else than quarter turns and mirrors" in refusal.reason and "\n" not in refusal.reason


def test_a_matrix_of_zeros_is_none(tmp_path: Path, picture: np.ndarray) -> None:
    file = with_matrix(write(tmp_path / "a.mp4", [picture] * 10), (0, 0, 0, 0))
    assert np.abs(first_picture(file).astype(int) - picture).mean() < 2


@pytest.mark.parametrize(
    ("orientation", "played"), [(1, lambda picture: picture), (2, np.fliplr), (6, lambda picture: np.rot90(picture, -1))]
)
def test_the_orientation_that_a_camera_writes_into_motion_jpeg_is_followed(
    tmp_path: Path, picture: np.ndarray, orientation: int, played: Callable[[np.ndarray], np.ndarray]
) -> None:
    """FFmpeg hands on the EXIF data too, of a kind for which PyAV may have no name."""
    import av
    from PIL import Image

    exif, jpeg = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(jpeg, "JPEG", quality=95, exif=exif)
    with av.open(str(tmp_path / "a.avi"), "w") as out:
        stream: Any = out.add_stream("mjpeg", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for i in range(10):
            packet = av.Packet(jpeg.getvalue())
            packet.pts = packet.dts = i
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 24), stream, True
            out.mux(packet)
    wanted = np.ascontiguousarray(played(picture))
    shown = first_picture(tmp_path / "a.avi")
    assert shown.shape == wanted.shape and np.abs(shown.astype(int) - wanted).mean() < 3
