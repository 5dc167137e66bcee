"""Answers about files that took long to find, kept on disk, so that a study that goes on need not decode its videos once more."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

MAX_BYTES = 50_000_000


def kept(cache: Path | None, asked: Mapping[str, Any], check: Callable[[Any], bool], find: Callable[[], Any]) -> Any:
    """What ``find`` answers (as JSON holds it): from the cache if the same was asked before, else found and kept.

    ``asked`` is all that the answer depends on: contents of files, versions of rules. A kept answer that cannot be read, or that
    ``check`` does not accept, is found again. A cache that cannot be written to is done without.
    """
    if cache is None:
        return find()
    text = json.dumps(asked, sort_keys=True)
    path = cache / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"
    try:
        if path.stat().st_size <= MAX_BYTES:
            answer = json.loads(path.read_text(encoding="utf-8"))
            if check(answer):
                return answer
    except (OSError, ValueError, RecursionError):
        pass  # not there, or damaged
    answer = find()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=cache, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(answer, file)
        os.replace(temporary, path)  # whole or not at all, whoever else writes
    except OSError:
        pass
    return answer
