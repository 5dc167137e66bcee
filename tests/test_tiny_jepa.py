"""tiny-jepa, a trained action-conditioned world model of somebody else's, as the example puts it behind our interface."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import jepascope as js
from jepascope.encoders.selftest import self_test

EXAMPLE = Path(__file__).parents[1] / "examples" / "tiny_jepa"
WHY = "tiny-jepa is not installed (pip install 'jepascope[worlds]')"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("tiny_jepa", reason=WHY)
    monkeypatch.syspath_prepend(EXAMPLE)
    monkeypatch.delitem(sys.modules, "world", raising=False)
    import world  # type: ignore[import-not-found]

    return world  # type: ignore[no-any-return]


def published(world: ModuleType) -> Any:
    """The package's own model, its arrays read without opening a pickle (its ``load`` would)."""
    from tiny_jepa import TinyJEPA

    model = TinyJEPA()
    with np.load(world.WEIGHTS, allow_pickle=False) as held:
        for name, net in model.nets.items():
            net.load_parameters({key.removeprefix(f"{name}."): held[key] for key in held.files if key.startswith(f"{name}.")})
    return model


def test_latents_and_rollouts_are_those_of_the_package(world: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    encoder, clips, theirs = world.trained(), world.clips("pellet_x", count=20), published(world)
    self_test(encoder)
    video, actions = clips.video(slice(0, 4)), clips.recorded.actions[:4]
    latents = encoder.embed(video)
    rolled = encoder.rollout(latents[:, :1], torch.from_numpy(actions).float())
    grey = video[:, :, 0].numpy()
    apart = [np.abs(theirs.encode_batch(frames) - own.numpy()).max() for frames, own in zip(grey, latents, strict=True)]
    ahead = [
        np.abs(theirs.imagine(own[0].numpy(), done.argmax(axis=1)) - future.numpy()).max()
        for own, done, future in zip(latents, actions, rolled, strict=True)
    ]
    with capsys.disabled():
        print(f"\nlargest difference from tiny-jepa: latents {max(apart):.1e}, rollout of {world.STEPS} steps {max(ahead):.1e}")
    assert max(apart) < 5e-6 and max(ahead) < 1e-6


def test_a_twin_differs_in_one_coordinate_and_goes_on_under_the_same_actions(world: ModuleType) -> None:
    clips = world.clips("agent_x", count=20)
    twins = js.twins(clips, "agent_x")
    assert (clips.labels("agent_x")[0] != twins.labels("agent_x")[0]).all()
    for own, other in zip(clips.video().numpy(), twins.video().numpy(), strict=True):
        rows = np.abs(own - other)[:, 0].max(axis=2) > 0.02
        assert rows.any(axis=1).all() and (rows.sum(axis=1) <= 16).all()  # in every frame, in the rows of one thing alone
    done, again = (world.clips("agent_x", count=20).recorded.actions for _ in range(2))
    assert np.array_equal(done, again) and (done.sum(axis=2) == 1).all()


@pytest.mark.slow
def test_its_predictor_uses_the_pellet_and_its_rollout_does_not_follow_reality(world: ModuleType, tmp_path: Path) -> None:
    few = {"test_scenes": 60, "draws": 20, "resamples": 500, "untrained_seeds": 1, "fits": 6, "stability_subsamples": 0, "token_map": False}
    asked = {
        "finders": ("diff_means",),
        "judges": ("probe", "rollout"),
        "edits": ("ablate", "swap"),
        "context": 1,
        "rank": 1,
        "chapters": (),
    }
    run = js.study(world.trained(), world.clips("pellet_x", count=400), variable="pellet_x", out=tmp_path / "run", **few, **asked)
    claims = {claim["name"]: claim for claim in run.claims}
    swaps = {number["control"]: number for number in claims["used by its own rollout"]["numbers"] if number["what"] == "CE of swap"}
    assert swaps[""]["low"] > 0.8 and abs(swaps["random"]["value"]) < 0.2 and abs(swaps["norm"]["value"]) < 0.8
    assert claims["carried by its own rollout"]["verdict"] == "undecided"
    assert claims["carried by its own rollout"]["sentence"].startswith("The rollout does not follow reality: 8 steps on")
    steps = run.table("fidelity").set_index("step")
    assert (steps["error_low"] > 1).all() and steps.loc[1, "code_low"] > 0.5 > steps.loc[8, "code_low"]
    assert "By its own rollout" in run.report().read_text()
