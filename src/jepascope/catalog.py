"""The catalog: what can be named in a study, each thing declared once, in the file that holds it. Imports no torch.

A declaration is a literal at the top of that file, ``DECLARED = FinderEntry(name="lda", meaning="...")`` (or a tuple of them). Lists,
checks, ``plan`` and ``--help`` read it off the file without running it. Who has a thing of their own adds it without touching the package:
by an entry point (group ``jepascope.finders``, ``.edits``, ...), or by its path ``package.module:attribute`` where a name may stand.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, TypeVar

from jepascope.errors import BadArgument, JepascopeError

DECLARED = "DECLARED"
STATEMENT = re.compile(rf"^{DECLARED}\b.*(?:\n(?:[ \t)].*)?)*", re.MULTILINE)  # with what is indented below it
CODE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that can be named. ``meaning``: one line for lists. ``run``: the ``module:attribute`` that does it; for a thing of ours the
    attribute of its own file that has its name. ``order``: its place in lists."""

    name: str
    meaning: str
    run: str = ""
    order: int = 100

    @classmethod
    def of_code(cls: type[E], given: object, name: str, path: str) -> E | None:
        """The entry of code without one, from the code itself: a function here. None for what is no such thing."""
        if not callable(given):
            return None
        first = next(iter((given.__doc__ or "").strip().splitlines()), "")
        return cls(name=name, meaning=first or f"code of one's own, {path}", run=path)


E = TypeVar("E", bound=Entry)


def is_code(name: str) -> bool:
    """Whether a name is that of code, ``package.module:attribute``, and running it was not the package's idea."""
    return CODE.fullmatch(name) is not None


def file_name(name: str) -> str:
    """A name as part of a file's name: that of code has a colon, which not every file system takes."""
    return name.replace(":", "-")


class Catalog(Generic[E]):
    """All things of one kind by name: those declared in the modules of ``package``, those of installed packages, and code by its path."""

    def __init__(self, kind: str, entry: type[E], package: str, group: str = "") -> None:
        self.kind, self.type, self.package, self.group = kind, entry, package, group or f"jepascope.{kind}s"

    @functools.cached_property
    def own(self) -> Mapping[str, E]:
        """Ours, in their order. RuntimeError where two have one name."""
        entries: dict[str, E] = {}
        for path in sorted(Path(folder).glob("*.py")) if (folder := self._folder()) else ():
            for entry in declared(path.read_text(encoding="utf-8"), self.type):
                if entry.name in entries:
                    raise RuntimeError(f"Two {self.kind}s are named '{entry.name}': {entries[entry.name].run} and one in {path.name}.")
                entries[entry.name] = replace(entry, run=entry.run or f"{self.package}.{path.stem}:{entry.name}")
        return dict(sorted(entries.items(), key=lambda item: item[1].order))

    def _folder(self) -> str:
        """Where the package lies; it is not imported."""
        spec = find_spec(self.package)
        return "" if spec is None else next(iter(spec.submodule_search_locations or ()), "")

    @functools.cached_property
    def added(self) -> Mapping[str, tuple[EntryPoint, ...]]:
        """Entry points of installed packages by name; nothing of theirs is run."""
        points: dict[str, tuple[EntryPoint, ...]] = {}
        for point in sorted(installed(entry_points).select(group=self.group), key=lambda point: (point.name, point.value)):
            points[point.name] = (*points.get(point.name, ()), point)
        return points

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that is known here, ours first."""
        return (*self.own, *(name for name in self.added if name not in self.own))

    def __contains__(self, name: object) -> bool:
        """Whether a name is known here; code by its path is not, and may be there all the same."""
        return isinstance(name, str) and (name in self.own or name in self.added)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def entry(self, name: str) -> E:
        """What is declared of a name; of others' things this imports their module. BadArgument where there is no such thing, where two
        have the name, or where their code fails."""
        if not isinstance(name, str):
            raise self._unknown(name)
        points = self.added.get(name, ())
        if len(points) + (name in self.own) > 1:
            owners = " and ".join([*(["jepascope"] if name in self.own else []), *(point.value for point in points)])
            raise BadArgument(f"The {self.kind} '{name}' is declared by {owners}; name the one that is meant as package.module:attribute.")
        if name in self.own:
            return self.own[name]
        if not points and not is_code(name):
            raise self._unknown(name)
        path = f"{points[0].module}:{points[0].attr}" if points else name
        given = attribute(path, f"{self.kind} '{name}'")
        if isinstance(given, self.type):
            return replace(given, name=name, run=given.run or path)
        if isinstance(given, Entry) or (entry := self.type.of_code(given, name, path)) is None:
            wanted = self.type.__name__
            raise BadArgument(f"{self.kind} '{name}': {path} is {given!r:.80}; it has to be a function, or a {wanted} that names one.")
        return entry

    def _unknown(self, name: object) -> BadArgument:
        return BadArgument(f"There is no {self.kind} '{name}'; known are {', '.join(self.names)}, and code as package.module:attribute.")

    def look_up(self, name: str) -> E:
        """What is declared of a name that a file holds: nothing is refused, and no code is imported because a file names it."""
        try:
            return self.entry(name) if name in self or name.partition(":")[0] in sys.modules else self.type(name=name, meaning=name)
        except BadArgument:
            return self.type(name=name, meaning=name)

    def column(self, field: str) -> Mapping[str, Any]:
        """One field of everything by name, for what is read from files; things that do not fill it are not in it."""
        return _Column(self, field)

    def load(self, name: str) -> Any:
        """What does it: the attribute that the declaration's ``run`` names."""
        return attribute(self.entry(name).run, f"{self.kind} '{name}'")

    @contextmanager
    def blamed(self, name: str) -> Iterator[None]:
        """Runs what is behind a name: what others' code raises is a BadArgument that names it and where it lies."""
        try:
            yield
        except Exception as error:
            if name in self.own:
                raise
            raised = str(error).rstrip(".") if isinstance(error, JepascopeError) else f"it raised {type(error).__name__}: {error}"
            path = "" if (path := self.entry(name).run) == name else f" ({path})"
            raise BadArgument(
                f"The {self.kind} '{name}'{path} cannot be used here: {raised}. Mend it and run again; what was computed before is kept."
            ) from error


