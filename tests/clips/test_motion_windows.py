"""Labels of windows of files: which frames are measured, what the clip set and the balance get of it, and real videos."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from video_files import looked_at, with_matrix

pytest.importorskip("cv2", reason="OpenCV is not installed (pip install 'jepascope[flow]')")

from jepascope.clips.animation import write_mp4
from jepascope.clips.motion.balance import balanced
from jepascope.clips.motion.label import angular_difference, label_window
from jepascope.clips.motion.windows import label_rows, label_windows, measured_windows, middle_square
from jepascope.clips.video.footage import decoded, survey
from jepascope.clips.video.labelled import labelled
from jepascope.clips.video.source import VideoSource
from jepascope.clips.video.windows import Cutting, Window

SIDE = 64
ANGLES = (10.0, 80.0, 200.0)  # of as many videos as there are splits
WAVES = np.random.default_rng(1).uniform([-0.7, -0.7, 0], [0.7, 0.7, 6.3], (10, 3))


def panned(angle: float, speed: float, frames: int, seed: int = 0) -> np.ndarray:
    """A texture that moves at this angle (degrees), so many pixels a frame."""
    down, right = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    shown = []
    for time in range(frames):
        x = right + seed * 50 - speed * time * math.cos(math.radians(angle))
        y = down + speed * time * math.sin(math.radians(angle))
        shown.append(127.5 + 40 * sum(np.sin(a * x + b * y + c) for a, b, c in WAVES))
    return np.repeat(np.stack(shown).round().clip(0, 255).astype(np.uint8)[..., None], 3, axis=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos that move and one that does not."""
    root = tmp_path_factory.mktemp("moving")
    for i, angle in enumerate(ANGLES):
        write_mp4(root / f"pan{i}.mp4", panned(angle, 0.6, 6, seed=i))
    write_mp4(root / "still.mp4", panned(0.0, 0.0, 6))
    return root


def test_every_frame_of_a_slow_video_is_measured_once(folder: Path) -> None:
    length = looked_at(folder / "pan0.mp4").duration
    (place, label), *more = label_windows(folder / "pan0.mp4", [Window("pan0.mp4", "pan0.mp4", 0.0, length)])
    assert place == 0 and not more
    assert label.motion.pairs <= 5 and label.motion.repeated == 0
    assert label.angle is not None and angular_difference(label.angle, 10) < 2


def test_a_window_s_label_does_not_depend_on_the_windows_beside_it(folder: Path) -> None:
    length = looked_at(folder / "pan1.mp4").duration
    windows = [Window("pan1.mp4", "pan1.mp4", start * length, end * length) for start, end in ((0, 0.7), (0.3, 1.0))]
    together = list(label_rows(folder, windows))
    assert [row["start"] for row in together] == [window.start for window in windows]
    assert together == [row for window in windows for row in label_rows(folder, [window])]


def test_the_middle_square_is_what_clips_show() -> None:
    wide = np.arange(4 * 10 * 3, dtype=np.uint8).reshape(4, 10, 3)
    assert (middle_square(wide) == wide[:, 3:7]).all()
    tall = np.ascontiguousarray(wide.transpose(1, 0, 2))
    assert (middle_square(tall) == tall[3:7]).all()


def test_measured_windows_become_clips_with_directions_and_balanced_ones(folder: Path, tmp_path: Path) -> None:
    footage = decoded(survey(folder), Cutting(seconds=looked_at(folder / "pan0.mp4").duration))
    labels = labelled(footage, "direction", measured_windows(footage, tmp_path))
    angles = dict(zip(labels.known["file"], np.degrees(labels.known["angle"]), strict=True))
    assert sorted(angles) == [f"pan{i}.mp4" for i in range(len(ANGLES))]
    assert all(angular_difference(angles[f"pan{i}.mp4"], angle) < 2 for i, angle in enumerate(ANGLES))
    assert set(labels.known["moves"]) == {"camera"} and (labels.known["labelled_by"] == "measurement").all()
    assert [one.reason.startswith("has no measured direction: less than 2%") for one in labels.refusals] == [True]
    turned = balanced(labels.known.assign(split=["fit", "judge", "test"], scene=range(3)), 10, True, 0, 1)
    counts = turned.groupby(["split", "direction"]).size().unstack()
    assert set(counts.columns) == {"E", "N", "W", "S"} and (counts.nunique(axis=1) == 1).all()
    one = turned[turned["reversed"]][:1]
    video = VideoSource.of(footage.folder, list(footage.videos.values())).video(one, 6, SIDE)[0].permute(0, 2, 3, 1)
    label = label_window((video.numpy() * 255).round().astype(np.uint8))
    assert label.angle is not None and angular_difference(label.angle, math.degrees(one["angle"].iloc[0])) < 3


@pytest.mark.parametrize(("linear", "angle"), [((1, 0, 0, -1), 350.0), ((-1, 0, 0, 1), 170.0), ((0, 1, 1, 0), 260.0)], ids=str)
def test_a_file_that_players_mirror_moves_as_it_is_played(folder: Path, tmp_path: Path, linear: tuple[int, ...], angle: float) -> None:
    """Stored, it moves at 10 degrees; upside down, left for right, and transposed by its display matrix."""
    shutil.copy(folder / "pan0.mp4", tmp_path / "a.mp4")
    with_matrix(tmp_path / "a.mp4", [one << 16 for one in linear])
    ((_, label),) = label_windows(tmp_path / "a.mp4", [Window("a.mp4", "a.mp4", 0.0, looked_at(tmp_path / "a.mp4").duration)])
    assert label.angle is not None and angular_difference(label.angle, angle) < 2


# real videos


@pytest.mark.slow
def test_labels_of_real_videos_agree_with_those_estimated_before(request: pytest.FixtureRequest) -> None:
    """Windows of 16 frames whose direction an estimate with other code found to be clear, or not."""
    folder = request.config.rootpath.parent / "shared" / "real_clips"
    if not folder.is_dir():
        pytest.skip(f"The real clips are not there ({folder}).")
    table = pd.read_csv(folder / "windows.csv")
    clear, unclear = table[table["tier"] == "A"], table[table["tier"].isna()].iloc[::6]
    differences, unlabelled = [], 0
    for row in pd.concat([clear, unclear]).itertuples():
        label = label_window(native_frames(folder / row.file, row.start_frame))
        if row.tier == "A" and label.angle is not None:
            differences.append(angular_difference(label.angle, row.direction_deg))
        elif row.tier != "A":
            unlabelled += label.angle is None
    assert len(differences) > 0.75 * len(clear)
    assert np.median(differences) < 10 and np.mean(np.array(differences) > 45) <= 0.05
    assert unlabelled > 0.9 * len(unclear)


def native_frames(path: Path, first: int, count: int = 16) -> np.ndarray:
    """Neighbouring frames of the file, small."""
    import av

    with av.open(str(path)) as container:
        frames = [frame for i, frame in zip(range(first + count), container.decode(video=0), strict=False) if i >= first]
    return np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
