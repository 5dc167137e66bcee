"""The check of types and shapes of every function of jepascope at run time: jaxtyping's hook, made cheap enough for whole studies.

jaxtyping takes a function's annotations apart when its module is imported, and every call thereafter is bound and checked. Here a
function is taken apart when a test first calls it with the checks on, and of its calls in one test the first ``CALLS`` are checked: a
solver that calls itself ten thousand times is given the same shapes again and again.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping import config, jaxtyped

CALLS = 100
"""of a function in a test that are checked."""

strict = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""Takes an int where a float is asked for, as PEP 484 and mypy do."""


_test = 0


def checks(on: bool) -> None:
    """Switch them on or off, for a test or a fixture: of every function the first calls from here on are checked."""
    global _test
    _test += 1
    config.update("jaxtyping_disable", not on)


def checking() -> bool:
    return not config.jaxtyping_disable


def install(package: str) -> None:
    """From here on every function of ``package`` that is imported is ``checked``."""
    jaxtyping.jaxtyped = checked  # the name by which the hook decorates
    jaxtyping.install_import_hook(package, "strict_types.strict")


def checked(of: Any = None, *, typechecker: Any = None) -> Any:
    """A function, method or dataclass whose first calls in every test are checked; a decorator where nothing is given."""
    if of is None:
        return checked
    if isinstance(of, type):
        if dataclasses.is_dataclass(of) and "__init__" in vars(of):
            of.__init__ = checked(of.__init__)  # type: ignore[misc]
        return of
    if isinstance(of, classmethod | staticmethod):
        return type(of)(checked(of.__func__))
    if isinstance(of, property):
        return property(*(part and checked(part) for part in (of.fget, of.fset, of.fdel)), of.__doc__)
    return _counted(of) if inspect.isfunction(of) else of


def _counted(function: Callable[..., Any]) -> Callable[..., Any]:
    test, left, strictly = -1, 0, None

    @wraps(function)
    def first_calls(*given: Any, **named: Any) -> Any:
        nonlocal test, left, strictly
        if config.jaxtyping_disable:
            return function(*given, **named)
        if test != _test:
            test, left = _test, CALLS
        if not left:
            return function(*given, **named)
        left -= 1
        if strictly is None:
            strictly = jaxtyped(function, typechecker=strict)
        return strictly(*given, **named)

    return first_calls
