"""Whole studies of folders of real videos, from end to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from jepascope.errors import BadData
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec, read_spec
from jepascope.study.videos.foreseen import settled, video_study

REAL = Path(__file__).parents[3] / "shared" / "real_clips"


def spec_of(folder: Path, **values: Any) -> StudySpec:
    return make_spec({"clips": str(folder), **values}, "here")


def texture(path: Path, angle: float, seed: int, seconds: float = 2.0, rate: int = 16) -> None:
    """A plain texture that moves one way: two pixels a frame of 96."""
    import av

    rng = np.random.default_rng(seed)
    coarse = torch.tensor(rng.random((1, 3, 72, 72)), dtype=torch.float32)
    wide = torch.nn.functional.interpolate(coarse, size=(288, 288), mode="bicubic").clamp(0, 1)[0].permute(1, 2, 0).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": "10"})
        stream.width = stream.height = 96
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for i in range(round(seconds * rate)):
            x, y = (96 - round(2 * i * part) for part in (np.cos(angle), -np.sin(angle)))  # the window goes against the motion
            frame = av.VideoFrame.from_ndarray((255 * wide[y : y + 96, x : x + 96]).astype(np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


SMALL: dict[str, Any] = {
    "clips_per_class": 30,
    "test_scenes": 16,
    "draws": 2,
    "draws_elsewhere": 2,
    "untrained_seeds": 1,
    "finders": ("diff_means", "lda"),
    "resamples": 100,
    "stability_subsamples": 4,
    "permutations": 4,
    "control_seeds": 1,
    "doses": (0.5, 1.0),
}


@pytest.mark.slow
def test_a_folder_of_moving_textures_is_studied_from_end_to_end(
    tmp_path: Path, tiny_model: Path, tiny_encoder: Any, finished_run: Path
) -> None:
    pytest.importorskip("cv2")
    from jepascope.report.build import build_report
    from jepascope.study.intervene.command import intervened_spec, run_intervene
    from jepascope.study.run import run_study

    videos = tmp_path / "textures"
    for i in range(14):
        texture(videos / f"{i:02d}.mp4", np.pi / 2 * (i % 4), i)
    (videos / "broken.mp4").write_bytes(b"no video")
    said: list[str] = []

    class Listening:
        def start(self, what: str) -> Callable[[int, int], None]:
            return lambda done, total: None

        def say(self, line: str) -> None:
            said.append(line)

    spec = spec_of(videos, model=str(tiny_model), subspaces_from=str(finished_run), **SMALL)
    assert settled(spec, Listening()).classes == ("E", "N", "W", "S")
    assert any("NE, NW, SW, SE occur in too few videos" in line for line in said)
    summary = run_study(spec, tmp_path / "run", tiny_encoder, Listening())
    footage = summary["footage"]
    assert footage["videos"] == 15 and footage["videos_used"] == 14 and footage["abstention_rate"] < 0.5
    assert any("broken.mp4" in str(row) or row["count"] for row in footage["refused"])
    clips = pd.read_parquet(tmp_path / "run" / "clips.parquet")
    assert clips.groupby(["split", "direction"]).size().groupby("split").nunique().max() == 1  # balanced
    effects = pd.read_parquet(tmp_path / "run" / "effects.parquet")
    assert not effects.duplicated(["layer", "finder", "edit", "control", "draw", "judge", "clip"]).any()
    ce = pd.read_parquet(tmp_path / "run" / "ce.parquet")
    here = ce[(ce["layer"] == summary["best_layer"]) & (ce["control"] == "subspace")]
    videos_tested = clips[clips["split"] == "test"]["scene"].nunique()
    assert set(here["n"]) == {videos_tested} and len(clips[clips["split"] == "test"]) > videos_tested
    assert "diff_means (directions8)" in set(here["finder"])
    taken = ce[(ce["finder"] == "diff_means (directions8)") & (ce["layer"] == summary["best_layer"])]
    assert {"random", "variance", "shuffled", "norm", "self_swap"} <= set(taken["control"])
    readout = pd.read_parquet(tmp_path / "run" / "carried_readout.parquet")
    assert set(readout["probe_from"]) == {"textures", "directions8"}
    assert (tmp_path / "run" / "subspaces" / "taken").is_dir() and (tmp_path / "run" / "figures" / "stimuli.png").exists()
    page = build_report(tmp_path / "run").read_text()
    assert "Synthetic → real: directions8 to textures" in page and "Intervals resample" in page and "5.3" in page
    assert "test videos" in page and "test scenes" not in page and "over scenes" not in page
    assert "mirrored or played backwards; above each its class and its file; arrows along the motion" in page
    # few videos are tested, so that each of all is left out in turn as well
    left = pd.read_parquet(tmp_path / "run" / "leave_one_out.parquet")
    assert set(left["n"]) == {footage["videos_used"]} and summary["leave_one_out"]["videos"] == footage["videos_used"]
    assert "One video left out at a time" in page and "By leaving out one of 14 videos at a time: accuracy" in summary["headline"]
    # nothing is measured again, and other edits run on the same captures
    changed = intervened_spec(
        make_spec(read_spec(tmp_path / "run" / "spec.yaml"), "run"), summary["best_layer"], {"edits": ("swap",)}, None
    )
    more = run_intervene(tmp_path / "run", make_spec(read_spec(tmp_path / "run" / "spec.yaml"), "run"), changed, tiny_encoder)
    assert more["ce"]["diff_means"]["swap"]["n"] == videos_tested


@pytest.mark.slow
def test_classes_of_folders_are_studied_and_missing_ones_are_named(tmp_path: Path, tiny_model: Path, tiny_encoder: Any) -> None:
    from jepascope.study.run import run_study

    videos = tmp_path / "sorted"
    for i in range(14):
        texture(videos / ("across" if i % 2 else "up") / f"{i:02d}.mp4", np.pi / 2 * (i % 2), i, 2.5)
    summary = run_study(spec_of(videos, model=str(tiny_model), variable="class", **SMALL), tmp_path / "run", tiny_encoder)
    assert summary["classes"] == 2 and summary["footage"]["labels"].startswith("names of folders")
    assert "mirrored" not in summary["stimuli_caption"] and "arrows" not in summary["stimuli_caption"]
    assert "column 'class' holds 2 names and is read as classes: across, up" in summary["labels_read"]
    for i in range(2):
        texture(videos / "rare" / f"{i}.mp4", 0.0, 50 + i)
    with pytest.raises(BadData, match=r"Too few videos of class rare .* --set 'classes=\[across,up\]'"):
        run_study(spec_of(videos, model=str(tiny_model), variable="class", **SMALL), tmp_path / "other", tiny_encoder)
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="the folder shared/real_clips beside the project is not here")
def test_real_footage_becomes_clips() -> None:
    pytest.importorskip("cv2")
    spec = settled(spec_of(REAL, per_source=8))
    study = video_study(spec)
    counts = study.clips.factors.groupby(["split", "direction"]).size()
    assert set(counts.index.get_level_values("direction")) == set(spec.state_variable.classes)
    assert study.clips.factors.groupby(["split", "direction"])["scene"].nunique().min() >= 2
    assert study.record["videos_used"] >= 6 and study.record["abstained"]
