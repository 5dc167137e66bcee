"""V-JEPA 2-AC: a frozen V-JEPA 2 encoder that sees every frame by itself, and a predictor that goes on under actions and states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from jepascope.encoders.action_predictor import ActionPredictor, read_action_predictor
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.frozen import weights_digest
from jepascope.encoders.meta_states import PREDICTOR
from jepascope.encoders.torch_file import check_tensors
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument

FRAMES = 8  # of the clips that it was trained on, at four a second


class ActionConditioned(VideoEncoder):
    """``inner`` takes clips of one tubelet: a frame, as often as a tubelet has frames. Tokens are those of all frames, in time."""

    theirs = VJepa2Encoder.theirs

    def __init__(self, inner: VJepa2Encoder, predictor: ActionPredictor, frames: int = FRAMES) -> None:
        self.predictor, card = predictor, inner.card
        self.inner = inner.at(inner.model.config.tubelet_size, card.size)
        digest = sha256(f"{card.digest} by frame {weights_digest(predictor, [])}".encode()).hexdigest()[:16]
        self.card = replace(card, frames=frames, grid=(frames, *card.grid[1:]), digest=digest)
        self.card = replace(self.card, actions=predictor.numbers, states=predictor.numbers)

    @property
    def rounding(self) -> float:  # type: ignore[override]
        return self.inner.rounding

    def embed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        self.check_video(video)
        return self._joined(self.inner.embed(self._frames(video)))

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self._each(lambda own: self.inner.block(index, own), hidden)

    def attended(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self._each(lambda own: self.inner.attended(index, own), hidden)

    def fed(self, index: int, between: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self._each(lambda own: self.inner.fed(index, own), between)

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.inner.norm(hidden)

    def reference(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        return self._joined(self.inner.reference(self._frames(video)))

    def forecast_space(self, latents: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        """Layer-normalised latents, as in its training."""
        return F.layer_norm(latents, latents.shape[-1:])

    def rollout(
        self,
        context: Float[Tensor, "clips context width"],
        actions: Float[Tensor, "clips steps action"],
        states: Float[Tensor, "clips times state"] | None = None,
    ) -> Float[Tensor, "clips future width"]:
        """As in its training: the whole past is shown at every step, with what was recorded of actions and states. BadArgument without
        states."""
        if states is None:
            raise BadArgument(
                f"Encoder '{self.card.name}' is rolled out under recorded states too; give {self.card.states} numbers a time."
            )
        (_, *space), seen = self.card.grid, self.forecast_space(context)
        places, first = space[0] * space[1], context.shape[1] // (space[0] * space[1])
        for times in range(first, actions.shape[1] + 1):
            after = self.predictor(seen, actions[:, :times], states[:, :times], (times, *space))[:, -places:]
            seen = torch.cat([seen, self.forecast_space(after)], dim=1)
        return seen[:, context.shape[1] :]

    def untrained(self, seed: int) -> ActionConditioned:
        return ActionConditioned(self.inner.untrained(seed), self.predictor.fresh(seed).to(self.device, self.dtype), self.card.frames)

    def at(self, frames: int, size: int) -> ActionConditioned:
        return ActionConditioned(self.inner.at(self.inner.card.frames, size), self.predictor, frames)

    def shortest(self) -> ActionConditioned:
        return self.at(2, self.inner.shortest().card.size)

    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> ActionConditioned:
        self.inner.to(device, dtype)
        self.predictor.to(device=device, dtype=dtype)
        return self

    def compile(self) -> ActionConditioned:
        self.inner.compile()
        return self

    @property
    def compiled(self) -> bool:
        return self.inner.compiled

    @property
    def device(self) -> torch.device:
        return self.inner.device

    @property
    def dtype(self) -> torch.dtype:
        return self.inner.dtype

    def _frames(self, video: Tensor) -> Tensor:
        """Every frame as a clip of one tubelet."""
        return video.flatten(0, 1)[:, None].expand(-1, self.inner.card.frames, -1, -1, -1)

    def _joined(self, hidden: Tensor) -> Tensor:
        """Tokens of frames -> of clips."""
        joined: Tensor = hidden.unflatten(0, (-1, self.card.frames)).flatten(1, 2)
        return joined

    def _each(self, run: Callable[[Tensor], Tensor], hidden: Tensor) -> Tensor:
        return self._joined(run(hidden.unflatten(1, (self.card.frames, -1)).flatten(0, 1)))


def action_conditioned(encoder: VJepa2Encoder, path: Path, weights: Mapping[str, Tensor]) -> ActionConditioned:
    """The encoder of a .pt file with the action-conditioned predictor beside it (``load_meta``)."""
    check_tensors(path, weights.items())
    own = {name.removeprefix(f"{PREDICTOR}."): value for name, value in weights.items()}
    return ActionConditioned(encoder, read_action_predictor(path, own, encoder.card.width))
