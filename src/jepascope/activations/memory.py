"""Batches that adapt to memory: halve on out-of-memory, go on, say so."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch

from jepascope.errors import JepascopeError

log = logging.getLogger(__name__)


def in_batches(total: int, batch: int, run: Callable[[slice], None], what: str = "clips") -> int:
    """Call ``run`` on consecutive slices of at most ``batch`` items; returns the batch size that fitted.

    A slice that raises out-of-memory is tried again at half the size, and so are all that follow. ``run`` must keep
    nothing of a slice that failed.
    """
    start = 0
    while start < total:
        try:
            run(slice(start, min(start + batch, total)))
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            tried = min(batch, total - start)
            if tried == 1:
                raise JepascopeError(
                    f"One of the {what} alone does not fit in the memory of the device; "
                    "use a device with more memory, a smaller encoder or fewer frames."
                ) from None
            batch = tried // 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            log.warning("Out of memory with %d %s a batch; going on with %d.", tried, what, batch)
        else:
            start += batch
    return batch


def out_of_memory(error: Exception) -> bool:
    """Whether it says so: devices have an error of their own, and on a CPU torch raises a plain one."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
