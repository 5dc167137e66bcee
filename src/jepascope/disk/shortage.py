"""What the system refuses or lacks, told apart from damage: a file that memory did not suffice for is whole, and not to be deleted."""

from __future__ import annotations

import errno
import os
import re

from safetensors import SafetensorError

OUT_OF_MEMORY = "memory ran out"
HANDLES = "too many files are open"
REFUSED = {
    errno.ENOMEM: OUT_OF_MEMORY,
    errno.EMFILE: HANDLES,
    errno.ENFILE: HANDLES,
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full",
}
REMEDIES = {
    OUT_OF_MEMORY: "Close other programs, or use a machine with more memory",
    HANDLES: "Raise the limit (ulimit -n 4096)",
    "permission is denied": "Make the file and the folders above it readable",
    "the disk is full": "Free some space",
}
MEMORY = ("can't allocate memory", "out of memory", "std::bad_alloc", os.strerror(errno.ENOMEM).lower())
OWN_WORDS = re.compile(r"\(os error (\d+)\)")  # how safetensors reports the system's errors, as text


def shortage(error: BaseException) -> str | None:
    """What was refused or lacking, one of REMEDIES, where ``error`` says so in whatever library's words; None: it means something else."""
    said = str(error)
    if isinstance(error, OSError) and error.errno in REFUSED:
        return REFUSED[error.errno]
    if isinstance(error, SafetensorError) and (number := OWN_WORDS.search(said)):
        return REFUSED.get(int(number[1]))
    memory = isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | OSError) and any(words in said.lower() for words in MEMORY)
    )
    return OUT_OF_MEMORY if memory else None
