"""A checkpoint that could not be read because memory, handles or permission were lacking: it is whole, and need not be downloaded again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from jepascope.disk.shortage import OUT_OF_MEMORY, REMEDIES, shortage
from jepascope.errors import JepascopeError

CLAIMED = 8  # times what the files hold: a claim of more is of a file that is not what was written


def kept_away(name: str | Path, error: BaseException, files: Iterable[Path] = ()) -> JepascopeError | None:
    """What to raise where ``error`` says that something was lacking while the model ``name`` was read; None where its ``files`` may be
    damaged or claim more than they hold."""
    lack = shortage(error)
    if lack is None:
        return None
    if lack != OUT_OF_MEMORY:
        return JepascopeError(f"'{name}' could not be loaded: {lack}. {REMEDIES[lack]} and run again.")
    size = sum(path.stat().st_size for path in files if path.exists())
    if (asked := re.search(r"allocate (\d+) bytes", str(error))) and int(asked[1]) > CLAIMED * size:
        return None
    return JepascopeError(
        f"Memory ran out while '{name}' was loaded: its weights are {size / 1e9:.2g} GB, and loading holds them twice, in float32 whatever "
        f"--dtype says. {REMEDIES[lack]}, or a smaller model (`jepascope models`)."
    )
