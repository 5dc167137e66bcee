"""One video left out at a time: every video is tested once, by what was found and trained on the other videos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from controls_named import OF_SEARCH
from jepascope.clips.donors import held_out_donors
from jepascope.clips.presets import directions8
from jepascope.clips.video.enough import LEFT_OUT_VIDEOS, TooFew
from jepascope.clips.video.parted import dealt_enough, parted
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
from jepascope.study.steps.at_best import LEFT_OUT
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


@pytest.mark.slow
def test_every_video_is_tested_once_and_effects_are_sums_over_all_of_them(captures: Captures) -> None:
    ce, videos = run_left_out(captures)
    assert videos["scene"].tolist() == list(range(VIDEOS)) and videos["n"].sum() == len(WINDOWS) * len(CLASSES)
    assert (videos["fit_videos"] + videos["judge_videos"] == VIDEOS - 2).all()  # one is tested, another one it is swapped with
    for edit in ("swap", "ablate"):
        here = ce[ce["edit"] == edit]
        assert set(here["control"]) == {*OF_SEARCH} and set(here["n"]) == {VIDEOS}
    parts = pd.concat([captures.run.table(f"parts/effects-in-turn-{scene}") for scene in range(VIDEOS)])
    assert parts.groupby("scene")["clip"].nunique().min() >= len(CLASSES)
    for edit, own in parts[parts["control"] == "subspace"].groupby("edit"):
        value = ce[ce["edit"] == edit].set_index("control").loc["subspace", "value"]
        assert np.isnan(value) or value == pytest.approx(own["numerator"].sum() / own["denominator"].sum())


def test_nothing_that_is_found_or_trained_depends_on_the_video_that_is_left_out(
    captures: Captures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor on the one that it is swapped with: their pixels may be anything and their labels wrong, and parts, layer, probe, subspace and
    read-out stay what they are."""
    pool = Pool.of(captures)
    fold, donor = fold_without(captures, pool, 5, 2), pool.scenes == 2
    assert (fold.test.int() + donor.int() + fold.fit.int() + fold.judge.int() == 1).all()
    y, noise = pool.y.clone(), {layer: x.clone() for layer, x in pool.pooled.items()}
    for out in (fold.test, donor):
        y[out] = y[out].flip(0)
        for x in noise.values():
            x[out] = torch.randn(int(out.sum()), x.shape[1])
    strange = replace(pool, y=y, pooled=noise)
    other = fold_without(captures, strange, 5, 2)
    assert all(torch.equal(getattr(fold, name), getattr(other, name)) for name in ("fit", "judge", "test"))
    captures.spec = captures.spec.model_copy(update={"best_layer": None})
    (layer, probe), (layer_there, probe_there) = module._read(captures, pool, fold), module._read(captures, strange, other)
    assert layer == layer_there and torch.equal(probe.weights, probe_there.weights)
    seen: list[torch.Tensor] = []
    plain = diff_means.diff_means
    monkeypatch.setattr(diff_means, "diff_means", lambda data, rank, seed: seen.append(data.x) or plain(data, rank, seed))
    moments = {scene: captures.capture(pool.clips.select((pool.scenes == scene).numpy()), "", moments=(1,)) for scene in range(VIDEOS)}
    edited = captures.capture(pool.clips, "", sites=(1,))
    donors = np.array([int(np.flatnonzero((pool.scenes.numpy() == 2) & (pool.y.numpy() != label))[0]) for label in pool.y.tolist()])
    effects = [module._edited(captures, pool_, fold, 1, edited, donors, moments) for pool_ in (pool, strange)]
    pd.testing.assert_frame_equal(*effects)
    assert all(len(x) == int(fold.fit.sum()) for x in seen)


def test_it_is_done_where_fewer_than_ten_videos_are_tested(captures: Captures, monkeypatch: pytest.MonkeyPatch) -> None:
    assert few_tested(captures.clips, "direction")
    monkeypatch.setattr(module, "FEW_TESTED", 3)
    assert not few_tested(captures.clips, "direction")


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
    (line,) = said
    assert line.startswith("No video is left out in turn: without '0.mp4' and '")
    assert line.endswith("there are too few videos of direction E for a fit and a judge.")


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


FIVE = {"cat": 5, "dog": 6}


def windows(videos: Mapping[str, int], each: Sequence[int] = (3,)) -> pd.DataFrame:
    """Windows of so many videos of each class, each video of one class."""
    rows = [(f"{kind} {video}", kind) for kind, count in videos.items() for video in range(count) for _ in range(each[video % len(each)])]
    return pd.DataFrame(rows, columns=["source", "kind"])


def asked(official: int | None = None, variable: str = "class") -> Any:
    return SimpleNamespace(variable=variable, clips="here", seed=0, official_split=official)


@settings(max_examples=20)
@given(st.integers(5, 9), st.integers(5, 30), st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 5))
def test_five_videos_of_every_class_are_enough_however_long_they_are(few: int, many: int, each: list[int], seed: int) -> None:
    """Fit and judge have two of each class, test has one; and without any two videos of two classes the others do for fit and judge."""
    spec = asked()
    spec.seed = seed
    table = windows({"cat": few, "dog": many}, each)
    split = parted(table, ["cat", "dog"], spec)
    assert (split.groupby("source")["split"].nunique() == 1).all()
    videos = split.groupby(["split", "kind"])["source"].nunique()
    assert all(videos[name, kind] >= fewest for name, fewest in LEFT_OUT_VIDEOS.items() for kind in ("cat", "dog"))
    rest = table[~table["source"].isin(["cat 0", "dog 1"])]
    assert not dealt_enough(rest, ["cat", "dog"], seed, module.SHARES, fewest=dict.fromkeys(module.SHARES, 2))[1]


def test_four_are_not_and_neither_are_five_that_show_several_classes() -> None:
    with pytest.raises(TooFew, match=r"5 videos of every class") as caught:
        parted(windows({"cat": 4, "dog": 9}), ["cat", "dog"], asked())
    assert dict(caught.value.missing) == {"cat": 1}
    both = windows(FIVE).assign(source=lambda table: table["source"].str[-1])
    with pytest.raises(TooFew) as caught:
        parted(both, ["cat", "dog"], asked())
    assert "leave out one at a time" not in str(caught.value)
    with pytest.raises(TooFew):
        parted(windows(FIVE).assign(direction="E"), ["cat", "dog"], asked(variable="direction"))


@given(st.integers(2, 4), st.integers(2, 5), st.integers(1, 3), st.integers(0, 9))
def test_clips_of_a_video_are_swapped_with_one_other_video_of_another_class(classes: int, videos: int, clips: int, seed: int) -> None:
    scenes = np.repeat(np.arange(classes * videos), clips)
    labels = scenes % classes
    donors = held_out_donors(labels, scenes, lambda scene, other: True, seed)
    assert (labels[donors] != labels).all() and (scenes[donors] != scenes).all()
    of = {scene: set(scenes[donors][scenes == scene]) for scene in np.unique(scenes)}
    assert all(len(given) == 1 for given in of.values())
    given = np.bincount([one for (one,) in of.values()], minlength=classes * videos)
    assert given.max() <= 2  # videos take turns
    assert (held_out_donors(labels, scenes, lambda scene, other: other != 0, seed) != -1).all() or classes * videos <= 2
    assert (held_out_donors(labels, scenes, lambda scene, other: False, seed) == -1).all()
