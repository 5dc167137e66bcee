"""``jepascope``: every command is registered by the module that declares it, in the order that ``--help`` shows."""

from __future__ import annotations

import io
import logging
import sys
from importlib import import_module
from types import ModuleType

from jepascope.cli import stages  # isort: split

from jepascope.cli import sweep  # isort: split

from jepascope.cli import intervene  # isort: split

from jepascope.cli import trace  # isort: split

from jepascope.cli import port  # isort: split

from jepascope.cli import tools
from jepascope.cli.app import app
from jepascope.errors import plain

# isort: split
from jepascope.cli import bench, clips, compare, explore, label, lists, videos

__all__ = [
    "app",
    "bench",
    "clips",
    "compare",
    "explore",
    "intervene",
    "label",
    "lists",
    "main",
    "port",
    "stages",
    "sweep",
    "tools",
    "trace",
    "videos",
]


def main() -> None:
    """Entry point."""
    if len(sys.argv) == 1 or {"-h", "--help"} & {*sys.argv}:
        _help_alone()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files need not be text
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Shown())
    app()


class _Shown(logging.Formatter):
    """What is logged may hold names of files: what a terminal would obey is escaped."""

    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record), but="\n\t")


def _help_alone() -> None:
    """Typer's help imports what renders Markdown and tracebacks: more than half of its time, and no page here shows any of either."""
    unused = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}
    for module, name in unused.items():
        stand_in = sys.modules[module] = ModuleType(module)
        setattr(stand_in, name, None)
    import_module("typer.rich_utils")
    for module in unused:
        del sys.modules[module]
