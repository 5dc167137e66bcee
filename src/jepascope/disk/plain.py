"""JSON from a folder that may come from a stranger: an object of bounded size, depth and numbers.

NaN and infinities are read, since older versions wrote them; we do not write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jepascope.disk.folder import Folder
from jepascope.disk.refusals import damaged

LARGEST = 1 << 26  # bytes: claims of the largest study are a hundredth of that
DEEPEST = 32  # levels of objects and lists within each other
DIGITS = 18  # of a whole number, so that every one fits 64 bits


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > DIGITS:
        raise ValueError(f"it holds a whole number of {len(digits)} digits")
    return int(digits)


def depth(value: Any) -> int:
    """Levels of objects and lists within each other; 0 for a number or a text. Does not recurse."""
    deepest, open_ = 0, [(value, 1)]
    while open_:
        current, level = open_.pop()
        inside = current.values() if isinstance(current, dict) else current if isinstance(current, list) else None
        if inside is not None:
            deepest = max(deepest, level)
            open_.extend((each, level + 1) for each in inside)
    return deepest


def value_of(contents: bytes | str) -> Any:
    """What the JSON in ``contents`` says, whatever it is. ValueError where it is none."""
    try:
        value = json.loads(contents if isinstance(contents, str) else contents.decode(), parse_int=_whole)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels") from None
    if depth(value) > DEEPEST:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels")
    return value


def parsed(contents: bytes | str) -> dict[str, Any]:
    """The JSON object that ``contents`` holds. ValueError says why there is none."""
    value = value_of(contents)
    if not isinstance(value, dict):
        raise ValueError("it holds no JSON object")
    return value


def read_object(folder: Folder, name: str) -> dict[str, Any]:
    """The JSON object in a file. FileNotFoundError where there is none, RunFolderError where it is something else."""
    contents = folder.read(name, LARGEST)
    try:
        return parsed(contents)
    except ValueError as error:
        raise damaged(Path(folder.root, name), error) from None


def written(value: Any) -> bytes:
    """The bytes of a JSON file: one space a level, a line break at the end, no NaN."""
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()
