"""The catalog: what can be named in a study, each thing declared once, in the file that holds it. Imports no torch.

A declaration is a literal at the top of that file, ``DECLARED = FinderEntry(name="lda", meaning="...")`` (or a tuple of them). Lists,
checks, ``plan`` and ``--help`` read it off the file without running it. Who has a thing of their own adds it without touching the package:
by an entry point (group ``jepascope.finders``, ``.edits``, ...), or by its path ``package.module:attribute`` where a name may stand.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from typing import Any, Generic, TypeVar

from jepascope.errors import BadArgument

DECLARED = "DECLARED"
CODE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that can be named. ``meaning``: one line for lists. ``run``: the ``module:attribute`` that does it; for a thing of ours the
    attribute of its own file that has its name."""

    name: str
    meaning: str
    run: str = ""


E = TypeVar("E", bound=Entry)


def is_code(name: str) -> bool:
    """Whether a name is that of code, ``package.module:attribute``, and running it was not the package's idea."""
    return CODE.fullmatch(name) is not None


class Catalog(Generic[E]):
    """All things of one kind by name: those declared in the modules of ``package``, those of installed packages, and code by its path."""

    def __init__(self, kind: str, entry: type[E], package: str, group: str = "") -> None:
        self.kind, self.type, self.package, self.group = kind, entry, package, group or f"jepascope.{kind}s"

    @cached_property
    def own(self) -> Mapping[str, E]:
        """Ours, in the order of their files. RuntimeError where two have one name."""
        found: dict[str, E] = {}
        for file in sorted(files(self.package).iterdir(), key=lambda one: one.name):
            if file.name.endswith(".py"):
                for one in declared(file.read_text(encoding="utf-8"), self.type):
                    if one.name in found:
                        raise RuntimeError(f"Two {self.kind}s are named '{one.name}': {found[one.name].run} and one in {file.name}.")
                    module = f"{self.package}.{file.name.removesuffix('.py')}"
                    found[one.name] = replace(one, run=one.run or f"{module}:{one.name}")
        return found

    @cached_property
    def added(self) -> Mapping[str, tuple[EntryPoint, ...]]:
        """Entry points of installed packages by name; nothing of theirs is run."""
        found: dict[str, tuple[EntryPoint, ...]] = {}
        for point in sorted(entry_points(group=self.group), key=lambda one: (one.name, one.value)):
            found[point.name] = (*found.get(point.name, ()), point)
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that is known here, ours first."""
        return (*self.own, *(name for name in self.added if name not in self.own))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self.own or name in self.added or is_code(name))

    def entry(self, name: str) -> E:
        """What is declared of a name; of others' things this imports their module. BadArgument where there is no such thing, where two
        have the name, or where their code fails."""
        points = self.added.get(name, ())
        if len(points) + (name in self.own) > 1:
            owners = " and ".join([*(["jepascope"] if name in self.own else []), *(one.value for one in points)])
            raise BadArgument(f"The {self.kind} '{name}' is declared by {owners}; name the one that is meant as package.module:attribute.")
        if name in self.own:
            return self.own[name]
        if not points and not is_code(name):
            raise BadArgument(f"There is no {self.kind} '{name}'; known are {', '.join(self.names)}, and code as package.module:attribute.")
        path = points[0].value if points else name
        given = attribute(path, f"{self.kind} '{name}'")
        if isinstance(given, self.type):
            return replace(given, name=name, run=given.run or path)
        if isinstance(given, Entry) or not callable(given):
            said, wanted = type(given).__name__, self.type.__name__
            raise BadArgument(f"{self.kind} '{name}': {path} is a {said}; it has to be a function, or a {wanted} that names one.")
        first = next(iter((given.__doc__ or "").strip().splitlines()), "")
        return self.type(name=name, meaning=first or f"code of one's own, {path}", run=path)

    def load(self, name: str) -> Any:
        """What does it: the attribute that the declaration's ``run`` names."""
        return attribute(self.entry(name).run, f"{self.kind} '{name}'")


def declared(source: str, kind: type[E]) -> list[E]:
    """The declarations of one kind in the text of a module, read without running it. They are literals: calls of the kind by its name."""
    found = []
    for node in ast.parse(source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(target, ast.Name) and target.id == DECLARED and isinstance(node, ast.Assign | ast.AnnAssign):
            calls = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for call in calls:
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == kind.__name__:
                    found.append(kind(**{word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}))
    return found


def attribute(path: str, whose: str) -> Any:
    """What ``module:attribute`` names. BadArgument, with whose it is, where it cannot be imported or is not there."""
    module, _, names = path.partition(":")
    try:
        found: Any = import_module(module)
        for name in names.split("."):
            found = getattr(found, name)
    except AttributeError:
        raise BadArgument(f"{whose}: {module} has no '{names}'; name what is there as package.module:attribute.") from None
    except Exception as error:  # a module of somebody else's may raise anything while it is imported
        raise BadArgument(
            f"{whose}: {module} cannot be imported here ({type(error).__name__}: {error}); install its package in this environment, or run "
            "jepascope where it lies on Python's path."
        ) from error
    return found
