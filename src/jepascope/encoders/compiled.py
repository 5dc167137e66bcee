"""Blocks through torch.compile: one compilation for all blocks, or none, said in one line, where no compiler works."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from jepascope.encoders.blocks_called import hidden_of
from jepascope.errors import first_line

RECOMPILATIONS = 64  # torch gives up after 8: two models, two lengths, with and without gradients, and single clips are more

BlockForward = Callable[..., Tensor]
"""``forward(layer, hidden, ...)``: one block, with its module as an argument."""

log = logging.getLogger(__name__)


def layer_forward(layer: nn.Module, hidden: Tensor, *rest: Any, **beside: Any) -> Tensor:
    """One block of a library that returns its hidden states alone, or as the first of several things."""
    return hidden_of(layer(hidden, *rest, **beside))  # type: ignore[no-any-return]


class Compiled:
    """A block's forward, compiled when first called and once more for other token counts, single clips and gradients.

    The module is an argument and its weights are inputs of what is compiled, so that all blocks of an encoder, and its untrained twins,
    share one compilation; the number of clips is left open. Where compiling fails, the blocks run as they are from then on.
    """

    def __init__(self, forward: BlockForward) -> None:
        self.plain = forward
        self.failed = False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch about its own parts, while it imports them
            import torch._dynamo

            torch._dynamo.config.recompile_limit = max(RECOMPILATIONS, torch._dynamo.config.recompile_limit)
            self.fast = torch.compile(forward)

    def __call__(self, layer: nn.Module, hidden: Tensor, *rest: Any, **beside: Any) -> Tensor:
        if not self.failed:
            hidden = hidden.contiguous()  # embeddings come transposed, and each memory layout would be compiled for itself
            torch._dynamo.maybe_mark_dynamic(hidden, 0)
            try:
                return self.fast(layer, hidden, *rest, **beside)
            except torch._dynamo.exc.TorchDynamoException as error:
                self.failed = True
                log.warning("The blocks are not compiled, and run as they are: %s", first_line(error)[:300])
        return self.plain(layer, hidden, *rest, **beside)
