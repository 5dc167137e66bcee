"""VideoEncoder: the small interface behind which every frozen video encoder is studied.

The residual stream ``h_l`` is tokens x width after block ``l``: ``h_0`` is the patch embedding, ``h_depth`` the output of the
last block *before* the final norm. "Layer 7" always means "after block 7". A block writes to it twice: what its attention adds, then
what its feed-forward (MLP) adds, which sees the first (``attended``, ``fed``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, ClassVar, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.encoders.card import EncoderCard
from jepascope.encoders.precision import exact
from jepascope.errors import BadArgument

R = TypeVar("R")
Task = tuple[Any, ...]
Hidden = Float[Tensor, "clips tokens width"]
"""Hidden states of clips, in our order of tokens."""
Fits = Callable[[Callable[..., Any], Iterable[tuple[Any, Task]]], Iterator[Any]]
"""``VideoEncoder.fits``, or what stands in for it: work, tasks -> results in their order."""


def one_by_one(work: Callable[..., R], tasks: Iterable[tuple[Any, Task]], encoder: VideoEncoder | None = None) -> Iterator[R]:
    """``work(encoder, shared, *own)`` of every task ``(shared, own)``, one after the other in this process."""
    for shared, own in tasks:
        yield work(encoder, shared, *own)


class VideoEncoder(ABC):
    """A frozen encoder as a patch embedding, a list of blocks and a final norm."""

    card: EncoderCard
    theirs: ClassVar[str] = "its own forward"  # what ``reference`` is, in words
    rounding: ClassVar[float] = 0.0  # by which blocks one by one may differ from it in float32 on a CPU, as a share of the output's scale
    by_parts: ClassVar[bool] = False  # whether its layers are halves of blocks (``Halves``)
    apart: ClassVar[bool] = True  # whether a patch of pixels changes the embedding of its own token alone

    def __repr__(self) -> str:
        card = self.card
        also = "".join(f", {name}" for name, there in self._beside if there)
        return (
            f"{type(self).__name__}('{card.name}', {card.depth} blocks of width {card.width}, {card.frames} frames x {card.size} px, "
            f"tokens {' x '.join(map(str, card.grid))}{also}, {self.device})"
        )

    @property
    def _beside(self) -> tuple[tuple[str, bool], ...]:
        return (
            ("predictor", self.card.has_predictor),
            ("action-conditioned predictor", self.card.actions > 0),
            ("task head", self.card.has_head),
        )

    @abstractmethod
    def embed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Hidden:
        """``h_0`` of pixels in [0, 1]; normalisation of the pixels is the encoder's own business."""

    def placed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips seen width"]:
        """The grid's tokens before anything mixes them, where ``embed`` does: in it the self-test looks for the place of a patch."""
        return self.embed(video)

    @abstractmethod
    def block(self, index: int, hidden: Hidden) -> Hidden:
        """``h_index`` from ``h_(index - 1)``; blocks count from 1."""

    def attended(self, index: int, hidden: Hidden) -> Hidden:
        """The residual stream between the two parts of block ``index``: ``h_(index - 1)``, which is given, and what attention adds to it.

        BadArgument for an encoder that does not say what the parts of its blocks add.
        """
        raise self._without_parts()

    def fed(self, index: int, between: Hidden) -> Hidden:
        """``h_index`` from what ``attended`` returns: that, and what the feed-forward adds to it. ``block`` is both, in turn."""
        raise self._without_parts()

    def halved(self, index: int, hidden: Hidden) -> tuple[Hidden, Hidden]:
        """What ``attended`` and ``block`` return of one input, from one pass where an encoder can tell both from it."""
        return (between := self.attended(index, hidden)), self.fed(index, between)

    def parts(self, index: int, hidden: Hidden) -> tuple[Hidden, Hidden]:
        """What attention and feed-forward of block ``index`` add to the residual stream (PARTS), in float32 at least: their sum is the
        block's change of it."""
        before, (between, after) = exact(hidden), map(exact, self.halved(index, hidden))
        return between - before, after - between

    def through(self, hidden: Hidden) -> Iterator[Hidden]:
        """``h_0``, which is given, and then every layer, each from the one before."""
        yield hidden
        for index in range(1, self.card.depth + 1):
            hidden = self.block(index, hidden)
            yield hidden

    @abstractmethod
    def norm(self, hidden: Hidden) -> Hidden:
        """The final norm."""

    @abstractmethod
    def untrained(self, seed: int) -> VideoEncoder:
        """A twin of the same architecture with fresh weights."""

    def no_twin(self) -> str:
        """Why there is no untrained twin; "" where there is one."""
        return ""

    @abstractmethod
    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> VideoEncoder:
        """The same encoder on another device."""

    @property
    @abstractmethod
    def device(self) -> torch.device: ...

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """Of its weights, and of the hidden states that its blocks take and give."""

    @property
    def compiled(self) -> bool:
        """Whether its blocks run as torch.compile made them."""
        return False

    def at(self, frames: int, size: int) -> VideoEncoder:
        """The same encoder for clips of another length or size; BadArgument where it takes one alone."""
        raise BadArgument(f"Encoder '{self.card.name}' takes clips of {self.card.frames} frames of {self.card.size} pixels alone.")

    def shortest(self) -> VideoEncoder:
        """The same encoder for the shortest clips that a self-test can do with."""
        return self

    def reference(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Hidden:
        """Final-norm latents by another way than block by block, which the self-test holds the blocks against; here there is no other."""
        return self.norm(self.run(self.embed(video), 0))

    def compile(self) -> VideoEncoder:
        """Itself, with compiled blocks; BadArgument where they cannot be."""
        raise BadArgument(f"Encoder '{self.card.name}' cannot be compiled; run it without --compile.")

    @property
    def context_layers(self) -> tuple[int, ...]:
        """Layers whose hidden states the predictor is shown, the last one last."""
        return (self.card.depth,)

    def context(self, states: Mapping[int, Hidden]) -> Float[Tensor, "clips tokens shown"]:
        """What the predictor is shown of hidden states at ``context_layers``, by layer: final-norm latents."""
        return self.norm(states[self.card.depth])

    def forecast(
        self,
        context: Float[Tensor, "clips context shown"],
        context_ids: Int[Tensor, "clips context"],
        target_ids: Int[Tensor, "clips targets"],
    ) -> Float[Tensor, "clips targets width"]:
        """The predictor's latents at ``target_ids`` from ``context`` at ``context_ids``; BadArgument without a predictor."""
        raise self._without_predictor()

    def forecast_space(self, latents: Hidden) -> Hidden:
        """Final-norm latents of whole clips as the predictor was trained to predict them; BadArgument without a predictor."""
        raise self._without_predictor()

    def rollout(
        self,
        context: Float[Tensor, "clips context width"],
        actions: Float[Tensor, "clips steps action"],
        states: Float[Tensor, "clips times state"] | None = None,
    ) -> Float[Tensor, "clips future width"]:
        """Latents of the times after ``context``, step by step from its own output, in the space of ``forecast_space``.

        ``context``: final-norm latents of a clip's first times. ``actions[:, i]`` leads from time i to time i + 1, so that there is one
        action less than times; ``states`` are those that were recorded at every time. A later action changes no earlier latent.
        BadArgument for an encoder whose predictor is given no actions.
        """
        raise BadArgument(
            f"Encoder '{self.card.name}' cannot be rolled out: no predictor of it is given actions; choose a world model that has one."
        )

    def head_logits(self, hidden: Hidden) -> Float[Tensor, "clips labels"]:
        """What the checkpoint's own task head says of ``h_depth`` (before the final norm); BadArgument without a head."""
        raise self._without_head()

    @property
    def head_labels(self) -> tuple[str, ...]:
        """Names of the logits, in their order; BadArgument without a head."""
        raise self._without_head()

    def _without_predictor(self) -> BadArgument:
        if said := self.card.forecasts:
            return BadArgument(f"Encoder '{self.card.name}': {said}; choose a checkpoint whose predictor forecasts its own latents.")
        return BadArgument(f"Encoder '{self.card.name}' has no predictor, so it cannot forecast; choose a checkpoint that holds one.")

    def _without_head(self) -> BadArgument:
        return BadArgument(
            f"Encoder '{self.card.name}' has no task head, so it has no labels and no logits; "
            "choose a classifier checkpoint, such as facebook/vjepa2-vitl-fpc16-256-ssv2."
        )

    def _without_parts(self) -> BadArgument:
        return BadArgument(
            f"Encoder '{self.card.name}' does not say what the parts of its blocks add; nothing can be read or edited there, only in the "
            "residual stream after a block. For a module of your own name them: wrap(..., attention=..., mlp=...)."
        )

    def describe(self) -> dict[str, Any]:
        """Provenance: everything a report says about the encoder."""
        return asdict(self.card)

    def map(self, work: Callable[..., R], tasks: Iterable[tuple[Any, Task]]) -> Iterator[R]:
        """``work(encoder, shared, *own)`` of every task ``(shared, own)``, in their order.

        The one place where passes are handed out: here they run one after the other, in this process; an encoder of an engine hands them
        to its workers, with the same results. ``work`` is a function of a module and keeps nothing between calls; tasks are taken from
        the iterable as they are worked off, so that it may make large ones; what several tasks share is sent to a worker once.
        """
        return one_by_one(work, tasks, self)

    def fits(self, work: Callable[..., R], tasks: Iterable[tuple[Any, Task]]) -> Iterator[R]:
        """``map`` for work that reads this machine's files and computes on its processor, such as fits of probes: to processes of this
        machine where an engine has them, else one after the other in this process."""
        return one_by_one(work, tasks, self)

    def close(self) -> None:  # noqa: B027, most have nothing to do
        """Let go of what an engine began for it; nothing where there is none."""

    def run(self, hidden: Hidden, start: int, stop: int | None = None) -> Hidden:
        """``h_stop`` from ``h_start`` (blocks start+1 .. stop): the suffix re-run. ``stop`` defaults to the last block."""
        stop = self.card.depth if stop is None else stop
        if not 0 <= start <= stop <= self.card.depth:
            raise BadArgument(f"Encoder '{self.card.name}' has layers 0..{self.card.depth}; blocks {start}..{stop} do not exist.")
        for index in range(start + 1, stop + 1):
            hidden = self.block(index, hidden)
        return hidden

    def states(self, hidden: Hidden, start: int, layers: Iterable[int]) -> dict[int, Hidden]:
        """``h_layer`` of some layers, from ``h_start``."""
        kept = {}
        for layer in sorted(set(layers)):
            hidden, start = self.run(hidden, start, layer), layer
            kept[layer] = hidden
        return kept

    def check_video(self, video: Tensor) -> None:
        """Refuse what the library would silently crop, repeat or misplace (odd frame counts, off-grid sizes)."""
        card = self.card
        if video.ndim != 5 or video.shape[2] != 3:
            raise BadArgument(f"Encoder '{card.name}' takes video of shape (clips, frames, 3, height, width), not {tuple(video.shape)}.")
        if video.shape[1] != card.frames or tuple(video.shape[3:]) != (card.size, card.size):
            raise BadArgument(
                f"Encoder '{card.name}' is set up for {card.frames} frames of {card.size} x {card.size} pixels, "
                f"not {video.shape[1]} of {video.shape[3]} x {video.shape[4]}; "
                f"render the clips with .at({card.frames}, {card.size}) or set the encoder with .at(...)."
            )
