"""The few exceptions. Each message is a full sentence: what failed, where, and what to do.

What a message offers is pasted: paths and values go into it through ``quoted`` and ``setting``.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any
from unicodedata import category

OUT_OF_MEMORY = "Out of memory. Use fewer clips or layers, or a machine with more."


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
        super().__init__(plain(message))


class BadData(JepascopeError):
    """Clips, labels or activations that no honest number can be computed from."""


class RunFolderError(JepascopeError):
    """A run folder that cannot be written, belongs to another study, or holds damaged files."""


OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # kinds of characters that a terminal or an editor obeys in place of showing


def plain(text: str, but: str = "") -> str:
    """``text`` with escapes in place of characters that a terminal would obey (``but`` for some), or that are no text at all."""
    if text.isprintable():
        return text
    return "".join(ascii(each)[1:-1] if category(each) in OBEYED and each not in but else each for each in text)


def first_line(error: BaseException) -> str:
    """The first line of what an error of somebody else's says; its kind where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def missing_extra(what: str, extra: str) -> JepascopeError:
    """What only some users need is not installed: said with the command that installs it."""
    return JepascopeError(f"{what} is not installed. Install it with: pip install 'jepascope[{extra}]'")


PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
NOT_YAML = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")  # but as an escape
NOT_TEXT = {"yes", "no", "on", "off", "true", "false", "null"}  # words that YAML reads as something else


def setting(**fields: Any) -> str:
    """Fields of a spec as they are pasted into a command: quoted for YAML where they need it, and for the shell."""
    return " ".join(f"--set {shlex.quote(f'{name}={_yaml(value)}')}" for name, value in fields.items())


def _yaml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_yaml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_yaml(key)}: {_yaml(each)}' for key, each in value.items())}}}"
    if isinstance(value, str):
        plain = PLAIN.fullmatch(value) and value.lower() not in NOT_TEXT
        return value if plain else NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
    return f"{value:g}" if isinstance(value, float) else str(value)


def quoted(word: str | Path) -> str:
    """A path or another word as it is pasted into a command; a leading ~ is left to the shell, and a path is never taken for an option."""
    text = f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word)
    home, _, rest = text.partition("/")
    return f"~/{_shell(rest)}" if home == "~" and rest else _shell(text)


def _shell(word: str) -> str:
    """Control characters, and bytes that are no UTF-8, as $'...' has them: in bash, zsh and POSIX since 2024."""
    if plain(word) == word:
        return shlex.quote(word)
    return "$'" + "".join(f"\\{each}" if each in "\\'" else each if plain(each) == each else _bytes(each) for each in word) + "'"


def _bytes(character: str) -> str:
    part_of_a_name = "\udc80" <= character <= "\udcff"  # a byte that is no UTF-8
    return "".join(f"\\x{byte:02x}" for byte in character.encode(errors="surrogateescape" if part_of_a_name else "surrogatepass"))
