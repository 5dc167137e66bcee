"""``--preset paper``: every published quantity, what each run measures of it, what to distrust, and which of our figures answers that."""

from __future__ import annotations

from dataclasses import dataclass

from jepascope.findings.numbers import Cell
from jepascope.report.answers import Lines, Say
from jepascope.report.blocks import Block, Finding, Grid, Paragraph, Section, Verbatim
from jepascope.report.compare.encoders import FRAMES, HUB, commands, known, out_of, recognised, runs_of
from jepascope.report.compare.reading import Compared
from jepascope.report.paper import BOTH, CAVEAT, PAPER, PUBLISHED, VITH, VITL, Quantity

BESIDE = "beside it: "
NO_RUN = "no run given"
NOT_PUBLISHED = "not published"
ELSEWHERE = ("as above: the ratio of this run",)


@dataclass(frozen=True)
class Column:
    """A run, or an encoder of the paper that no run is of (``run`` is None)."""

    encoder: str
    run: Compared | None

    @property
    def head(self) -> str:
        """Whose figures stand below."""
        if self.run is None:
            return f"{self.encoder}: {NO_RUN}"
        where = f"{self.run.name}, claims at layer {self.run.measured.best_layer} of {self.run.study.depth}"
        return f"{self.encoder} ({where})" if self.encoder else f"another encoder: {self.run.study.model} ({where})"


def columns(runs: list[Compared]) -> list[Column]:
    """The paper's encoders first, each with its runs or with none, then the runs of other encoders."""
    about = [run for run in runs if run.folder.is_direction]  # nothing is published about another variable
    columns_found: list[Column] = []
    for encoder in (VITL, VITH):
        own = runs_of(encoder, about)
        columns_found += [Column(encoder, run) for run in own] if own else [Column(encoder, None)]
    return [*columns_found, *(Column("", run) for run in about if recognised(run.study) is None)]


@dataclass(frozen=True)
class Entry:
    """One line of the table: what it is, what is published of it, and what each column has."""

    label: str
    published: str
    cells: tuple[Lines, ...]


def entries(quantity: Quantity, shown: list[Column]) -> list[Entry]:
    """The quantity as published, and below it the figures of ours that say what it is worth."""
    as_published = Entry("as published", quantity.published, tuple(measured(quantity, column) for column in shown))
    answers = []
    for label, of in quantity.comparators.items():
        cells = tuple(_answer(quantity, column, of) for column in shown)
        if any(cells):
            absent = tuple((NO_RUN,) if column.run is None else () for column in shown)
            answers.append(Entry(f"{BESIDE}{label}", NOT_PUBLISHED, tuple(own or why for own, why in zip(cells, absent, strict=True))))
    return [as_published, *answers]


def _answer(quantity: Quantity, column: Column, of: Say) -> Lines:
    if column.run is None or _absent(quantity, column):
        return ()
    return of(column.run.folder, _layers(quantity, column))


def measured(quantity: Quantity, column: Column) -> Lines:
    """What a column says of the quantity; the reason where it has nothing."""
    if column.run is None:
        return (NO_RUN,)
    if _absent(quantity, column):
        return ELSEWHERE
    folder = column.run.folder
    return quantity.measured(folder, _layers(quantity, column)) or (quantity.missing.format(clips=folder.clips),)


def _layers(quantity: Quantity, column: Column) -> tuple[int, ...]:
    return quantity.layers if column.encoder == VITL else ()


def _absent(quantity: Quantity, column: Column) -> bool:
    """A quantity of the paper's larger encoder is asked of that encoder alone."""
    return quantity.encoder == VITH and column.encoder != VITH


