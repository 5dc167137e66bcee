"""No two files of one room import each other, by whatever way round: also inside functions, and for type checking alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import jepascope

SRC = Path(jepascope.__file__).parent
ROOMS = sorted(path.name for path in SRC.iterdir() if (path / "__init__.py").exists())
LEFT: Mapping[str, set[str]] = {}
"""Files that still import each other, by room."""


def modules(room: str) -> dict[str, Path]:
    """Every module of a room by its dotted name; a package's is its ``__init__``."""
    files = sorted((SRC / room).rglob("*.py"))
    return {".".join(("jepascope", *path.relative_to(SRC).with_suffix("").parts)).removesuffix(".__init__"): path for path in files}


def imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules of the room that a file imports anywhere in its text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            inside = named & {*known}
            # what a package's __init__ imports itself is its own affair; `from package import module` means the module
            yield from inside or ({node.module} & {*known})
        elif isinstance(node, ast.Import):
            yield from {alias.name for alias in node.names} & {*known}


def circles(edges: Mapping[str, set[str]]) -> list[set[str]]:
    """Sets of modules each of which leads to every other (Tarjan 1972), larger than one."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(edges[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            part = {stack.pop()}
            while name not in part:
                part.add(stack.pop())
            if len(part) > 1:
                found.append(part)

    for name in edges:
        if name not in index:
            visit(name)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_no_files_of_a_room_import_each_other(room: str) -> None:
    known = modules(room)
    edges = {name: {*imported(path, known)} - {name} for name, path in known.items()}
    left = [{name.removeprefix(f"jepascope.{room}.") for name in circle} for circle in circles(edges)]
    assert [circle for circle in left if not circle <= LEFT.get(room, set())] == []


def test_a_circle_is_found_and_a_chain_is_none() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
