"""What a field of a spec may hold, and why a value is refused, in plain words. Imports neither torch nor pandas."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, Lt, MaxLen, MinLen
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from jepascope.catalog import Catalog, is_code
from jepascope.errors import BadArgument

LONGEST = 60  # characters of what was given
SINGLE = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
SEVERAL = {int: "whole numbers", float: "numbers", str: "names"}


class FieldRefused(BadArgument):
    """One field of a spec is refused. ``make_spec`` says where it was given."""

    def __init__(self, field: str, reason: str, known: bool = True) -> None:
        super().__init__(f"{field}: {reason}." if known else f"{reason}.")
        self.field, self.reason, self.known = field, reason, known


@dataclass(frozen=True)
class Named:
    """Text that names something of a catalog: ours (of those that are ``allowed``), an installed package's, or code by its path."""

    catalog: Catalog[Any]
    allowed: Callable[[str], bool] = bool

    @property
    def names(self) -> list[str]:
        return [name for name in self.catalog if name not in self.catalog.own or self.allowed(name)]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.known, core_schema.str_schema(strict=True))

    def known(self, name: str) -> str:
        if name not in self.names and not is_code(name):
            raise PydanticCustomError("unknown_name", "there is no such thing")
        return name


def refused(error: ValidationError, fields: Mapping[str, FieldInfo]) -> FieldRefused:
    """The first of pydantic's errors, without its words."""
    first = error.errors()[0]
    name, given = str(first["loc"][0]), first["input"]
    if isinstance(given, list | tuple) and len(given) == 1:
        given = given[0]
    if first["type"] == "extra_forbidden":
        meant = nearest(name, list(fields))
        reason = f"there is no field '{name[:LONGEST]}'{meant and f' (did you mean {meant}?)'}; fields are {', '.join(fields)}"
        return FieldRefused(name, reason, known=False)
    shown = repr(given) if len(repr(given)) <= LONGEST else f"{repr(given)[:LONGEST]}..."
    if first["type"] == "value_error":
        return FieldRefused(name, f"{first['ctx']['error']} (given: {shown})")
    annotation = fields[name].annotation
    names = _names(annotation)
    meant = f"[{given}]" if given in names and isinstance(given, str) else nearest(given, names)
    of_element = get_origin(annotation) is tuple and any(isinstance(part, int) for part in first["loc"])  # of the list, and not the list
    shown += meant and f"; did you mean {meant}?"
    return FieldRefused(name, f"must be {_kind(get_args(annotation)[0], ()) if of_element else allowed(fields[name])} (given: {shown})")


def nearest(given: object, known: Sequence[str]) -> str:
    """The known name that is most like what was given, "" where none is."""
    return next(iter(get_close_matches(given, known, 1)), "") if isinstance(given, str) else ""


def allowed(field: FieldInfo) -> str:
    """What a field may hold: "a whole number from 2 to 10,000", "all or object", "a list of one or more of ablate, swap"."""
    return ", or ".join(_kind(part, field.metadata) for part in _without_none(field.annotation))


def _without_none(annotation: Any) -> tuple[Any, ...]:
    parts = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return tuple(part for part in parts if part is not type(None))


def _kind(annotation: Any, metadata: Sequence[Any]) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is not tuple and (names := _names(annotation)):
        return f"one of {', '.join(names)}" if len(names) > 2 else " or ".join(names)
    least, most = _bounds(metadata)
    if origin is tuple:
        names = _names(parts[0])
        what = f"of {', '.join(names)}" if names else SEVERAL[_plain(parts[0])]
        if (least == 1 and most is None) or names:
            return f"a list of one or more {what}" if least else f"a list of any {what}"
        return f"a list{_range(least, most, ' of')} {what}" if least or most else f"a list of {what}"
    if origin is dict:
        return "pairs of a class and a label of the head, such as {E: 3, W: 4}"
    plain = _plain(annotation)
    if plain is str:
        return SINGLE[str] if most is None else f"text of at most {most} characters"
    return SINGLE[plain] + _range(least, most)


def _plain(annotation: Any) -> type:
    """The type behind pydantic's strict ones (Annotated)."""
    kind: type = get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation
    return kind


def _names(annotation: Any) -> list[str]:
    """Every name that a field of choices may hold."""
    if get_origin(annotation) is Literal:
        return [str(part) for part in get_args(annotation)]
    named = [name for part in getattr(annotation, "__metadata__", ()) if isinstance(part, Named) for name in part.names]
    if named:
        return named
    return [name for part in get_args(annotation) if part is not Ellipsis for name in _names(part)]


def _bounds(metadata: Sequence[Any]) -> tuple[float | None, float | None]:
    """The least and the largest value, or length, that a field's constraints leave."""
    least = most = None
    for bound in metadata:
        if isinstance(bound, Ge | MinLen):
            least = bound.ge if isinstance(bound, Ge) else bound.min_length
        elif isinstance(bound, Le | MaxLen):
            most = bound.le if isinstance(bound, Le) else bound.max_length
        elif isinstance(bound, Lt):
            most = bound.lt - 1  # type: ignore[operator]  # whole numbers alone have an open end
    return least, most  # type: ignore[return-value]


def _range(least: float | None, most: float | None, before: str = " from") -> str:
    if least is None:
        return "" if most is None else f"{before} at most {most:,}"
    return f"{before.replace('from', 'of')} at least {least:,}" if most is None else f"{before} {least:,} to {most:,}"