def paper_sections(runs: list[Compared]) -> list[Section]:
    """The table, and how to fill the columns that are empty."""
    shown = columns(runs)
    rows: list[tuple[Cell | str, ...]] = []
    for quantity in PUBLISHED:
        rows.append((Cell(f"{quantity.name} ({quantity.where})", strong=True),))
        rows += [
            (entry.label, entry.published, *("\n".join(lines) or "not measured" for lines in entry.cells))
            for entry in entries(quantity, shown)
        ]
    head = ("quantity", "published", *(column.head for column in shown))
    caption = (
        f"Published: {PAPER}. Brackets: 95 % intervals over test clips (accuracy) or test scenes (of videos: whole ones) and draws of "
        "the control (CE). CE ratio: ablation at dose 1 by the probe as judge, one line a finder; ≥: a lower bound, the control's effect "
        "cannot be told from zero. SAS and RCE: the first pair of finders that did not find the same subspace; RCE at the largest dose at "
        "which neither effect is saturated. Figures at other layers, and of all pairs, stand in each run's report."
    )
    blocks: list[Block] = [Finding(sentence) for sentence in said(runs)]
    blocks += [Grid(head, tuple(rows), caption, words=2), distrust(), Paragraph(CAVEAT)]
    sections = [Section("paper", "The paper's figures beside these runs", tuple(blocks))]
    lacking = missing_encoders(runs)
    if lacking:
        sections.append(Section("missing", "How to fill the empty columns", how(lacking)))
    return sections


def distrust() -> Grid:
    """Beside each quantity what a reader should distrust in it, and which figures of ours answer that."""
    rows = tuple((f"{entry.name}: {entry.published}", f"{entry.distrust} What answers it: {answer(entry)}.") for entry in PUBLISHED)
    caption = "What to distrust in each published quantity, and the figures of ours that answer it."
    return Grid(("published", "what to distrust in it"), rows, caption, words=2)


def answer(quantity: Quantity) -> str:
    """The rows of the table that say what a published quantity is worth."""
    return "; ".join(quantity.comparators) or quantity.answer


def missing_encoders(runs: list[Compared]) -> list[str]:
    """The paper's encoders that no run about direction is of."""
    return [encoder for encoder in (VITL, VITH) if not any(run.folder.is_direction for run in runs_of(encoder, runs))]


def said(runs: list[Compared]) -> list[str]:
    """For each of the paper's encoders and each other run, whose figures stand in the table."""
    about = [run for run in runs if run.folder.is_direction]
    lines = [
        f"The run {run.name} is about {run.study.variable}, and all that is published is about the direction of motion: it has no column."
        for run in runs
        if run not in about
    ]
    for encoder in (VITL, VITH):
        own = runs_of(encoder, about)
        if not own:
            lines.append(f"{encoder} ({HUB[encoder]}): no run of it was given, so nothing published for it is measured here.")
        for run in own:
            by = recognised(run.study)
            lines.append(f"The run {run.name} is taken for V-JEPA 2 {encoder}, by {'' if by is None else by.by}.")
    others = [run for run in about if recognised(run.study) is None]
    if others:
        listed = ", ".join(f"{run.name} ({run.study.model})" for run in others)
        lines.append(f"Of another encoder than the paper's: {listed}. Such a column shows the same quantities, and replicates nothing.")
    return lines


def how_lines(runs: list[Compared]) -> list[str]:
    """The same for the terminal; nothing where no column is empty."""
    lacking = missing_encoders(runs)
    blocks = how(lacking) if lacking else ()
    return [
        line
        for block in blocks
        if isinstance(block, Verbatim)
        for line in (f"{block.caption}:", *(f"  {entry}" for entry in block.text.split("\n")))
    ]


def how(lacking: list[str]) -> tuple[Block, ...]:
    """The exact commands for each encoder that no run is of."""
    blocks: list[Block] = []
    for encoder in lacking:
        model = known(encoder)
        caption = f"{encoder}: {model.sizes.width} wide, {model.sizes.depth} blocks, {model.weights_gb:.1f} GB of weights in memory"
        blocks.append(Verbatim("\n".join(commands(encoder)), caption))
    blocks.append(
        Verbatim(
            f"jepascope port {out_of(VITL)} {out_of(VITH)}\njepascope compare --preset paper {out_of(VITL)} {out_of(VITH)}",
            f"Then the alignment of the two ({BOTH}), and this page again",
        )
    )
    blocks.append(Paragraph(FRAMES))
    return tuple(blocks)
