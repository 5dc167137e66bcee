"""The comparison as a table: a row a quantity, a column a run, for the page and the terminal alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from jepascope.findings.names import control_name, in_order
from jepascope.findings.numbers import (
    ABSENT,
    Cell,
    count,
    duration,
    finite,
    interval_cell,
    number_cell,
    percent,
    ratio_text,
    share_words,
    shown,
)
from jepascope.findings.verdict import NO_RATIO
from jepascope.report.blocks import Grid
from jepascope.report.carried_measures import Rce, Sas, Verdict
from jepascope.report.compare.reading import Compared
from jepascope.report.measures import Accuracy, Against, Leaks, Ranged, ValueRead

RATIOS = {name: control_name(name) for name in ("random", "variance", "shuffled")}
MOST_FINDERS = 12
NOT_RUN = "not run"
NO_VALUE = "no value"

Say = Callable[[Compared], Cell | str]
Lines = list[tuple[str, Say]]


@dataclass(frozen=True)
class Group:
    """A heading, what the page adds to it, and the rows below it: a label and a cell for each run."""

    heading: str
    detail: str
    rows: tuple[tuple[Cell | str, ...], ...]


def groups(runs: list[Compared]) -> tuple[Group, ...]:
    """Everything that is compared, in the order of the method; of finders no more than a table can show, those of the first run first."""
    finders = in_order((finder for run in runs for finder in run.measured.ce), ())[:MOST_FINDERS]

    def group(heading: str, detail: str, rows: Lines) -> Group:
        return Group(heading, detail, tuple((label, *(say(run) for run in runs)) for label, say in rows))

    made = (
        group("What was studied", "", STUDIED),
        group("What the probe reads", ", at the best layer", [*READ, *_values(runs)]),
        group("CE of ablation", ": share of the clean margin lost", _effects(finders, "ablate")),
        group(
            "CE ratio of ablation",
            ": over the mean of its control (1: as much as the control does)",
            [(f"{finder} / {words}", _ratio(finder, control)) for finder in finders for control, words in RATIOS.items()],
        ),
        group("CE of swaps", ": margin moved to the target, over what the partner moves", _effects(finders, "swap")),
        group("CE of steering", ": the same, adding the difference of class means", _effects(finders, "steer")),
        group("Portability between finders", "", _portability(runs)),
        group("What was found", ": claims by their rules (docs/run-folder.md)", _claims(runs)),
        group("Evidence", "", EVIDENCE),
    )
    return tuple(each for each in made if each.rows)


def told(of: Callable[[Compared], Any], say: Callable[[Any], Cell | str], absent: str = NOT_RUN) -> Say:
    """What is said of a figure; 'not run' where a run has none."""
    return lambda run: absent if (figure := of(run)) is None else say(figure)


def ranged_cell(figure: Ranged) -> Cell:
    """Value and interval; n stands in the rows of evidence."""
    return interval_cell(figure.value, figure.low, figure.high) if finite(figure.value) else Cell(NO_VALUE)


def _effects(finders: list[str], edit: str) -> Lines:
    def of(finder: str) -> Say:
        return told(lambda run: run.measured.ce.get(finder, {}).get(edit), ranged_cell)

    return [(finder, of(finder)) for finder in finders]


def _ratio(finder: str, control: str) -> Say:
    def say(beside: Against) -> Cell:
        text = ratio_text(beside.value, beside.low, beside.high, beside.bound)
        return Cell(text, repr(beside.value)) if beside.stated else Cell(NO_RATIO)

    return told(lambda run: run.measured.ce_ratio.get(finder, {}).get(control), say)


def _accuracy(at: Accuracy) -> Cell:
    return Cell(share_words(at.value, at.low, at.high), f"{at.value!r} [{at.low!r}, {at.high!r}]", strong=True)


def _untrained(at: Accuracy) -> str:
    if at.untrained_seeds > 1:
        return share_words(at.untrained, at.untrained_low, at.untrained_high)
    return f"{percent(at.untrained)} (1 seed)" if at.untrained_seeds else NOT_RUN


def _values(runs: list[Compared]) -> Lines:
    """A row for each output of any run's variable, with the untrained twins' mean below it; they decide whether a number is read."""
    rows: Lines = []
    for measure, output, unit in dict.fromkeys((value.measure, value.output, value.unit) for run in runs for value in run.measured.values):

        def of(run: Compared, key: tuple[str, str] = (measure, output)) -> ValueRead | None:
            return next((value for value in run.measured.values if (value.measure, value.output) == key), None)

        name = f"R² of {output}" if measure == "r2" else f"error of {output}, {unit or 'its unit'}"
        rows.append((name, told(of, lambda value: interval_cell(value.value, value.low, value.high))))
        rows.append(("- untrained twins", told(of, lambda value: number_cell(value.untrained))))
    return rows


def _leaks(leaks: Leaks) -> str:
    return f"{leaks.found} of {leaks.of}" + (f", {leaks.beyond} unexplained" if leaks.beyond else "")


def _claims(runs: list[Compared]) -> Lines:
    """The verdict on every question that any run answers, worded by the closest control."""
    answered = dict.fromkeys(claim.name for run in runs for claim in run.claims if claim.verdict != NOT_RUN)

    def of(name: str) -> Say:
        return lambda run: next(claim.verdict for claim in run.claims if claim.name == name)

    return [(name, of(name)) for name in answered]


def _tokens(sides: tuple[int, ...]) -> str:
    return f"{prod(sides)} ({' × '.join(map(str, sides))})"


STUDIED: Lines = [
    ("model", lambda run: run.study.model),
    ("width × depth", lambda run: f"{count(run.study.width)} × {count(run.study.depth)}"),
    ("tokens (time × rows × columns)", told(lambda run: run.study.grid or None, _tokens, ABSENT)),
    ("clips", lambda run: run.study.clips + (f", {run.study.clips_count}" if run.study.clips_count is not None else "")),
    ("variable", lambda run: run.study.variable + (f", {run.study.classes} classes" if run.study.classes is not None else "")),
]
READ: Lines = [
    (
        "best layer (relative depth)",
        lambda run: f"{run.measured.best_layer} of {count(run.study.depth)} ({shown(run.measured.relative_depth, 2)})",
    ),
    ("dense accuracy", told(lambda run: run.measured.accuracy, _accuracy)),
    ("untrained twins, range", told(lambda run: run.measured.accuracy, _untrained)),
    ("chance", told(lambda run: run.measured.accuracy, lambda at: percent(at.chance))),
    ("L1 support", lambda run: percent(run.measured.l1_support)),
]
EVIDENCE: Lines = [
    ("leaks (motionless baselines)", told(lambda run: run.measured.leaks, _leaks)),
    ("test clips (accuracy)", told(lambda run: run.measured.accuracy, lambda at: count(at.n))),
    ("test scenes or videos (CE)", lambda run: count(run.measured.test_scenes)),
    ("draws of every control", lambda run: count(run.measured.draws)),
    ("wall clock", lambda run: Cell(duration(run.measured.seconds))),
]


def _portability(runs: list[Compared]) -> Lines:
    """SAS and both RCE of one pair of finders; the pair is named in the labels where all runs that have one share it."""
    pairs = {(sas.a, sas.b) for run in runs if (sas := run.measured.sas) is not None}
    if not pairs:
        return []
    a, b = next(iter(pairs)) if len(pairs) == 1 else ("a", "b")

    def of_sas(say: Callable[[Sas], Cell | str]) -> Say:
        return told(lambda run: run.measured.sas, say)

    rows: Lines = [] if len(pairs) == 1 else [("pair: a, b", of_sas(lambda sas: f"{sas.a}, {sas.b}"))]
    rows += [
        (f"SAS of {a} and {b}", of_sas(lambda sas: number_cell(sas.value))),
        ("SAS at chance (k/d)", of_sas(lambda sas: number_cell(sas.chance))),
        ("SAS, split-half reference", of_sas(lambda sas: number_cell(sas.ceiling))),
    ]
    for place, name in enumerate((f"RCE, {a} used for {b}", f"RCE, {b} used for {a}")):

        def of(run: Compared, place: int = place) -> Rce | None:
            return next(iter(run.measured.rce[place:]), None)

        rows += [
            (name, told(of, _rce)),
            ("- random ones keep", told(of, lambda rce: number_cell(rce.floor_random))),
            ("- variance-matched ones keep", told(of, lambda rce: number_cell(rce.floor_variance))),
        ]
    return rows + ([("degeneracy", _degeneracy)] if any(run.measured.degeneracy for run in runs) else [])


def _rce(rce: Rce) -> Cell:
    cell = ranged_cell(rce)
    return Cell(f"{cell.text} (saturated)", cell.exact) if rce.saturated else cell


def _degeneracy(run: Compared) -> str:
    """What peeling leaves, and the verdict on the pair that is compared."""
    pair = run.measured.sas

    def said(verdict: Verdict) -> str:
        if not verdict.b:
            return f"peeling {verdict.a}: {verdict.verdict}"
        return verdict.verdict if pair is not None and {verdict.a, verdict.b} == {pair.a, pair.b} else ""

    return "\n".join(filter(None, map(said, run.measured.degeneracy))) or NOT_RUN


def table(runs: list[Compared]) -> Grid:
    """The groups of rows as one table of the page."""
    rows = [row for group in groups(runs) for row in ((group.heading + group.detail,), *group.rows)]
    levels = ", ".join(dict.fromkeys(run.folder.confidence for run in runs))
    caption = (
        f"A column a run. Brackets: {levels} (of untrained twins: the range over seeds). Figures of effects are by the probe as judge, at "
        "dose 1 and the run's best layer; n and draws stand under Evidence. 'No value': what the effect is a share of is not above zero. "
        "'No ratio': fewer than 10 draws, or effects that have none. ≥: a lower bound, the control's effect cannot be told from zero. "
        "SAS and RCE are of the first pair of finders that did not find the same subspace; RCE at the largest dose at which neither "
        "effect is saturated; below it, what random and variance-matched subspaces keep. L1 support is a share of coordinates, no "
        "dimension."
    )
    return Grid(("", *(run.name for run in runs)), tuple(rows), caption)
