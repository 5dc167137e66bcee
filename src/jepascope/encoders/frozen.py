"""FrozenModel: what every encoder that is a torch module shares: V-JEPA 2, the other families, and modules that are wrapped."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from jepascope.encoders.base import Hidden, VideoEncoder
from jepascope.encoders.between import gate_of, given_to
from jepascope.encoders.compiled import BlockForward, Compiled
from jepascope.encoders.pixels import IMAGENET, Pixels
from jepascope.encoders.silenced import silenced

Own = TypeVar("Own", bound="FrozenModel")


class FrozenModel(VideoEncoder):
    """Weights that are never trained, where and in which precision they are, and how their pixels are normalised."""

    trained: ClassVar[Pixels] = IMAGENET  # how the family's pixels were normalised in training, as published
    centred: ClassVar[bool] = False  # whether its image processor takes 1 off rescaled pixels where its file does not say
    mistaken: ClassVar[Mapping[str, Pixels]] = {}  # what a published checkpoint says against that, by its architecture (``settled``)

    # sub-modules of a block (those that it has) through whose output alone its attention, and its feed-forward, adds to the stream
    attention_adds: tuple[str, ...] = ()
    mlp_adds: tuple[str, ...] = ()  # empty where an encoder does not say

    block_forward: BlockForward  # what runs one block; the predictor's run as they are
    by_frame: bool = False  # whether the module takes images, and is run on every frame by itself
    prefix: int = 0  # tokens that belong to no place (class, registers), before the grid's in the module's order: of a clip, or of a frame

    def __init__(self, model: nn.Module, extra: dict[str, Any] | None, pixels: Pixels | None) -> None:
        self.model: Any = model.eval().requires_grad_(False)
        self.extra = dict(extra or {})
        self.gates: dict[int, str] = {}  # by block, as ``halved`` came to know them
        self.pixels = pixels or self.trained
        self._mean, self._sd = (torch.tensor(values).view(3, 1, 1) for values in self.pixels.constants)

    @property
    def source(self) -> str:
        """Where weights and the normalisation of pixels were read, for the card; empty for weights from nowhere and usual pixels."""
        return "; ".join(read for read in (str(self.extra.get("source", "")), self.pixels.source) if read)

    @property
    def device(self) -> torch.device:
        return self._weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self._weight.dtype

    @property
    def _weight(self) -> Tensor:
        """The first of its weights, which tells where and in which precision all of them are."""
        return next((weight for weight in self.model.parameters() if weight.is_floating_point()), torch.empty(0))

    @property
    def blocks(self) -> Any:
        """The modules of its blocks, in their order."""
        raise NotImplementedError

    def attended(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        with self._without(self.mlp_adds, index) as only:
            return only.block(index, hidden)

    def fed(self, index: int, between: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        with self._without(self.attention_adds, index) as only:
            return only.inside(index, between)

    def halved(self, index: int, hidden: Hidden) -> tuple[Hidden, Hidden]:
        """One pass where a sub-module of the block is given what lies between its parts, as in every family of ours; else two."""
        if index not in self.gates:
            self.gates[index] = self._gate(index, hidden[:1])
        if not (gate := self.gates[index]):
            return super().halved(index, hidden)
        with given_to(self.blocks[index - 1], gate) as given:
            after = self._running(self._plain).block(index, hidden)
        return self.outward_of(index, given.pop()), after

    def _gate(self, index: int, clip: Float[Tensor, "clips tokens width"]) -> str:
        """See ``gate_of``; "" also where attention adds nothing to the clip that it is looked for with."""
        if not self.mlp_adds:
            raise self._without_parts()
        plain, found = self._plain, list[str]()

        def look(layer: nn.Module, own: Tensor, *rest: Any, **beside: Any) -> Tensor:
            run = partial(plain, layer, own, *rest, **beside)
            with silenced(layer, self.mlp_adds):
                between = run()
            found.append("" if torch.equal(between, own) else gate_of(layer, run, between))
            return own

        self._running(look).block(index, clip)
        return found[0]

    def inside(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        """A block without what its encoder does before it: itself, where that is nothing."""
        return self.block(index, hidden)

    @contextmanager
    def _without(self: Own, silent: tuple[str, ...], index: int) -> Iterator[Own]:
        """The same weights, with some of what a block adds silenced. Never compiled: a compiled block does not see that it is."""
        if not silent:
            raise self._without_parts()
        with silenced(self.blocks[index - 1], silent):
            yield self._running(self._plain)

    @property
    def _plain(self) -> BlockForward:
        return self.block_forward.plain if isinstance(self.block_forward, Compiled) else self.block_forward

    def _running(self: Own, forward: BlockForward) -> Own:
        """The same weights, whose blocks run otherwise."""
        twin = copy.copy(self)
        twin.block_forward = forward
        return twin

    def carded(self: Own, **changes: Any) -> Own:
        """The same weights with another card."""
        twin = copy.copy(self)
        twin.card = replace(self.card, **changes)
        return twin

    def to(self: Own, device: str | torch.device, dtype: torch.dtype | None = None) -> Own:
        self.model.to(device=device, dtype=dtype)
        return self

    def compile(self: Own) -> Own:
        """Itself, with its blocks compiled (see ``Compiled``)."""
        if not isinstance(self.block_forward, Compiled):
            self.block_forward = Compiled(self.block_forward)
        return self

    @property
    def compiled(self) -> bool:
        return isinstance(self.block_forward, Compiled) and not self.block_forward.failed

    def preprocess(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips frames 3 rows columns"]:
        """Pixels in [0, 1], normalised as the checkpoint's were in training."""
        return (video - self._mean.to(video)) / self._sd.to(video)

    def laid_out(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "*shape"]:
        """Normalised pixels as the module takes them: clips, or the images that they are made of."""
        pixels = self.preprocess(video.to(self.device)).to(self.dtype)
        return pixels.flatten(0, 1) if self.by_frame else pixels

    def outward(self, hidden: Float[Tensor, "inputs seen width"]) -> Float[Tensor, "clips tokens width"]:
        """The module's order of tokens (prefix first; of images frame by frame) -> ours (the grid, then what has no place)."""
        if not self.by_frame:
            return hidden.roll(-self.prefix, 1) if self.prefix else hidden
        clips = hidden.unflatten(0, (-1, self.card.frames))
        return torch.cat([clips[:, :, self.prefix :].flatten(1, 2), clips[:, :, : self.prefix].flatten(1, 2)], dim=1)

    def outward_of(self, index: int, hidden: Float[Tensor, "inputs seen width"]) -> Float[Tensor, "clips tokens width"]:
        """What lies in block ``index``, in our order."""
        return self.outward(hidden)

    def inward(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "inputs seen width"]:
        """Our order of tokens -> the module's."""
        if not self.by_frame:
            return hidden.roll(self.prefix, 1) if self.prefix else hidden
        places, frames = self.card.places, self.card.frames
        parts = [hidden[:, places:].unflatten(1, (frames, self.prefix)), hidden[:, :places].unflatten(1, (frames, -1))]
        return torch.cat(parts, dim=2).flatten(0, 1)


def weights_digest(module: nn.Module, beside: list[Any]) -> str:
    """Over ``beside`` (what the shapes do not tell), and names, shapes and float32 values of all weights; 16 hexadecimal digits."""
    digest = hashlib.sha256(json.dumps(beside).encode())
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name}{tuple(value.shape)}".encode())
        digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
