"""One video left out at a time: every video is tested once, by what was found and trained on the other videos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from controls_named import OF_SEARCH
from jepascope.clips.presets import directions8
from jepascope.discovery.finders import diff_means
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.intervention import controls
from jepascope.intervention.controls import variance
from jepascope.study import captures as captures_module
from jepascope.study.captures import Captures
from jepascope.study.folder import Run
from jepascope.study.geometry import geometry
from jepascope.study.progress import Silent
from jepascope.study.run import runner_of
from jepascope.study.sizes import Counts
from jepascope.study.spec_file import make_spec
from jepascope.study.steps.intervene import LEFT_OUT
from jepascope.study.videos import left_out as module
from jepascope.study.videos.left_out import Pool, few_tested, fold_without, left_out_figures, run_left_out

CLASSES = ("E", "N", "W", "S")
WINDOWS = [0, 0, 1, 1, 2, 2, 3, 4, 5, 6]  # of which video each is; all are shown in every direction
SPLITS = ["fit", "fit", "judge", "judge", "test", "test", "test"]
VIDEOS = len(SPLITS)


@pytest.fixture
def captures(tmp_path: Path, tiny_model: Path, tiny_encoder: VJepa2Encoder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Captures]:
    """A study of seven videos, three of them in split test; its pixels are those of a synthetic set."""
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"never opened")
    few: dict[str, Any] = {"clips_per_class": 10, "test_scenes": 8, "draws": 2, "resamples": 100, "folds": 2, "finders": ("diff_means",)}
    spec = make_spec({"clips": str(folder), "model": str(tiny_model), "classes": CLASSES, "best_layer": 1, **few}, "here")
    drawn = directions8(0, 10)
    shown = drawn.factors.assign(window=drawn.factors.groupby("direction").cumcount())
    shown = shown[shown["direction"].isin(CLASSES)].sort_values(["window", "direction"])
    scene = np.array(WINDOWS)[shown["window"]]
    names, split = [f"{video}.mp4" for video in scene], np.array(SPLITS, dtype=object)[scene]
    shown = shown.assign(scene=scene, source=names, file=names, start=shown["window"] * 1.0, end=shown["window"] + 1.0, split=split)
    shown = shown.drop(columns="window").assign(clip=range(len(shown)))
    clips = replace(drawn, factors=shown.reset_index(drop=True), own=(spec.state_variable,))
    monkeypatch.setattr(captures_module, "study_clips", lambda _: clips)
    run = Run.open(tmp_path / "run", spec)
    yield Captures.of_run(run, tiny_encoder, Silent())
    run.close()


def test_every_video_is_tested_once_and_effects_are_sums_over_all_of_them(captures: Captures) -> None:
    ce, videos = run_left_out(captures)
    assert videos["scene"].tolist() == list(range(VIDEOS)) and videos["n"].sum() == len(WINDOWS) * len(CLASSES)
    assert (videos["fit_videos"] + videos["judge_videos"] == VIDEOS - 1).all()
    assert set(ce["control"]) == {*OF_SEARCH} - {"top_pca"} and set(ce["n"]) == {VIDEOS}
    parts = pd.concat([captures.run.table(f"parts/effects-without-{scene}") for scene in range(VIDEOS)])
    assert parts.groupby("scene")["clip"].nunique().min() >= len(CLASSES)
    own = parts[parts["control"] == "subspace"]
    value = ce.set_index("control").loc["subspace", "value"]
    assert np.isnan(value) or value == pytest.approx(own["numerator"].sum() / own["denominator"].sum())


def test_nothing_that_is_found_or_trained_depends_on_the_video_that_is_left_out(
    captures: Captures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pixels may be anything and its labels wrong: parts, layer, probe, subspace and read-out stay what they are."""
    pool = Pool.of(captures)
    fold = fold_without(captures, pool, 5)
    assert (fold.test.int() + fold.fit.int() + fold.judge.int() == 1).all()
    y, noise = pool.y.clone(), {layer: x.clone() for layer, x in pool.pooled.items()}
    y[fold.test] = y[fold.test].flip(0)
    for x in noise.values():
        x[fold.test] = torch.randn(int(fold.test.sum()), x.shape[1])
    strange = replace(pool, y=y, pooled=noise)
    other = fold_without(captures, strange, 5)
    assert all(torch.equal(getattr(fold, name), getattr(other, name)) for name in ("fit", "judge", "test"))
    captures.spec = captures.spec.model_copy(update={"best_layer": None})
    (layer, probe), (layer_there, probe_there) = module._read(captures, pool, fold), module._read(captures, strange, other)
    assert layer == layer_there and torch.equal(probe.weights, probe_there.weights)
    seen: list[torch.Tensor] = []
    plain = diff_means.diff_means
    monkeypatch.setattr(diff_means, "diff_means", lambda data, rank, seed: seen.append(data.x) or plain(data, rank, seed))
    moments = {scene: captures.capture(pool.clips.select((pool.scenes == scene).numpy()), "", moments=(1,)) for scene in range(VIDEOS)}
    edited = captures.capture(pool.clips, "", sites=(1,))
    effects = [module._ablated(captures, pool_, fold, 1, edited, moments) for pool_ in (pool, strange)]
    pd.testing.assert_frame_equal(*effects)
    assert all(len(x) == int(fold.fit.sum()) for x in seen)


def test_it_is_done_where_fewer_than_ten_videos_are_tested(captures: Captures, monkeypatch: pytest.MonkeyPatch) -> None:
    assert few_tested(captures)
    monkeypatch.setattr(module, "FEW_TESTED", 3)
    assert not few_tested(captures)


def test_what_cannot_be_parted_without_one_of_its_videos_is_said(captures: Captures) -> None:
    said: list[str] = []

    class Listening(Silent):
        def say(self, line: str) -> None:
            said.append(line)

    captures.progress = Listening()
    rare = (captures.clips.factors["direction"] != "E") | (captures.clips.factors["scene"].isin([0, 2, 4, 6]))
    captures.clips = captures.clips.select(rare.to_numpy())
    steps = runner_of(captures)
    steps.do([LEFT_OUT])
    assert left_out_figures(captures, steps["leave_one_out"], steps["leave_one_out_videos"]) == {} and steps["leave_one_out"].empty
    assert said == ["No video is left out in turn: without '0.mp4' there are too few videos of direction E for a fit and a judge."]


@pytest.mark.slow
def test_the_plan_counts_what_runs(captures: Captures, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = count(1000)

    def reached(free: Any, covariance: Any, target: float, rank: int, draws: int, rng: object) -> torch.Tensor:
        return controls.haar(free, rank, draws, np.random.default_rng(next(seeds)))  # else all draws may be one: see test_plan

    monkeypatch.setattr(variance, "variance_matched", reached)
    captures.spec = captures.spec.model_copy(update={"test_scenes": 10 * len(CLASSES)})  # all clips: as many as the plan takes for granted
    Pool.of(captures)  # what the study has captured anyway
    ran, block = [0], VJepa2Encoder.block

    def counting(self: VJepa2Encoder, index: int, hidden: torch.Tensor) -> torch.Tensor:
        ran[0] += len(hidden)
        return block(self, index, hidden)

    monkeypatch.setattr(VJepa2Encoder, "block", counting)
    run_left_out(captures)
    planned = LEFT_OUT.cost(Counts(captures.spec, geometry(captures.spec), 1))
    assert ran[0] == sum(passes.block_passes for passes in planned)
