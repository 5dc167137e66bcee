"""What a section is made of. Sections return these plain values; the template turns them into HTML and escapes every string."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jepascope.findings.numbers import Cell
from jepascope.report.charts.canvas import Drawing
from jepascope.report.folder import RunFolder


@dataclass(frozen=True)
class Heading:
    """The title of a part of a section."""

    text: str
    kind: str = field(default="heading", init=False)


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str
    kind: str = field(default="paragraph", init=False)


@dataclass(frozen=True)
class Finding:
    """One sentence that states a result, positive or negative alike."""

    text: str
    kind: str = field(default="finding", init=False)


@dataclass(frozen=True)
class Figure:
    """A drawing with its caption (unit, n, interval, control)."""

    drawing: Drawing
    caption: str
    kind: str = field(default="figure", init=False)


@dataclass(frozen=True)
class Picture:
    """A raster picture as a data URI."""

    uri: str
    alt: str
    caption: str
    width: int
    kind: str = field(default="picture", init=False)


Cells = tuple[Cell | str, ...]


@dataclass(frozen=True)
class Grid:
    """A table; a row of one cell heads the group of rows below it.

    ``words`` is the number of leading columns that hold text (set left); the rest are numbers (set right; a line break in one is kept).
    """

    head: tuple[str, ...]
    rows: tuple[Cells, ...]
    caption: str
    words: int = 1
    kind: str = field(default="grid", init=False)


@dataclass(frozen=True)
class Card:
    """One key figure."""

    title: str
    value: str
    detail: str


@dataclass(frozen=True)
class Cards:
    """Key figures side by side."""

    cards: tuple[Card, ...]
    kind: str = field(default="cards", init=False)


@dataclass(frozen=True)
class Verbatim:
    """A file or a command, as it is."""

    text: str
    caption: str
    kind: str = field(default="verbatim", init=False)


Block = Heading | Paragraph | Finding | Figure | Picture | Grid | Cards | Verbatim


@dataclass(frozen=True)
class Section:
    """A numbered part of the report."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        return tuple(block.drawing for block in self.blocks if isinstance(block, Figure))


def findings(*sentences: str) -> list[Block]:
    """A block for each sentence that says anything."""
    return [Finding(sentence) for sentence in sentences if sentence]


Words = str | Callable[[RunFolder], str]


@dataclass(frozen=True)
class SectionEntry:
    """A section of the report. ``blocks`` makes its parts of a run and of the tables that it ``needs``; where one of these is missing, or
    nothing comes of them, the page says that it was not run, and why: the reason that ``blocks`` returned, or ``absent``."""

    anchor: str
    title: Words
    blocks: Callable[..., Sequence[Block] | str]
    needs: tuple[str, ...] = ()
    absent: Words = ""

    def __call__(self, run: RunFolder) -> Section:
        tables = [run.table(name) for name in self.needs]
        blocks = "" if any(table is None for table in tables) else self.blocks(run, *tables)
        if not blocks or isinstance(blocks, str):
            blocks = (Paragraph(f"Not run: {blocks or _words(self.absent, run)}."),)
        return Section(self.anchor, _words(self.title, run), tuple(blocks))


DECLARED: dict[str, SectionEntry] = {}
"""Every section by its anchor."""


def section(anchor: str, title: Words, needs: Sequence[str] = (), absent: Words = "") -> Callable[[Callable[..., Any]], SectionEntry]:
    """Declares the section whose blocks a function makes."""

    def declare(blocks: Callable[..., Any]) -> SectionEntry:
        DECLARED[anchor] = SectionEntry(anchor, title, blocks, tuple(needs), absent)
        return DECLARED[anchor]

    return declare


def _words(words: Words, run: RunFolder) -> str:
    return words if isinstance(words, str) else words(run)
