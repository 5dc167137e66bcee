"""How a section is declared: its anchor, its title, the tables that it cannot do without, what stands there where it was not run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jepascope.report.blocks import Block, Paragraph, Section
from jepascope.report.folder import RunFolder

Said = str | Callable[[RunFolder], str]


@dataclass(frozen=True)
class SectionEntry:
    """A section of the report. ``blocks`` makes its parts of a run and of the tables that it ``needs``; where one of these is missing, or
    nothing comes of them, the page says that it was not run, and why: the reason that ``blocks`` returned, or ``absent``."""

    anchor: str
    title: Said
    blocks: Callable[..., Sequence[Block] | str]
    needs: tuple[str, ...] = ()
    absent: Said = ""

    def __call__(self, run: RunFolder) -> Section:
        """The section of one run."""
        tables = [run.table(name) for name in self.needs]
        blocks = "" if any(table is None for table in tables) else self.blocks(run, *tables)
        if not blocks or isinstance(blocks, str):
            blocks = (Paragraph(f"Not run: {blocks or _said(self.absent, run)}."),)
        return Section(self.anchor, _said(self.title, run), tuple(blocks))


def section(anchor: str, title: Said, needs: Sequence[str] = (), absent: Said = "") -> Callable[[Callable[..., Any]], SectionEntry]:
    """Declares the section whose blocks a function makes."""
    return lambda blocks: SectionEntry(anchor, title, blocks, tuple(needs), absent)


def _said(words: Said, run: RunFolder) -> str:
    return words if isinstance(words, str) else words(run)
