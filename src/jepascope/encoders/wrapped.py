"""WrappedEncoder: a module of somebody else's behind the VideoEncoder interface (see ``wrap``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from jepascope.encoders.blocks_called import Forward, first_input, same, seen
from jepascope.encoders.card import EncoderCard
from jepascope.encoders.compiled import layer_forward
from jepascope.encoders.fresh import fresh, not_fresh
from jepascope.encoders.frozen import FrozenModel, weights_digest
from jepascope.encoders.pixels import Pixels
from jepascope.errors import BadArgument, first_line


class WrappedEncoder(FrozenModel):
    """A module of one's own: its blocks called one by one, as its forward calls them, in its own order of tokens (prefix first)."""

    rounding, apart = 1e-6, False  # another layout in memory may round otherwise, and a stem of convolutions may overlap
    fresh: Callable[[int], nn.Module] | None = None

    def __init__(
        self,
        module: nn.Module,
        blocks: str,
        norm: str | None,
        card: EncoderCard,
        layout: str,
        prefix: int,
        pixels: Pixels,
        forward: Callable[[nn.Module, Tensor], Any] | None,
        adds: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    ) -> None:
        super().__init__(module, None, pixels)
        self.attention_adds, self.mlp_adds = adds
        self.listed, self.last = _blocks(module, blocks), None if norm is None else _part(module, norm, "norm")
        self.where, self.layout, self.own_forward = (blocks, norm), layout, forward
        self.by_frame, self.prefix = layout == "bchw", prefix
        self.card, self.block_forward = card, layer_forward
        extra = prefix * (card.frames if self.by_frame else 1)
        kind = f"{type(module).__module__}.{type(module).__qualname__}"
        described = {**vars(card), "name": "", "blocks": blocks, "norm": norm, "layout": layout, "prefix": prefix}
        self.card = replace(
            card,
            width=self._learn().shape[-1],
            depth=len(self.blocks),
            digest=weights_digest(module, [type(module).__qualname__, described, pixels.constants, _plain(module)]),
            extra=extra,
            source=f"a module of one's own: {kind}",
        )

    @property
    def blocks(self) -> list[nn.Module]:
        return self.listed

    def no_twin(self) -> str:
        return "" if self.fresh is not None else not_fresh(self.model)

    def untrained(self, seed: int) -> WrappedEncoder:
        module = fresh(self.model, seed) if self.fresh is None else self.fresh(seed)
        card = replace(self.card, name=f"{self.card.name}-untrained-{seed}")
        twin = WrappedEncoder(
            module, *self.where, card, self.layout, self.prefix, self.pixels, self.own_forward, (self.attention_adds, self.mlp_adds)
        )
        twin.block_forward = self.block_forward
        return twin.to(self.device, self.dtype)

    def at(self, frames: int, size: int) -> WrappedEncoder:
        """Any number of frames for an encoder of images; else the length and size that it was wrapped for alone."""
        if (frames, size) == (self.card.frames, self.card.size):
            return self
        if not self.by_frame or size != self.card.size or frames < 1:
            super().at(frames, size)
        return self.carded(frames=frames, grid=(frames, *self.card.grid[1:]), extra=self.prefix * frames)

    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> WrappedEncoder:
        """Itself, moved, with the arguments of its blocks."""
        super().to(device, dtype)
        self._learn()
        return self

    def embed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        self.check_video(video)
        pixels = self.laid_out(video)
        return self.outward(first_input(self.blocks, lambda: self._run(pixels)))

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        own = self.inward(hidden)
        call = self.calls[index - 1].of(self.doubles[index - 1], len(own))
        return self.outward(self.block_forward(self.blocks[index - 1], own, *call.rest, **call.beside))

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return hidden if self.last is None else self.outward(layer_forward(self.last, self.inward(hidden)))

    def reference(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        """What the module's own forward has after its norm, or after its last block where it was given none."""
        return self.outward(self._final(self._forward(self.laid_out(video))))

    def _learn(self) -> Forward:
        """How its forward calls its blocks: of one input, again, and of two. BadArgument where that cannot be repeated without it."""
        shape = (2, 3, self.card.size, self.card.size) if self.by_frame else (2, self.card.frames, 3, self.card.size, self.card.size)
        video = torch.rand(shape, generator=torch.Generator().manual_seed(2))
        pixels = self.laid_out(video[:, None] if self.by_frame else video)
        with torch.inference_mode(False), torch.no_grad():  # later passes with gradients must be able to use what is kept of this one
            single, again, double = (self._forward(pixels[:count].clone()) for count in (1, 1, 2))
            if not same(self._final(single), self._final(again)):
                raise self._refused("its forward gives another result each time (dropout, or random masking?)")
            for index, (call, doubled) in enumerate(zip(single.calls, double.calls, strict=True), 1):
                if not call.repeats(doubled):
                    raise self._refused(
                        f"block {index} is called with an argument that changes with the pixels, or from clip to clip "
                        f"({', '.join(call.beside) or 'given by position'})"
                    )
        self.calls, self.doubles = single.calls, double.calls
        return single

    def _forward(self, pixels: Tensor) -> Forward:
        """One forward, checked against what wrap was told."""
        try:
            forward = seen(self.blocks, self.last, lambda: self._run(pixels))
        except BadArgument as error:
            raise self._refused(str(error)) from None
        except Exception as error:  # a module of somebody else's may raise anything
            raise self._refused(
                f"its forward cannot take a video of shape {tuple(pixels.shape)} ({self.layout}): {type(error).__name__}, "
                f"{first_line(error)[:200]}"
            ) from error
        if forward.order != list(range(1, len(self.blocks) + 1)):
            raise self._refused(
                f"its forward calls blocks {forward.order or 'none'}, not each of {len(self.blocks)} once and in their order"
            )
        _, rows, columns = self.card.grid
        places = rows * columns * (1 if self.by_frame else self.card.grid[0])
        if len(forward.shape) != 3 or forward.shape[:2] != (len(pixels), places + self.prefix):
            grid = "grid=({}, {}, {})".format(*self.card.grid)
            raise self._refused(
                f"its blocks get hidden states of {forward.shape} for {len(pixels)} {'images' if self.by_frame else 'clips'}, and {grid} "
                f"with prefix={self.prefix} makes {places + self.prefix} tokens"
            )
        if self.last is not None and forward.normed is None:
            raise self._refused(f"its '{self.where[1]}' is not given what the last block returns; name the norm that is, or leave it out")
        output = (
            forward.out
            if isinstance(forward.out, Tensor)
            else next(iter(getattr(forward.out, "values", lambda: forward.out)() or ()), None)
        )
        if self.last is None and isinstance(output, Tensor) and output.shape == forward.last.shape and not same(output, forward.last):
            raise self._refused("its forward does more after its last block; name that module with norm")
        return forward

    def _final(self, forward: Forward) -> Tensor:
        return forward.last if forward.normed is None else forward.normed

    def _run(self, pixels: Tensor) -> Any:
        """The module's own forward."""
        return self.model(pixels) if self.own_forward is None else self.own_forward(self.model, pixels)

    def laid_out(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "*shape"]:
        pixels = super().laid_out(video)
        return pixels.transpose(1, 2) if self.layout == "bcthw" else pixels

    def _refused(self, what: str) -> BadArgument:
        return BadArgument(f"wrap cannot run {type(self.model).__name__}: {what}.")


def _part(module: nn.Module, path: str, what: str) -> Any:
    try:
        return module.get_submodule(path)
    except AttributeError:
        lists = [f"{at} ({len(part)})" for at, part in module.named_modules() if isinstance(part, nn.ModuleList | nn.Sequential)]
        raise BadArgument(
            f"wrap cannot run {type(module).__name__}: it has no '{path}', as {what} says; its lists of modules are "
            f"{', '.join(lists[:8]) or 'none'}, and its parts {', '.join(name for name, _ in module.named_children()) or 'none'}."
        ) from None


def _blocks(module: nn.Module, path: str) -> list[nn.Module]:
    blocks = _part(module, path, "blocks")
    if not isinstance(blocks, nn.ModuleList | nn.Sequential) or not len(blocks):
        raise BadArgument(f"wrap cannot run {type(module).__name__}: its '{path}' is a {type(blocks).__name__}, not a list of blocks.")
    return list(blocks)


def _plain(module: nn.Module) -> list[Any]:
    """Plain attributes of all its parts (numbers of heads, scales, names of activations): what changes the output of the same weights."""
    kept = (bool, int, float, str)
    return [
        [
            name,
            type(part).__name__,
            sorted((key, value) for key, value in vars(part).items() if isinstance(value, kept) and key != "training"),
        ]
        for name, part in module.named_modules()
    ]
