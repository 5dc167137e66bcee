"""Code that a file names: it is refused until somebody says that it may run. Imports neither torch nor pandas."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from jepascope.catalog import is_code
from jepascope.errors import BadArgument

FIELDS = ("model", "clips", "port_clips", "finders", "edits", "judges", "extra_controls")
"""Fields of a spec that may name code."""

_TRUSTED: ContextVar[bool] = ContextVar("trusted", default=False)


@contextmanager
def trusting(code: bool = True) -> Iterator[None]:
    """While this is open, code that spec files and run folders name may run (``--trust-code``)."""
    token = _TRUSTED.set(code or _TRUSTED.get())
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def trusted(name: str, named: Collection[str] = ()) -> bool:
    """Whether what a file names may run: what is no code, what somebody ``named`` besides, and everything while that is said."""
    return _TRUSTED.get() or not is_code(name) or name in named


def code_named(values: Mapping[str, Any]) -> list[str]:
    """The code that the fields of a spec name."""
    given = [values.get(field) for field in FIELDS]
    names = [name for value in given for name in (value if isinstance(value, list | tuple) else [value])]
    return [name for name in names if isinstance(name, str) and is_code(name)]


def check_code(values: Mapping[str, Any], file: Path, named: Collection[str] = ()) -> None:
    """BadArgument where a file names code that nobody has said may run; ``named`` is what was named outside the file."""
    if refused := [name for name in code_named(values) if not trusted(name, named)]:
        raise BadArgument(
            f"'{file}' names code that would be run ({', '.join(refused)}), and a file may come from anywhere: look at that code, and if "
            "you trust it add --trust-code to the command (in Python: with jepascope.trusting(): ...)."
        )
