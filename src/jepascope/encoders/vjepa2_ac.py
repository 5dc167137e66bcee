"""V-JEPA 2 as encoder of frames: each by itself, as often as a tubelet has frames. So is V-JEPA 2-AC trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from jepascope.encoders.action_predictor import read_action_predictor
from jepascope.encoders.around import Around
from jepascope.encoders.base import Hidden
from jepascope.encoders.meta_states import PREDICTOR
from jepascope.encoders.torch_file import check_tensors
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.encoders.world_model import WorldModel
from jepascope.errors import BadCheckpoint

FRAMES = 8  # of the clips that V-JEPA 2-AC was trained on, at four a second


class ByFrame(Around):
    """``inner`` takes clips of one tubelet: a frame, as often as a tubelet has frames. Tokens are those of all frames, in time."""

    inner: VJepa2Encoder

    def __init__(self, inner: VJepa2Encoder, frames: int = FRAMES) -> None:
        card = inner.card
        self.inner = inner.at(inner.model.config.tubelet_size, card.size)
        self.card = replace(card, frames=frames, grid=(frames, *card.grid[1:]), digest=f"{card.digest} by frame")

    def embed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        self.check_video(video)
        return self._joined(self.inner.embed(self._frames(video)))

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self._each(lambda own: self.inner.block(index, own), hidden)

    def attended(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self._each(lambda own: self.inner.attended(index, own), hidden)

    def fed(self, index: int, between: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self._each(lambda own: self.inner.fed(index, own), between)

    def halved(self, index: int, hidden: Hidden) -> tuple[Hidden, Hidden]:
        between, after = self.inner.halved(index, self._apart(hidden))
        return self._joined(between), self._joined(after)

    def reference(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        return self._joined(self.inner.reference(self._frames(video)))

    def untrained(self, seed: int) -> ByFrame:
        return ByFrame(self.inner.untrained(seed), self.card.frames)

    def at(self, frames: int, size: int) -> ByFrame:
        return ByFrame(self.inner.at(self.inner.card.frames, size), frames)

    def shortest(self) -> ByFrame:
        return self.at(2, self.inner.shortest().card.size)

    def _frames(self, video: Tensor) -> Tensor:
        """Every frame as a clip of one tubelet."""
        return video.flatten(0, 1)[:, None].expand(-1, self.inner.card.frames, -1, -1, -1)

    def _joined(self, hidden: Tensor) -> Tensor:
        """Tokens of frames -> of clips."""
        joined: Tensor = hidden.unflatten(0, (-1, self.card.frames)).flatten(1, 2)
        return joined

    def _each(self, run: Callable[[Tensor], Tensor], hidden: Tensor) -> Tensor:
        return self._joined(run(self._apart(hidden)))

    def _apart(self, hidden: Tensor) -> Tensor:
        """Tokens of clips -> of frames."""
        apart: Tensor = hidden.unflatten(1, (self.card.frames, -1)).flatten(0, 1)
        return apart


def action_conditioned(encoder: VJepa2Encoder, path: Path, weights: Mapping[str, Tensor]) -> WorldModel:
    """The encoder of a .pt file with the action-conditioned predictor beside it (``load_meta``), rolled out as in its training: the whole
    past is shown at every step, with what was recorded of actions and states."""
    check_tensors(path, weights.items())
    predictor = read_action_predictor(path, {name.removeprefix(f"{PREDICTOR}."): value for name, value in weights.items()})
    if predictor.width != encoder.card.width:
        raise BadCheckpoint(
            f"'{path}' has an action-conditioned predictor of an encoder {predictor.width} wide; its own is {encoder.card.width} wide."
        )
    return WorldModel(ByFrame(encoder), predictor)
