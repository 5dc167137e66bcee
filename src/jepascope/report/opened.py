"""A chapter of a page whose first section says what came out: some of its sentences and its first figure open it, all else is folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jepascope.report.blocks import Block, Chapter, Figure, Finding, Grid, Paragraph, Section

MOST_SENTENCES = 3
ALL = "All of the result"


def opened(anchor: str, title: str, sections: Sequence[Section]) -> Chapter:
    """The first three findings of the first section, and its first figure (its first table where it has none); the rest of it is the first
    fold, then come the others."""
    first, *others = sections
    sentences = [block for block in first.blocks if isinstance(block, Finding)][:MOST_SENTENCES]
    of_kind = (block for kind in (Figure, Grid) for block in first.blocks if isinstance(block, kind))
    lead = next(of_kind, None)
    opening: list[Block] = [Paragraph(sentence.text) for sentence in sentences]
    if lead is not None:
        opening.append(replace(lead, leads=True) if isinstance(lead, Figure) else lead)
    rest = tuple(block for block in first.blocks if block is not lead and not any(block is sentence for sentence in sentences))
    kept = [replace(first, title=ALL, blocks=rest)] if rest else []
    return Chapter(anchor, title, (*kept, *others), tuple(opening))
