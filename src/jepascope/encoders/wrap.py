"""wrap: a VideoEncoder of any torch module whose forward runs a list of blocks, believed only after it passed the self-test.

>>> encoder = js.wrap(model, blocks="encoder.layers", norm="encoder.norm", frames=16, size=64, grid=(8, 8, 8))
>>> encoder = js.wrap(timm_model, blocks="blocks", norm="norm", layout="bchw", prefix=1, frames=8, size=224, grid=(8, 14, 14))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from jepascope.encoders.card import EncoderCard
from jepascope.encoders.pixels import Pixels
from jepascope.encoders.selftest import parts_test, self_test
from jepascope.encoders.wrapped import WrappedEncoder
from jepascope.errors import BadArgument, BadCheckpoint

LAYOUTS = {
    "btchw": "clips, frames, channels, rows, columns",
    "bcthw": "clips, channels, frames, rows, columns",
    "bchw": "frames one by one: images, channels, rows, columns",
}
PLAIN = Pixels((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))  # pixels as they are, from 0 to 1


def wrap(
    module: nn.Module,
    blocks: str,
    norm: str | None = None,
    *,
    frames: int,
    size: int,
    grid: Sequence[int],
    layout: str = "btchw",
    prefix: int = 0,
    mean: Sequence[float] = PLAIN.mean,
    sd: Sequence[float] = PLAIN.sd,
    name: str = "",
    attention: str | Sequence[str] = (),
    mlp: str | Sequence[str] = (),
    forward: Callable[[nn.Module, Tensor], Any] | None = None,
    untrained: Callable[[int], nn.Module] | None = None,
) -> WrappedEncoder:
    """``module`` as an encoder; it is set to eval and its weights are frozen.

    ``blocks``: where the list of blocks lies in it (``"encoder.layers"``); ``norm``: the module that normalises the last block's output,
    where there is one. ``frames`` and ``size`` (pixels a side) are those of a clip, ``grid`` its tokens in time, rows and columns.
    ``layout``: how it takes a video (LAYOUTS; ``bchw`` runs an encoder of images frame by frame). ``prefix``: tokens before the grid's
    that belong to no place (class, registers), of a clip or of a frame. ``mean`` and ``sd`` normalise pixels in [0, 1].
    ``attention`` and ``mlp``: the sub-module of a block (or several) whose output its attention, or its feed-forward, adds to the residual
    stream (without them nothing can be read or edited there).
    ``forward(module, video)`` runs it where ``module(video)`` does not. ``untrained(seed)`` makes a module with fresh weights.

    The blocks are then called one by one, with the arguments that the forward gave them. BadArgument, in one sentence that says what
    was seen, for a module that cannot be run so.
    """
    if not isinstance(module, nn.Module):
        raise BadArgument(f"wrap takes a torch module, not {type(module).__name__}.")
    name = name or type(module).__name__
    shown = ", ".join(f"{layout} ({meaning})" for layout, meaning in LAYOUTS.items())
    if layout not in LAYOUTS:
        raise BadArgument(f"wrap: there is no layout '{layout}'; layouts are {shown}.")
    if len(grid) != 3 or not all(map(_counts, (frames, size, *grid))):
        raise BadArgument(f"wrap: frames, size and the three numbers of grid are whole and at least 1, not {frames}, {size} and {grid}.")
    times, rows, columns = grid
    if frames % times or size % rows or size % columns or (layout == "bchw" and times != frames):
        raise BadArgument(f"wrap: a grid of {times} x {rows} x {columns} tokens does not fit clips of {frames} frames of {size} pixels.")
    if not _counts(prefix, 0):
        raise BadArgument(f"wrap: prefix is a number of tokens, not {prefix!r}.")
    card, adds = EncoderCard(name, 1, 1, frames, size, (times, rows, columns), ""), _adding(attention, mlp)
    encoder = WrappedEncoder(module, blocks, norm, card, layout, prefix, _pixels(mean, sd), forward, adds)
    encoder.fresh = untrained
    try:
        self_test(encoder)
        if all(adds):
            parts_test(encoder)
    except BadCheckpoint as error:
        raise BadArgument(f"wrap: {error}") from None
    return encoder


def _counts(value: Any, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _adding(attention: str | Sequence[str], mlp: str | Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sub-modules of a block that its attention and its feed-forward add through."""
    if bool(attention) != bool(mlp):
        raise BadArgument("wrap: attention and mlp are named together, or neither is.")
    first, second = ((names,) if isinstance(names, str) and names else tuple(names) for names in (attention, mlp))
    return first, second


def _pixels(mean: Sequence[float], sd: Sequence[float]) -> Pixels:
    if len(mean) != 3 or len(sd) != 3 or min(sd) <= 0:
        raise BadArgument(f"wrap: mean and sd are three numbers, one a colour, and sd is above 0, not {list(mean)} and {list(sd)}.")
    (r, g, b), (x, y, z) = map(float, mean), map(float, sd)
    return Pixels((r, g, b), (x, y, z))
