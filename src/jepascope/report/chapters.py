"""The five chapters of a run's page: each a question, the sections that answer it, and the figure that opens it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from jepascope.report.blocks import Block, Chapter, Figure, Paragraph, Section, flat
from jepascope.report.folder import RunFolder
from jepascope.report.leads import carried_figure, leaks_figure


@dataclass(frozen=True)
class ChapterEntry:
    """``sections`` by their anchors, in order. What opens the chapter: a figure of its own (``figure``), or else a drawing of its sections,
    the first of ``leads`` that was drawn."""

    anchor: str
    title: str
    sections: tuple[str, ...]
    leads: tuple[str, ...] = ()
    figure: Callable[[RunFolder], Figure | None] = lambda _: None

    def __call__(self, run: RunFolder, made: Mapping[str, Section], sentences: Iterable[str] = ()) -> Chapter:
        """The chapter of the sections that were made."""
        own = [made[anchor] for anchor in self.sections]
        drawn = {block.drawing.name: block for section in own for block in flat(section.blocks) if isinstance(block, Figure)}
        lead = self.figure(run) or next((drawn[name] for name in self.leads if name in drawn), None)
        opening: list[Block] = [Paragraph(sentence) for sentence in sentences]
        if lead is not None:
            opening.append(replace(lead, leads=True))
            own = [section.without(lead.drawing) for section in own]
        return Chapter(self.anchor, self.title, tuple(own), tuple(opening))


CHAPTERS = (
    ChapterEntry("read", "Can it be read?", ("emergence", "value", "tokens", "l1", "others"), ("emergence", "value-0")),
    ChapterEntry(
        "cause",
        "Does the network use it?",
        ("headline", "effects", "map", "layer-choice", "screen", "predictor", "rollout", "heterogeneity", "further"),
        ("screen", "effect-map", "effect-swap"),
    ),
    ChapterEntry(
        "mechanism",
        "How does the network use it?",
        ("ranks", "doses", "reads", "trace", "isolation", "calibration", "degeneracy"),
        ("degeneracy-curve", "read-matrix", "isolation", "ranks"),
    ),
    ChapterEntry(
        "carries-over", "Does it carry over?", ("portability", "across-models", "published"), ("rce-dose", "sas-matrix"), carried_figure
    ),
    ChapterEntry("trust", "What to trust?", ("stimuli", "leaks", "matching", "distances", "provenance"), ("matching",), leaks_figure),
)
ORDER = tuple(anchor for chapter in CHAPTERS for anchor in chapter.sections)
"""Every section, by its anchor."""
