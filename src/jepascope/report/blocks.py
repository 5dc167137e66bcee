"""What a section is made of. Sections return these plain values; the template turns them into HTML and escapes every string."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    """A drawing with its caption (unit, n, interval, control), which is folded where the figure ``leads`` a chapter."""

    drawing: Drawing
    caption: str
    kind: str = field(default="figure", init=False)
    leads: bool = False


@dataclass(frozen=True)
class Picture:
    """A raster picture as a data URI."""

    uri: str
    alt: str
    caption: str
    width: int
    kind: str = field(default="picture", init=False)


SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_uri(data: bytes) -> str | None:
    """A PNG as a data URI; None for what is no whole one."""
    whole = data.startswith(SIGNATURE) and b"IEND" in data[-16:]
    return f"data:image/png;base64,{base64.b64encode(data).decode()}" if whole else None


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


@dataclass(frozen=True)
class Tab:
    """One of several parts that take turns."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Tabs:
    """Parts that take turns in one place, chosen by ``label`` (edit, judge, output); where no script runs they stand one below another."""

    label: str
    tabs: tuple[Tab, ...]
    kind: str = field(default="tabs", init=False)


Block = Heading | Paragraph | Finding | Figure | Picture | Grid | Cards | Verbatim | Tabs


def in_turn(label: str, parts: Mapping[str, Sequence[Block]]) -> list[Block]:
    """Parts by their titles as tabs; one alone stands as it is."""
    kept = {title: tuple(blocks) for title, blocks in parts.items() if blocks}
    if len(kept) < 2:
        return [block for blocks in kept.values() for block in blocks]
    return [Tabs(label, tuple(Tab(title, blocks) for title, blocks in kept.items()))]


def flat(blocks: Iterable[Block]) -> Iterator[Block]:
    """Blocks in the order in which they are read, those in tabs among them."""
    for block in blocks:
        if isinstance(block, Tabs):
            yield from flat(inner for tab in block.tabs for inner in tab.blocks)
        else:
            yield block


def _without(blocks: Iterable[Block], drawing: Drawing) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Tabs):
            yield replace(block, tabs=tuple(replace(tab, blocks=tuple(_without(tab.blocks, drawing))) for tab in block.tabs))
        elif not (isinstance(block, Figure) and block.drawing is drawing):
            yield block


@dataclass(frozen=True)
class Section:
    """A part of a page; ``ran``: whether there was anything to show, or the section only says why not."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    ran: bool = True

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        return tuple(block.drawing for block in flat(self.blocks) if isinstance(block, Figure))

    @property
    def gist(self) -> str:
        """What a reader finds when the section is unfolded: '1 figure, 2 tables'."""
        counts = Counter(block.kind for block in flat(self.blocks))
        many = {"figure": counts["figure"] + counts["picture"], "table": counts["grid"]}
        return ", ".join(f"{count} {name}{'s' * (count > 1)}" for name, count in many.items() if count)

    def without(self, drawing: Drawing) -> Section:
        """The same, but for a drawing that stands elsewhere."""
        return replace(self, blocks=tuple(_without(self.blocks, drawing)))


@dataclass(frozen=True)
class Chapter:
    """Sections under one question: the ``opening`` is shown, its sections are folds."""

    anchor: str
    title: str
    sections: tuple[Section, ...]
    opening: tuple[Block, ...] = ()

    @property
    def shown(self) -> tuple[Section, ...]:
        return tuple(section for section in self.sections if section.ran)

    @property
    def not_run(self) -> tuple[Section, ...]:
        """What has nothing to show, gathered at the end."""
        return tuple(section for section in self.sections if not section.ran)

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """Those of the opening, then section by section."""
        opening = (block.drawing for block in self.opening if isinstance(block, Figure))
        return (*opening, *(drawing for section in self.sections for drawing in section.drawings))


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
        title = _words(self.title, run)
        if not blocks or isinstance(blocks, str):
            return Section(self.anchor, title, (Paragraph(f"Not run: {blocks or _words(self.absent, run)}."),), ran=False)
        return Section(self.anchor, title, tuple(blocks))


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
