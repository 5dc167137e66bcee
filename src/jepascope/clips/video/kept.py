"""Answers about files that took long to find, kept on disk, so that a study that goes on need not decode its videos once more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache as cache_once
from pathlib import Path
from typing import Any

from jepascope.disk.folder import Folder
from jepascope.disk.plain import value_of
from jepascope.errors import RunFolderError


def kept(cache: Path | None, asked: Mapping[str, Any], find: Callable[[], Any]) -> Any:
    """What ``find`` answers (as JSON holds it): from the cache if the same was asked before, else found and kept.

    ``asked`` is all that the answer depends on: contents of files, versions of rules. A kept answer that is not, by its checksum, what was
    written is found again. A cache that cannot be written to is done without.
    """
    if cache is None:
        return find()
    files, name = Folder(cache), f"{_digest(json.dumps(asked, sort_keys=True))[:32]}.json"
    _sweep(cache)
    with suppress(OSError, ValueError, RunFolderError):  # not there, or damaged
        checksum, _, text = files.read(name).decode().partition("\n")
        if checksum == _digest(text):
            return value_of(text)
    answer = find()
    text = json.dumps(answer)
    with suppress(RunFolderError):
        files.write(name, f"{_digest(text)}\n{text}")
    return answer


@cache_once
def _sweep(cache: Path) -> None:
    """Once a process: the folder may hold an answer for every video there is."""
    Folder(cache).sweep()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
