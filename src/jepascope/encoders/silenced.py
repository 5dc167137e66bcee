"""A block with one of its parts silenced: what the others add to the residual stream, by the library's own forward and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def reached(block: nn.Module, names: Iterable[str]) -> list[nn.Module]:
    """Those of the named sub-modules that the block has: names differ between releases of a library, and between sizes of a family."""
    return [part for name, part in block.named_modules() if name in set(names)]


@contextmanager
def silenced(block: nn.Module, names: Iterable[str]) -> Iterator[None]:
    """In this context the named sub-modules of a block return zeros. Adding zero changes no bit of what it is added to."""
    handles = [part.register_forward_hook(_silent) for part in reached(block, names)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _silent(part: nn.Module, given: Any, out: Any) -> Any:
    """Zeros for the output, or for the first of several things."""
    return torch.zeros_like(out) if isinstance(out, Tensor) else (torch.zeros_like(out[0]), *out[1:])
