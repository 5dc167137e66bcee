"""Measured motion: what the label must be of windows whose motion is known, and which windows must get none."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch

from jepascope.clips.factors import nearest_direction
from jepascope.clips.motion.estimate import Motion, measure
from jepascope.clips.motion.flow import INSTALL, SHORT_SIDE, grey_frames, opencv, pair_flows
from jepascope.clips.motion.label import MotionLabel, angular_difference, label_window
from jepascope.clips.video.dihedral import VIEWS, View, shown_angle
from jepascope.clips.video.source import shown_pixels
from jepascope.errors import BadArgument, BadData

FRAMES = 4
SIDE = SHORT_SIDE // 2  # windows are made at half the scale at which motion is told: quicker
WAVES = 12
EXACT = 2.0  # degrees

Where = Callable[[int, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def texture(x: np.ndarray, y: np.ndarray, seed: int = 0) -> np.ndarray:
    """A texture at any point of the plane, exactly: waves of 8 to 32 pixels in all directions. Grey from 0 to 255."""
    rng = np.random.default_rng(seed)
    total = np.zeros(x.shape)
    for angle, length, phase in zip(rng.uniform(0, np.pi, WAVES), rng.uniform(8, 32, WAVES), rng.uniform(0, 2 * np.pi, WAVES), strict=True):
        total += np.sin(2 * np.pi / length * (math.cos(angle) * x + math.sin(angle) * y) + phase)
    return (127.5 + 127.5 * np.tanh(total / math.sqrt(WAVES))).round()


def plane(height: int = SIDE, width: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """(x right, y down) of the pixels, from the middle of the frame."""
    down, right = np.mgrid[:height, :width].astype(np.float64)
    return right - (width - 1) / 2, down - (height - 1) / 2


def filmed(grey: list[np.ndarray]) -> np.ndarray:
    return np.repeat(np.stack(grey).round().clip(0, 255).astype(np.uint8)[..., None], 3, axis=3)


def scene(where: Where, frames: int = FRAMES, height: int = SIDE, width: int = SIDE, seed: int = 0) -> np.ndarray:
    """A window of the texture, each pixel showing the point of it that ``where`` tells for a time in frames from the middle."""
    x, y = plane(height, width)
    return filmed([texture(*where(time, x, y), seed) for time in np.arange(frames) - (frames - 1) / 2])


def panned(angle: float, speed: float, **size: int) -> np.ndarray:
    """The whole picture moves at this angle (degrees), so many pixels a frame at a short side of 256."""
    right, up = speed / 2 * math.cos(math.radians(angle)), speed / 2 * math.sin(math.radians(angle))
    return scene(lambda time, x, y: (x - time * right, y + time * up), **size)


def with_object(window: np.ndarray, right: float, down: float, radius: float = 22) -> np.ndarray:
    """A textured disc that moves through the middle of the frame, so many pixels a frame at a short side of 256."""
    x, y = plane(*window.shape[1:3])
    shown = []
    for time, frame in zip(np.arange(len(window)) - (len(window) - 1) / 2, window, strict=True):
        at = (x - time * right / 2, y - time * down / 2)
        cover = (radius - np.hypot(*at)).clip(0, 1)
        shown.append(cover * texture(*at, seed=9) + (1 - cover) * frame[..., 0])
    return filmed(shown)


def motion_of(window: np.ndarray) -> Motion:
    return measure(pair_flows(grey_frames(window)))


@pytest.fixture(scope="module")
def still() -> np.ndarray:
    return panned(0, 0)


@pytest.fixture(scope="module")
def car(still: np.ndarray) -> np.ndarray:
    """A disc that moves to the lower right over a still ground."""
    return with_object(still, 2.0, 1.0)


# opencv is there in most tests; the first says what happens where it is not


def test_without_opencv_the_error_is_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(BadArgument, match=r"OpenCV.*pip install 'jepascope\[flow\]'"):
        opencv()
    assert INSTALL == "pip install 'jepascope[flow]'"


needs_opencv = pytest.mark.skipif(__import__("importlib.util").util.find_spec("cv2") is None, reason=f"OpenCV is not installed ({INSTALL})")


# directions that are known


@needs_opencv
@pytest.mark.parametrize(("angle", "speed"), [(0, 1.0), (33, 2.7), (90, 0.8), (131, 1.3), (204, 3.6), (318, 0.7)])
def test_a_known_shift_gives_its_angle_and_speed(angle: float, speed: float) -> None:
    label = label_window(panned(angle, speed))
    assert label.abstained == "" and label.angle is not None
    assert angular_difference(label.angle, angle) < EXACT
    assert label.direction == nearest_direction(np.radians([angle]))[0]
    assert label.motion.whole.speed == pytest.approx(speed, rel=0.05)
    assert label.moves == "camera" and label.motion.camera_speed == pytest.approx(speed, rel=0.05)


@needs_opencv
def test_speeds_are_told_at_a_short_side_of_256_pixels_with_the_aspect_kept() -> None:
    window = panned(30, 3.0, height=300, width=200)  # 1.5 of its own pixels a frame
    assert grey_frames(window).shape == (FRAMES, 384, 256)
    label = label_window(window)
    assert label.angle == pytest.approx(30, abs=EXACT)
    assert label.motion.whole.speed == pytest.approx(1.5 * 256 / 200, rel=0.05)


@needs_opencv
def test_an_object_before_a_still_camera_gives_the_direction(known: MotionLabel) -> None:
    label = known
    assert label.abstained == "" and label.moves == "object" and label.direction == "SE"
    assert label.angle == pytest.approx(math.degrees(math.atan2(-1, 2)) % 360, abs=EXACT)
    area = math.pi * 22**2 / SIDE**2
    assert area / 2 < label.motion.region.fraction < 2 * area
    assert label.motion.camera_speed < 0.02


@needs_opencv
def test_an_object_on_a_plain_ground_is_seen_through_the_camera_s_noise() -> None:
    x, y = plane()
    discs = [110 + 70 * (12 - np.hypot(x - time, y + 2 * time)).clip(0, 1) for time in np.arange(FRAMES) - 1.5]
    noise = np.random.default_rng(0).normal(0, 4, (FRAMES, SIDE, SIDE))
    label = label_window(filmed(list(np.stack(discs) + noise)))  # where nothing is to be seen, the flow is large and goes all ways
    assert label.abstained == "" and label.moves == "object"
    assert label.angle == pytest.approx(math.degrees(math.atan2(2, 1)), abs=2 * EXACT)


@needs_opencv
def test_an_object_that_goes_with_the_pan_leaves_one_direction() -> None:
    label = label_window(with_object(panned(0, 1.5), 3.5, 0.0))
    assert label.abstained == "" and label.moves == "camera" and label.direction == "E"
    assert label.motion.region.speed == pytest.approx(2.0, rel=0.15)  # of its own, the camera's taken away


# windows without a direction


@needs_opencv
def test_an_object_that_the_camera_follows_has_no_direction_and_both_motions_are_found() -> None:
    label = label_window(with_object(panned(180, 2.0), 0.2, 0.0))
    assert label.abstained == "disagree" and label.direction is None and label.angle is None
    motion = label.motion
    assert motion.camera == pytest.approx((-2.0, 0.0), abs=0.05)
    assert motion.region.right == pytest.approx(2.2, abs=0.2)
    assert angular_difference(motion.region.angle, 0) < 5


@needs_opencv
def test_a_zoom_has_no_direction_and_its_rate_is_found() -> None:
    label = label_window(scene(lambda time, x, y: (x / 1.02**time, y / 1.02**time)))
    assert label.abstained == "incoherent"
    assert label.motion.zoom == pytest.approx(0.02, rel=0.05)
    assert abs(label.motion.turn) < 1e-3 and label.motion.camera_speed < 0.05


@needs_opencv
def test_a_roll_has_no_direction_and_its_rate_is_found() -> None:
    def rolled(time: float, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        back = 0.02 * time  # where the point was: clockwise of where it is
        return math.cos(back) * x - math.sin(back) * y, math.sin(back) * x + math.cos(back) * y

    label = label_window(scene(rolled))
    assert label.abstained == "incoherent"
    assert label.motion.turn == pytest.approx(0.02, rel=0.05)  # counter-clockwise on the screen
    assert abs(label.motion.zoom) < 1e-3 and label.motion.camera_speed < 0.05


@needs_opencv
def test_two_objects_apart_have_no_direction(still: np.ndarray) -> None:
    left, right = np.split(np.concatenate([still, still], axis=2), 2, axis=2)
    window = np.concatenate([with_object(left, 2.0, 0.0), with_object(right, -2.0, 0.0)], axis=2)
    assert label_window(window).abstained == "incoherent"


@needs_opencv
def test_a_still_clip_has_no_direction_with_a_camera_s_noise_or_without(still: np.ndarray) -> None:
    label = label_window(still)
    assert label.abstained == "still" and label.motion.repeated == label.motion.pairs == FRAMES - 1
    noise = np.random.default_rng(0).normal(0, 3, still.shape)
    noisy = label_window((still + noise).round().clip(0, 255).astype(np.uint8))
    assert noisy.abstained == "still" and noisy.motion.repeated == 0


@needs_opencv
def test_a_motion_too_slow_to_be_seen_has_no_direction() -> None:
    assert label_window(panned(0, 0.3)).abstained == "still"


@needs_opencv
def test_noise_has_no_direction() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (FRAMES, SIDE, SIDE, 3), dtype=np.uint8)
    label = label_window(noise)
    assert label.abstained == "cut" and label.motion.cut == label.motion.pairs


@needs_opencv
def test_a_cut_is_found_where_it_is_one() -> None:
    window, other = panned(0, 2.0), scene(lambda time, x, y: (x, y), frames=2, seed=5)
    label = label_window(np.concatenate([window, other]))
    assert label.abstained == "cut" and label.motion.cut == 1


@needs_opencv
def test_frames_shown_twice_are_left_out_and_many_of_them_give_no_direction() -> None:
    window = panned(45, 2.0)
    once = label_window(window[[0, 1, 1, 2, 3]])
    assert once.direction == "NE" and once.motion.repeated == 1
    assert once.motion.whole.speed == pytest.approx(2.0, rel=0.05)
    assert label_window(np.repeat(window, 2, axis=0)).abstained == "repeated"


@needs_opencv
def test_a_motion_that_turns_back_has_no_direction() -> None:
    there = panned(0, 2.0)
    label = label_window(np.concatenate([there, there[-2::-1]]))
    assert label.abstained == "incoherent" and label.motion.whole.steadiness < 0.1


@needs_opencv
def test_a_motion_that_turns_by_more_than_a_right_angle_has_no_direction() -> None:
    steps = np.radians([-50, -25, 0, 25, 50])
    x, y = (np.concatenate([[0], np.cumsum(part(steps))]) for part in (np.cos, np.sin))
    label = label_window(scene(lambda time, right, down: (right - x[round(time + 2.5)], down + y[round(time + 2.5)]), frames=6))
    assert label.abstained == "unsteady"
    # the resultant of the five directions
    assert label.motion.whole.steadiness == pytest.approx(abs(np.exp(1j * steps).mean()), abs=0.01)


@needs_opencv
def test_too_few_frames_have_no_direction_and_too_thin_ones_are_refused() -> None:
    assert label_window(panned(0, 1.0)[:3]).abstained == "short"
    with pytest.raises(BadData, match="300 x 4 pixels"):
        label_window(np.zeros((5, 4, 300, 3), dtype=np.uint8))


# mirrors and turns


def check_view(car: np.ndarray, known: MotionLabel, view: View) -> None:
    video = torch.from_numpy(car).permute(0, 3, 1, 2).float()
    shown = shown_pixels(video, view.flipped, view.turns, view.reversed).permute(0, 2, 3, 1).to(torch.uint8).numpy()
    found = label_window(np.ascontiguousarray(shown)).angle
    assert known.angle is not None and found is not None
    rule = shown_angle(np.radians([known.angle]), np.array([view.flipped]), np.array([view.turns]), np.array([view.reversed]))
    assert angular_difference(found, float(np.degrees(rule[0]))) < EXACT


@pytest.fixture(scope="module")
def known(car: np.ndarray) -> MotionLabel:
    return label_window(car)


@needs_opencv
@pytest.mark.parametrize("view", [View(flipped=True), View(turns=1), View(reversed=True)], ids=str)
def test_a_mirrored_turned_or_reversed_window_has_the_label_turned(car: np.ndarray, known: MotionLabel, view: View) -> None:
    check_view(car, known, view)


@pytest.mark.slow
@needs_opencv
def test_so_it_is_for_all_views(car: np.ndarray, known: MotionLabel) -> None:
    for view in VIEWS:
        check_view(car, known, view)


@needs_opencv
def test_a_flow_that_prefers_one_side_is_found_out_by_the_mirror(
    car: np.ndarray, known: MotionLabel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jepascope.clips.motion import label

    def biased(grey: np.ndarray) -> object:
        for flow in pair_flows(grey):
            flow.vectors[:] += np.where(np.hypot(*flow.vectors.T).T[..., None] > 0.5, np.float32([0.8, 0]), np.float32(0))
            yield flow

    assert known.mirror_difference < 1
    monkeypatch.setattr(label, "pair_flows", biased)
    found = label.label_window(car)
    assert found.abstained == "mirror" and found.mirror_difference > 11.25


# cuts on plain scenes


def plain(contrast: float, noise: float, steps: list[tuple[int, float]], light: float = 0.0) -> np.ndarray:
    """Frames of a scene of low contrast (grey levels, standard deviation) with a camera's noise. ``steps``: which scene each frame shows,
    and how far it has moved to the right (pixels); ``light``: by how much each frame is lighter than the one before."""
    rng = np.random.default_rng(0)
    x, y = plane(SHORT_SIDE, SHORT_SIDE)
    grey = []
    for i, (seed, moved) in enumerate(steps):
        total = np.zeros(x.shape)
        waves = np.random.default_rng(seed)
        for angle, length, phase in waves.uniform([0, 20, 0], [np.pi, 120, 2 * np.pi], (WAVES, 3)):
            total += np.sin(2 * np.pi / length * (math.cos(angle) * (x - moved) + math.sin(angle) * y) + phase)
        grey.append(120 + light * i + contrast * total / math.sqrt(WAVES / 2) + rng.normal(0, noise, x.shape))
    return filmed(grey)


PAN = [(1, 3.0 * i) for i in range(4)]


@needs_opencv
@pytest.mark.parametrize(("contrast", "noise", "light"), [(2, 8, 0), (3, 10, 0), (4, 12, 0), (3, 4, 6), (10, 3, 12), (40, 5, 0)])
def test_a_plain_scene_that_moves_is_no_cut_for_its_noise_or_its_light(contrast: float, noise: float, light: float) -> None:
    motion = motion_of(plain(contrast, noise, PAN, light))
    assert motion.cut == 0 and motion.pairs == 3


@needs_opencv
@pytest.mark.parametrize(("contrast", "noise"), [(2, 0), (2, 8), (3, 10), (10, 3), (40, 0)])
def test_a_cut_between_plain_scenes_is_one(contrast: float, noise: float) -> None:
    motion = motion_of(plain(contrast, noise, [*PAN[:3], (2, 0.0), (2, 3.0)]))
    assert motion.cut == 1 and motion.pairs == 4


@needs_opencv
@pytest.mark.parametrize("first", [True, False])
def test_a_picture_that_comes_out_of_black_or_goes_into_it_is_a_cut(first: bool) -> None:
    window = plain(10, 1, PAN)
    window[0 if first else -1] = 16
    assert label_window(window).abstained == "cut"


@needs_opencv
def test_a_wall_with_nothing_on_it_is_still_and_no_cut() -> None:
    wall = plain(0, 5, PAN)
    assert label_window(wall).abstained == "still"


@needs_opencv
def test_a_plain_scene_under_changing_light_has_the_direction_it_moves_in() -> None:
    label = label_window(plain(6, 1, PAN, light=8))
    assert label.abstained == "" and label.direction == "E"
