"""WorldModel: a frozen encoder that sees every frame by itself, and a predictor that goes on from its latents under actions."""

from __future__ import annotations

import copy
from dataclasses import replace
from hashlib import sha256

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from jepascope.encoders.around import Around
from jepascope.encoders.base import Hidden, VideoEncoder
from jepascope.encoders.card import EncoderCard
from jepascope.encoders.frozen import weights_digest
from jepascope.encoders.jepa_wms import Scale, Task
from jepascope.encoders.step_predictor import StepPredictor
from jepascope.errors import BadArgument


class WorldModel(Around):
    """``inner`` is the encoder, whose tokens of a frame see no other frame's. ``window``: how many times a rollout shows the predictor, the
    last ones (None: all); ``task``: how actions and states are scaled for it; ``sized``: its frames have the size that they have now."""

    def __init__(
        self, inner: VideoEncoder, predictor: StepPredictor, window: int | None = None, task: Task | None = None, sized: bool = False
    ) -> None:
        self.inner, self.predictor, self.window, self.task, self.sized = inner, predictor, window, task or Task(), sized
        own = weights_digest(predictor, [window, repr(self.task)])
        self.card = self._card(sha256(f"{inner.card.digest} {own}".encode()).hexdigest()[:16])

    def _card(self, digest: str) -> EncoderCard:
        """The encoder's, without what it has of its own beside its blocks."""
        card = replace(self.inner.card, has_predictor=False, has_head=False, head_digest="", forecasts="")
        return replace(card, digest=digest, actions=self.predictor.numbers, states=self.predictor.state_numbers)

    def embed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        self.check_video(video)
        return self.inner.embed(video)

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.inner.block(index, hidden)

    def attended(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.inner.attended(index, hidden)

    def fed(self, index: int, between: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.inner.fed(index, between)

    def halved(self, index: int, hidden: Hidden) -> tuple[Hidden, Hidden]:
        return self.inner.halved(index, hidden)

    def reference(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        return self.inner.reference(video)

    def forecast_space(self, latents: Float[Tensor, "*times tokens width"]) -> Float[Tensor, "*times tokens width"]:
        """Latents as its predictor was trained on them: layer-normed, or as they are."""
        return F.layer_norm(latents, latents.shape[-1:]) if self.predictor.normed else latents

    def rollout(
        self,
        context: Float[Tensor, "clips context width"],
        actions: Float[Tensor, "clips steps action"],
        states: Float[Tensor, "clips times state"] | None = None,
    ) -> Float[Tensor, "clips future width"]:
        """Recorded states beside it where the predictor is given some: all, or the first ones where it says the others itself.
        BadArgument without them."""
        if self.card.states and states is None:
            raise BadArgument(
                f"Encoder '{self.card.name}' is rolled out under recorded states too; give {self.card.states} numbers a time."
            )
        (_, *space), places = self.card.grid, self.card.grid[1] * self.card.grid[2]
        seen = self.forecast_space(context).unflatten(1, (-1, places))
        first, acted = seen.shape[1], scaled(actions, self.task.actions)
        beside = None
        if self.card.states and states is not None:
            beside = self.predictor.beside(scaled(states, self.task.states), first, places)
        for times in range(first, actions.shape[1] + 1):
            last = slice(max(0, times - self.window) if self.window else 0, times)
            shown = None if beside is None else beside[:, last]
            after, also = self.predictor(seen[:, last], acted[:, last], shown, (space[0], space[1]))
            seen = torch.cat([seen, self.forecast_space(after[:, -1:])], dim=1)
            if beside is not None and also is not None:
                beside = torch.cat([beside, also[:, -1:]], dim=1)
        future: Tensor = seen[:, first:].flatten(1, 2)
        return future

    def untrained(self, seed: int) -> WorldModel:
        predictor = self.predictor.fresh(seed).to(self.device, self.dtype)
        return WorldModel(self.inner.untrained(seed), predictor, self.window, self.task, self.sized)

    def at(self, frames: int, size: int) -> WorldModel:
        if self.sized and size != self.card.size:
            raise BadArgument(
                f"Encoder '{self.card.name}' takes frames of {self.card.size} pixels alone, which its predictor was trained on."
            )
        twin = copy.copy(self)
        twin.inner = self.inner.at(frames, size)
        twin.card = twin._card(self.card.digest)
        return twin

    def shortest(self) -> WorldModel:
        return self.at(2, self.card.size if self.sized else self.inner.shortest().card.size)

    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> WorldModel:
        self.predictor.to(device=device, dtype=dtype)
        return super().to(device, dtype)


def scaled(numbers: Float[Tensor, "clips times numbers"], scale: Scale) -> Float[Tensor, "clips times numbers"]:
    """As the predictor takes them: of several steps side by side, each alike."""
    if not scale.mean:
        return numbers
    mean, sd = (numbers.new_tensor(part).repeat(numbers.shape[-1] // len(part)) for part in (scale.mean, scale.sd))
    return (numbers - mean) / sd