class _Column(Mapping[str, Any]):
    def __init__(self, catalog: Catalog[Any], field: str) -> None:
        self.catalog, self.field = catalog, field

    def __getitem__(self, name: str) -> Any:
        if not (value := getattr(self.catalog.look_up(name), self.field)):
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name, entry in self.catalog.own.items() if getattr(entry, self.field))

    def __len__(self) -> int:
        return sum(1 for _ in self)


@functools.cache
def installed(scan: Callable[[], Any]) -> Any:
    """Entry points of all installed packages: one ``scan`` for all kinds of things."""
    return scan()


def declared(source: str, kind: type[E]) -> list[E]:
    """The declarations of one kind in the text of a module, read without running it. They are literals: calls of the kind by its name."""
    entries = []
    for node in ast.parse("".join(f"{found.group()}\n" for found in STATEMENT.finditer(source))).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(target, ast.Name) and target.id == DECLARED and isinstance(node, ast.Assign | ast.AnnAssign):
            calls = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for call in calls:
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == kind.__name__:
                    entries.append(kind(**{word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}))
    return entries


def attribute(path: str, whose: str) -> Any:
    """What ``module:attribute`` names. BadArgument, with whose it is, where it cannot be imported or is not there."""
    module, _, names = path.partition(":")
    try:
        value: Any = import_module(module)
    except Exception as error:  # a module of somebody else's may raise anything while it is imported
        raise BadArgument(
            f"{whose}: {module} cannot be imported here ({type(error).__name__}: {error}); install its package in this environment, or put "
            "the folder that it lies in on Python's path (for the current one: export PYTHONPATH=.)."
        ) from error
    try:
        return attrgetter(names)(value)
    except AttributeError:
        raise BadArgument(f"{whose}: {module} has no '{names}'; name what is there as package.module:attribute.") from None
