"""``jepascope``: every command is registered by the module that declares it, in the order that ``--help`` shows."""

from __future__ import annotations

from jepascope.cli import stages  # isort: split

from jepascope.cli import intervene  # isort: split

from jepascope.cli import port  # isort: split

from jepascope.cli import tools
from jepascope.cli.app import app

# isort: split
from jepascope.cli import clips, compare, label

__all__ = ["app", "clips", "compare", "intervene", "label", "main", "port", "stages", "tools"]


def main() -> None:
    """Entry point."""
    app()
