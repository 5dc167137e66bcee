"""What a section is made of. Sections return these plain values; the template turns them into HTML and escapes every string."""

from __future__ import annotations

from dataclasses import dataclass, field

from jepascope.findings.numbers import Cell
from jepascope.report.charts.canvas import Drawing


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


@dataclass(frozen=True)
class Grid:
    """A table; a row of one cell heads the group of rows below it.

    ``words`` is the number of leading columns that hold text (set left); the rest are numbers (set right; a line break in one is kept).
    """

    head: tuple[str, ...]
    rows: tuple[tuple[Cell | str, ...], ...]
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
