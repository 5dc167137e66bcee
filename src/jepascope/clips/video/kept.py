"""Answers about files that took long to find, kept on disk, so that a study that goes on need not decode its videos once more."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def kept(cache: Path | None, asked: Mapping[str, Any], find: Callable[[], Any]) -> Any:
    """What ``find`` answers (as JSON holds it): from the cache if the same was asked before, else found and kept.

    ``asked`` is all that the answer depends on: contents of files, versions of rules. A kept answer that is not, by its checksum, what was
    written is found again. A cache that cannot be written to is done without.
    """
    if cache is None:
        return find()
    path = cache / f"{_digest(json.dumps(asked, sort_keys=True))[:32]}.json"
    try:
        checksum, _, text = path.read_text(encoding="utf-8").partition("\n")
        if checksum == _digest(text):
            return json.loads(text)
    except (OSError, ValueError):
        pass  # not there, or damaged
    answer = find()
    text = json.dumps(answer)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=cache, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{_digest(text)}\n{text}")
        os.replace(temporary, path)  # whole or not at all, whoever else writes
    except OSError:
        pass
    return answer


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
