"""The comparison as a table: a row a quantity, a column a run, for the page and the terminal alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod

from jepascope.findings.numbers import (
    ABSENT,
    Cell,
    count,
    duration,
    finite,
    interval_cell,
    number_cell,
    percent,
    percent_span,
    ratio_text,
    shown,
)
from jepascope.findings.selection import in_order
from jepascope.findings.verdict import NO_RATIO
from jepascope.report.carried_measures import Rce, Sas, Verdict
from jepascope.report.compare.reading import Compared
from jepascope.report.measures import Estimate, ValueRead

RATIOS = {"random": "random directions", "variance": "variance-matched", "shuffled": "shuffled labels"}
MOST_FINDERS = 12
NOT_RUN = "not run"
NO_VALUE = "no value"

Say = Callable[[Compared], Cell | str]


@dataclass(frozen=True)
class Group:
    """A heading, what the page adds to it, and the rows below it: a label and a cell for each run."""

    heading: str
    detail: str
    rows: tuple[tuple[Cell | str, ...], ...]


def groups(runs: list[Compared]) -> tuple[Group, ...]:
    """Everything that is compared, in the order of the method."""
    finders = finders_of(runs)

    def group(heading: str, detail: str, rows: list[tuple[str, Say]]) -> Group:
        return Group(heading, detail, tuple((label, *(say(run) for run in runs)) for label, say in rows))

    made = (
        group("What was studied", "", STUDIED),
        group("What the probe reads", ", at the best layer", [*READ, *_values(runs)]),
        group("CE of ablation", ": share of the clean margin lost", [(finder, _ce(finder, "ablate")) for finder in finders]),
        group(
            "CE ratio of ablation",
            ": over the mean of its control (1: as much as the control does)",
            [(f"{finder} / {words}", _ratio(finder, control)) for finder in finders for control, words in RATIOS.items()],
        ),
        group("CE of swaps", ": margin moved to the target, over what the partner moves", [(name, _ce(name, "swap")) for name in finders]),
        group("CE of steering", ": the same, adding the difference of class means", [(name, _ce(name, "steer")) for name in finders]),
        group("Portability between finders", "", _portability(runs)),
        group("What was found", ": claims by their rules (docs/run-folder.md)", _claims(runs)),
        group("Evidence", "", EVIDENCE),
    )
    return tuple(one for one in made if one.rows)


def finders_of(runs: list[Compared]) -> list[str]:
    """Every finder of any run, those of the first run first; no more than a table can show."""
    return in_order((finder for run in runs for finder in run.measured.ce), ())[:MOST_FINDERS]


def _ce(finder: str, edit: str) -> Say:
    def say(run: Compared) -> Cell | str:
        one = run.measured.ce.get(finder, {}).get(edit)
        return NOT_RUN if one is None else estimate_cell(one)

    return say


def estimate_cell(one: Estimate) -> Cell:
    """Value and interval; n stands in the rows of evidence."""
    return Cell(NO_VALUE) if not finite(one.value) else interval_cell(one.value, one.low, one.high)


def _ratio(finder: str, control: str) -> Say:
    def say(run: Compared) -> Cell | str:
        one = run.measured.ce_ratio.get(finder, {}).get(control)
        if one is None:
            return NOT_RUN
        if not one.stated:
            return Cell(NO_RATIO)
        return Cell(ratio_text(one.value, one.low, one.high, one.bound), repr(one.value))

    return say


def _size(run: Compared) -> str:
    study = run.study
    return f"{count(study.width)} × {count(study.depth)}"


def _tokens(run: Compared) -> str:
    grid = run.study.grid
    return f"{prod(grid)} ({' × '.join(map(str, grid))})" if grid else ABSENT


def _clips(run: Compared) -> str:
    many = run.study.clips_count
    return run.study.clips if many is None else f"{run.study.clips}, {many}"


def _variable(run: Compared) -> str:
    classes = run.study.classes
    return run.study.variable if classes is None else f"{run.study.variable}, {classes} classes"


def _layer(run: Compared) -> str:
    return f"{run.measured.best_layer} of {count(run.study.depth)} ({shown(run.measured.relative_depth, 2)})"


def _accuracy(run: Compared) -> Cell | str:
    at = run.measured.accuracy
    if at is None:
        return NOT_RUN
    exact = f"{at.value!r} [{at.low!r}, {at.high!r}]"
    return Cell(f"{percent(at.value)} {percent_span(at.low, at.high)}", exact, strong=True)


def _untrained(run: Compared) -> str:
    at = run.measured.accuracy
    if at is None or not at.untrained_seeds:
        return NOT_RUN
    if at.untrained_seeds == 1:
        return f"{percent(at.untrained)} (1 seed)"
    return f"{percent(at.untrained)} {percent_span(at.untrained_low, at.untrained_high)}"


def _chance(run: Compared) -> str:
    return NOT_RUN if run.measured.accuracy is None else percent(run.measured.accuracy.chance)


def _test_clips(run: Compared) -> str:
    return NOT_RUN if run.measured.accuracy is None else count(run.measured.accuracy.n)


def _values(runs: list[Compared]) -> list[tuple[str, Say]]:
    """A row for each output of any run's variable, with the untrained twins' mean below it; they decide whether a number is read."""
    keys = dict.fromkeys((one.measure, one.output, one.unit) for run in runs for one in run.measured.values)
    rows: list[tuple[str, Say]] = []
    for measure, output, unit in keys:
        name = f"R² of {output}" if measure == "r2" else f"error of {output}, {unit or 'its unit'}"
        rows.append((name, _value(measure, output, lambda one: interval_cell(one.value, one.low, one.high))))
        rows.append(("- untrained twins", _value(measure, output, lambda one: number_cell(one.untrained))))
    return rows


def _value(measure: str, output: str, say: Callable[[ValueRead], Cell]) -> Say:
    def cell(run: Compared) -> Cell | str:
        found = (one for one in run.measured.values if (one.measure, one.output) == (measure, output))
        return next((say(one) for one in found), NOT_RUN)

    return cell


def _leaks(run: Compared) -> str:
    found = run.measured.leaks
    if found is None:
        return NOT_RUN
    return f"{found.found} of {found.of}" + (f", {found.beyond} unexplained" if found.beyond else "")


def _claims(runs: list[Compared]) -> list[tuple[str, Say]]:
    """The verdict on every question that any run answers, worded by the closest control."""
    answered = dict.fromkeys(claim.name for run in runs for claim in run.claims if claim.verdict != NOT_RUN)
    return [(name, partial(_verdict_on, name)) for name in answered]


def _verdict_on(name: str, run: Compared) -> str:
    return next(claim.verdict for claim in run.claims if claim.name == name)


STUDIED: list[tuple[str, Say]] = [
    ("model", lambda run: run.study.model),
    ("width × depth", _size),
    ("tokens (time × rows × columns)", _tokens),
    ("clips", _clips),
    ("variable", _variable),
]

READ: list[tuple[str, Say]] = [
    ("best layer (relative depth)", _layer),
    ("dense accuracy", _accuracy),
    ("untrained twins, range", _untrained),
    ("chance", _chance),
    ("L1 support", lambda run: percent(run.measured.l1_support)),
]

EVIDENCE: list[tuple[str, Say]] = [
    ("leaks (motionless baselines)", _leaks),
    ("test clips (accuracy)", _test_clips),
    ("test scenes or videos (CE)", lambda run: count(run.measured.test_scenes)),
    ("draws of every control", lambda run: count(run.measured.draws)),
    ("wall clock", lambda run: Cell(duration(run.measured.seconds))),
]


def _portability(runs: list[Compared]) -> list[tuple[str, Say]]:
    """SAS and both RCE of one pair of finders; the pair is named in the labels where all runs that have one share it."""
    pairs = {(one.a, one.b) for run in runs if (one := run.measured.sas) is not None}
    if not pairs:
        return []
    a, b = next(iter(pairs)) if len(pairs) == 1 else ("a", "b")
    named: list[tuple[str, Say]] = [] if len(pairs) == 1 else [("pair: a, b", _of_sas(lambda one: f"{one.a}, {one.b}"))]
    rows: list[tuple[str, Say]] = [
        (f"SAS of {a} and {b}", _of_sas(lambda one: number_cell(one.value))),
        ("SAS at chance (k/d)", _of_sas(lambda one: number_cell(one.chance))),
        ("SAS, split-half reference", _of_sas(lambda one: number_cell(one.ceiling))),
    ]
    for place, name in enumerate((f"RCE, {a} used for {b}", f"RCE, {b} used for {a}")):
        rows += [
            (name, _of_rce(place, _rce_cell)),
            ("- random ones keep", _of_rce(place, lambda one: number_cell(one.floor_random))),
            ("- variance-matched ones keep", _of_rce(place, lambda one: number_cell(one.floor_variance))),
        ]
    return [*named, *rows, *([("degeneracy", _degeneracy)] if any(run.measured.degeneracy for run in runs) else [])]


def _of_sas(say: Callable[[Sas], Cell | str]) -> Say:
    return lambda run: NOT_RUN if run.measured.sas is None else say(run.measured.sas)


def _of_rce(place: int, say: Callable[[Rce], Cell | str]) -> Say:
    return lambda run: say(run.measured.rce[place]) if place < len(run.measured.rce) else NOT_RUN


def _rce_cell(one: Rce) -> Cell:
    text = interval_cell(one.value, one.low, one.high) if finite(one.value) else Cell(NO_VALUE)
    return Cell(f"{text.text} (saturated)", text.exact) if one.saturated else text


def _degeneracy(run: Compared) -> str:
    pair = run.measured.sas
    found = [_verdict_words(one, pair) for one in run.measured.degeneracy]
    return "\n".join(words for words in found if words) or NOT_RUN


def _verdict_words(one: Verdict, pair: Sas | None) -> str:
    if not one.b:
        return f"peeling {one.a}: {one.verdict}"
    return one.verdict if pair is not None and {one.a, one.b} == {pair.a, pair.b} else ""
