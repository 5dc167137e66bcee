"""A world model whose answer is known: what its rollout carries, what it reads and does not use, and what it loses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

import jepascope as js
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.card import EncoderCard

FRAMES, SIDE, WIDTH = 3, 8, 12
CARRIED, LOUD, HIDDEN, LOST, PLACE, SIGN = range(6)  # channels; the others are other features of a scene, which nothing changes
VARIABLES = ("carried", "unused", "lost")


class ToyWorld(VideoEncoder):
    """A frame is four quadrants of three colours: twelve numbers, turned by a fixed rotation. Its predictor

    - keeps "carried" as it is;
    - writes "unused" anew, from a product of two channels, and takes no notice of the loud channel that everyone reads it from;
    - forgets "lost";
    - moves the place by the action.
    """

    def __init__(self, seed: int = 0, frames: int = FRAMES) -> None:
        self.turn = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(seed)))[0]
        self.seed = seed
        name = f"{type(self).__name__}-{seed}"
        self.card = EncoderCard(name, WIDTH, 1, frames, SIDE, (frames, 1, 1), name, actions=1)

    def embed(self, video: Tensor) -> Tensor:
        self.check_video(video)
        quadrants = torch.nn.functional.avg_pool2d(video.flatten(0, 1), SIDE // 2).flatten(1) - 0.5
        return quadrants.unflatten(0, (len(video), -1)) @ self.turn

    def block(self, index: int, hidden: Tensor) -> Tensor:
        return hidden

    def norm(self, hidden: Tensor) -> Tensor:
        return hidden

    def forecast_space(self, latents: Tensor) -> Tensor:
        return latents

    def rollout(self, context: Tensor, actions: Tensor, states: Tensor | None = None) -> Tensor:
        now, seen = context[:, -1] @ self.turn.T, []
        for step in range(context.shape[1] - 1, actions.shape[1]):
            now = now.clone()
            now[:, LOUD] = 30 * now[:, HIDDEN] * now[:, SIGN]
            now[:, LOST] = 0
            now[:, PLACE] += 0.1 * actions[:, step, 0]
            seen.append(now @ self.turn)
        return torch.stack(seen, dim=1)

    def untrained(self, seed: int) -> ToyWorld:
        return type(self)(seed + 1, self.card.frames)

    def at(self, frames: int, size: int) -> ToyWorld:
        assert size == SIDE
        return type(self)(self.seed, frames)

    def to(self, device: Any, dtype: Any = None) -> ToyWorld:
        return self

    device, dtype = torch.device("cpu"), torch.float32


class Blurred(ToyWorld):
    """The same, whose rollouts are of another scale than its latents: they follow nothing, and still hold what is carried."""

    def rollout(self, context: Tensor, actions: Tensor, states: Tensor | None = None) -> Tensor:
        return 8 * super().rollout(context, actions) + 3


class Foreseeing(ToyWorld):
    """One that is told what will be done: refused by the self-test."""

    def rollout(self, context: Tensor, actions: Tensor, states: Tensor | None = None) -> Tensor:
        return super().rollout(context, actions.flip(1))


def toy_clips(variable: str, count: int = 100, seed: int = 0) -> ClipSet:
    """Clips with their actions, labelled with one variable, and twins that differ in it alone."""
    rng = np.random.default_rng(seed)
    state = dict(zip(VARIABLES, np.where(rng.random((3, count)) < 0.5, -1.0, 1.0), strict=True))
    actions, place = rng.choice([-1.0, 1.0], (count, FRAMES - 1)), rng.uniform(-0.1, 0.1, count)
    sign, others = rng.choice([-1.0, 1.0], count), rng.uniform(-0.1, 0.1, (count, WIDTH))
    loudness = {name: rng.uniform(0.75, 1.25, count) for name in VARIABLES}

    def videos(state: dict[str, np.ndarray]) -> np.ndarray:
        latents = np.repeat(others[:, None], FRAMES, axis=1)
        steady = {
            CARRIED: 0.2 * state["carried"] * loudness["carried"],
            LOUD: 0.3 * state["unused"],
            HIDDEN: 0.1 * state["unused"] * sign,
            LOST: 0.05 * state["lost"] * loudness["lost"],
            SIGN: 0.1 * sign,
        }
        for channel, value in steady.items():
            latents[:, :, channel] = value[:, None]
        latents[:, :, PLACE] = (place[:, None] + 0.1 * np.pad(actions, ((0, 0), (1, 0))).cumsum(axis=1)).clip(-0.5, 0.5)
        quadrants = 0.5 + latents.reshape(count, FRAMES, 3, 2, 2).transpose(0, 1, 3, 4, 2)
        return quadrants.repeat(SIDE // 2, axis=2).repeat(SIDE // 2, axis=3)

    def words(values: np.ndarray) -> list[str]:
        return ["low" if value < 0 else "high" for value in values]

    other = {**state, variable: -state[variable]}
    twins = {"video": videos(other), variable: words(other[variable])}
    return js.clips.from_arrays(videos(state), {variable: words(state[variable])}, twins=twins, name="toy", actions=actions[:, :, None])


def forgetful(clips: ClipSet) -> ClipSet:
    """The same without their actions."""
    return replace(clips, recorded=None)
