"""Every fenced block of README, CONTRIBUTING and the pages of docs/, with what a reader is to do with it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^(?P<ticks>`{3,}|:{3,})(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=ticks) *$", re.DOTALL | re.MULTILINE)
OPTIONS = re.compile(r"\A(?::[a-z-]+:.*\n)+")  # of a directive


@dataclass(frozen=True)
class Block:
    """``language``: as the fence has it; of a cell that the site runs python, of other directives their name in braces."""

    page: str
    line: int
    language: str
    text: str
    cell: bool = False
    arguments: str = ""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[list[str]]:
        """The words of every command of a block of a shell; variables that are set for one command alone are left out."""
        lines = self.text.replace("\\\n", " ").splitlines()
        words = (shlex.split(line, comments=True) for line in lines)
        return [without for each in words if (without := _without_settings(each))]


def _without_settings(words: list[str]) -> list[str]:
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    return words


def pages() -> list[Path]:
    """What is read as documentation."""
    made = (DOCS / "_build", DOCS / "_ext")
    written = [path for path in sorted(DOCS.rglob("*.md")) if not any(path.is_relative_to(folder) for folder in made)]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "examples" / "plugin" / "README.md", *written]


@cache
def blocks() -> tuple[Block, ...]:
    """Of all pages, in the order in which they are read."""
    return tuple(block for path in pages() for block in blocks_of(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()))


def blocks_of(text: str, page: str) -> Iterator[Block]:
    """Of one page."""
    for found in FENCE.finditer(text):
        info = found["info"].strip()
        cell = info.startswith("{code-cell}")
        language, _, arguments = info.partition(" ")
        line = text[: found.start()].count("\n") + 1
        yield Block(page, line, "python" if cell else language, OPTIONS.sub("", found["text"]), cell, arguments)


def texts(page: str, language: str) -> list[str]:
    """The blocks of one language of a page, in their order."""
    return [block.text for block in blocks() if block.page == page and block.language == language]
