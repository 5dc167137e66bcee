"""What callers of the Python functions may give: for an array a torch tensor, a NumPy array or lists of numbers; for a whole number
Python's or NumPy's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jepascope.errors import BadArgument

ArrayLike = Tensor | np.ndarray | Sequence[Any]


def as_tensor(given: object, what: str, dimensions: int, dtype: torch.dtype | None = torch.float32) -> Tensor:
    """``given`` as a tensor of ``dtype`` on the CPU. BadArgument, naming ``what``, for anything that is no array of so many dimensions.

    Without a ``dtype`` floating numbers stay as precise as they are. Other than a tensor's, the memory is copied: a later change of the
    caller's array changes nothing here.
    """
    whole = dtype is not None and not dtype.is_floating_point
    try:
        tensor = given.detach().cpu() if isinstance(given, Tensor) else torch.from_numpy(np.array(given, order="C"))
        if tensor.is_complex() or (tensor.is_floating_point() and whole):
            raise TypeError(tensor.dtype)
    except (TypeError, ValueError, RuntimeError):
        kind = "whole numbers" if whole else "numbers"
        raise BadArgument(
            f"{what} must be a torch tensor, a NumPy array or lists of {kind}, not {_described(given)}; convert it first, for example with "
            "numpy.asarray."
        ) from None
    if tensor.ndim != dimensions:
        raise BadArgument(f"{what} must have {dimensions} dimension(s), not the shape {tuple(tensor.shape)}; reshape it first.")
    return tensor.to(dtype or (tensor.dtype if tensor.is_floating_point() else torch.float32))


def as_whole(given: object, name: str) -> int:
    """A whole number as Python's own; BadArgument, with the ``name`` of the argument, for anything else."""
    if not isinstance(given, int | np.integer) or isinstance(given, bool):
        raise BadArgument(f"{name}: must be a whole number (given: {given!r}).")
    return int(given)


def _described(given: object) -> str:
    dtype = getattr(given, "dtype", None)
    return f"{type(given).__name__}" + (f" of {dtype}" if dtype is not None else "")
