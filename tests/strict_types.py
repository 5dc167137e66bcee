"""The type checker of the tests' import hook: beartype that takes an int where a float is asked for, as PEP 484 and mypy do."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from beartype import BeartypeConf, beartype


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` with its arguments and result checked. What checks is made at the first call: most functions are called by few tests."""
    strict = cache(lambda: beartype(conf=BeartypeConf(is_pep484_tower=True))(function))
    return lambda *arguments, **named: strict()(*arguments, **named)
