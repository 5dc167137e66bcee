"""The check of types and shapes of every function of jepascope at run time: jaxtyping's hook, made cheap enough for whole studies.

jaxtyping takes a function's annotations apart when its module is imported and again wherever a closure is made, and has every argument
checked twice in a call. Here the annotations of a function's code are read once, when a test first calls it with the checks on; each is
checked by itself, by what beartype made for it in whatever function it stood first; and of the calls in one test the first ``CALLS`` are
checked: a solver that calls itself ten thousand times is given the same shapes again and again.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from types import CodeType, SimpleNamespace
from typing import Any, ForwardRef, TypeVar, get_type_hints

import jaxtyping
from beartype import BeartypeConf
from beartype.door import is_bearable

CALLS = 100
"""of a function in a test that are checked."""

TOWER = BeartypeConf(is_pep484_tower=True)
"""Takes an int where a float is asked for, as PEP 484 and mypy do."""

OWN_SIZES = jaxtyping.jaxtyped("context")
"""In which a name of a dimension means one number."""

_on = True
_test = 0


def checks(on: bool) -> None:
    """Switch them on or off, for a test or a fixture: of every function the first calls from here on are checked."""
    global _on, _test
    _on, _test = on, _test + 1


def checking() -> bool:
    return _on


def install(package: str) -> None:
    """From here on every function of ``package`` that is imported is ``checked``."""
    jaxtyping.jaxtyped = checked  # the name by which the hook decorates
    jaxtyping.install_import_hook(package, None)


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


class _Annotated:
    """Of one piece of code: what its annotations say, and how many of its calls in a test are still to be checked."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.code, self.name = function.__code__, f"{function.__module__}.{function.__qualname__}"
        self.hints = dict(_hints(function))
        positional = self.code.co_argcount
        self.positional = self.code.co_varnames[:positional]
        rest = iter(self.code.co_varnames[positional + self.code.co_kwonlyargcount :])
        self.more = next(rest) if self.code.co_flags & inspect.CO_VARARGS else ""
        self.named = next(rest) if self.code.co_flags & inspect.CO_VARKEYWORDS else ""
        self.test, self.left = -1, 0

    def call(self, function: Callable[..., Any], given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        with OWN_SIZES:
            for name, value in zip(self.positional, given, strict=False):
                self.fits(name, value)
            for value in given[len(self.positional) :]:
                self.fits(self.more, value)
            for name, value in named.items():
                self.fits(name if name in self.hints else self.named, value)
            out = function(*given, **named)
            self.fits("return", out)
            return out

    def fits(self, name: str, value: Any) -> None:
        if name not in self.hints:
            return
        hint = self.hints[name]
        if value.__class__ is not hint and not is_bearable(value, hint, conf=TOWER):
            found = f"{type(value).__name__}{[*value.shape] if hasattr(value, 'shape') else ''} {value!r:.200}"
            raise jaxtyping.TypeCheckError(f"{self.name}: {name} is no {hint}, or not of the sizes of what else it is given: {found}")


def _hints(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Annotations by argument. What cannot be evaluated, as a name that type checkers alone see, says nothing here."""
    names = function.__globals__
    for name, said in function.__annotations__.items():
        try:
            hint = get_type_hints(SimpleNamespace(__annotations__={name: said}), names, include_extras=True)[name]
        except (NameError, TypeError):
            continue
        own = [free for free in getattr(hint, "__parameters__", [hint]) if isinstance(free, TypeVar)]
        if bounds := {free: eval(free.__bound__.__forward_arg__, names) for free in own if isinstance(free.__bound__, ForwardRef)}:
            hint = bounds[hint] if hint in bounds else hint[tuple(bounds.get(free, free) for free in own)]
        yield name, hint


_read: dict[int, _Annotated] = {}
"""By the identity of a code: equal code of two dataclasses is annotated otherwise. It keeps the code, so that no other takes its place."""


def _counted(function: Callable[..., Any]) -> Callable[..., Any]:
    code: CodeType = function.__code__

    @wraps(function)
    def first_calls(*given: Any, **named: Any) -> Any:
        if not _on:
            return function(*given, **named)
        own = _read.get(id(code)) or _read.setdefault(id(code), _Annotated(function))
        if own.test != _test:
            own.test, own.left = _test, CALLS
        if not own.left:
            return function(*given, **named)
        own.left -= 1
        return own.call(function, given, named)

    return first_calls
