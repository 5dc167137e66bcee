"""Where precision is not the machine's to choose."""

from __future__ import annotations

import torch
from torch import Tensor


def exact(x: Tensor) -> Tensor:
    """The same numbers in float32 at least: what is subtracted, summed or judged, whatever the blocks run in."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
