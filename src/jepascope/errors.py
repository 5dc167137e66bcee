"""The few exceptions. Each message is a full sentence: what failed, where, and what to do.

What a message offers is pasted: paths and values go into it through ``quoted`` and ``set_option``.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path


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


def quoted(word: str | Path) -> str:
    """A path or another word as a shell takes it; a leading ~ is left to the shell."""
    text = str(word)
    home, slash, rest = text.partition("/")
    return f"~{slash}{shlex.quote(rest)}" if home == "~" and rest else shlex.quote(text)


def set_option(field: str, value: str | float | Sequence[str | float] | None) -> str:
    """``--set field=value`` as a shell takes it: the value as one line of YAML, which reads it back as it is."""
    import yaml

    plain = [*value] if isinstance(value, Sequence) and not isinstance(value, str) else value

    def line(style: str | None) -> str:
        text = yaml.safe_dump(plain, default_flow_style=True, default_style=style, width=float("inf"), allow_unicode=True)
        return text.removesuffix("...\n").strip()

    text = line(None)
    return f"--set {shlex.quote(f'{field}=' + (line(chr(34)) if chr(39) in text else text))}"  # a shell quotes ' at length
