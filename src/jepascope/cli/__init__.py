"""The command line: registers commands, no logic. Heavy libraries are imported by the command that needs them."""

from jepascope.cli.main import app, main

__all__ = ["app", "main"]
