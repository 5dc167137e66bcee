"""The few exceptions. Each message is a full sentence: what failed, where, and what to do."""

from __future__ import annotations


class JepascopeError(Exception):
    """Anything that jepascope refuses or fails at; the command line prints it as one line (exit code 1)."""

    exit_code = 1


class BadArgument(JepascopeError):
    """The caller asked for something that does not exist or does not fit (exit code 2)."""

    exit_code = 2


class BadCheckpoint(JepascopeError):
    """A checkpoint is missing, truncated, of another architecture, or unsafe to read.

    Its message may hold a stranger's words (names of weights, fields of a configuration): what a terminal would obey is escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(each if each.isprintable() else ascii(each)[1:-1] for each in message))


class BadData(JepascopeError):
    """Clips, labels or activations that no honest number can be computed from."""


class RunFolderError(JepascopeError):
    """A run folder that cannot be written, belongs to another study, or holds damaged files."""


def missing_extra(what: str, extra: str) -> JepascopeError:
    """What only some users need is not installed: said with the command that installs it."""
    return JepascopeError(f"{what} is not installed. Install it with: pip install 'jepascope[{extra}]'")
