"""One sentence a pair of runs: whose intervals lie apart, and whose overlap."""

from __future__ import annotations

from itertools import combinations

from jepascope.findings.numbers import finite, percent, percent_span, with_interval
from jepascope.findings.selection import EDIT_WORDS
from jepascope.report.compare.differences import otherwise, same_study
from jepascope.report.compare.reading import Compared
from jepascope.report.measures import Accuracy, Estimate, ValueRead
from jepascope.stats import side

MOST_PAIRS = 10
EDITS = ("ablate", "swap")
NO_TEST = (
    "Intervals that lie apart are a cautious sign of a difference, and intervals that overlap show no equality. Neither is a test: each "
    "interval is of its own run, and runs of one seed share their clips, so that a test would have to pair them scene by scene."
)


def findings(runs: list[Compared]) -> list[str]:
    """A sentence for each pair of runs; with many, for each run and the first."""
    chosen = list(combinations(runs, 2))
    said = []
    if len(chosen) > MOST_PAIRS:
        chosen = [(runs[0], run) for run in runs[1:]]
        said = [f"Of {len(runs)} runs each is set beside the first, {runs[0].name}."]
    return [*(sentence(a, b) for a, b in chosen), *said]


def sentence(a: Compared, b: Compared) -> str:
    """Accuracy at the best layers and CE of the first finder that both have."""
    both = f"{a.name} and {b.name}"
    if a.study.variable != b.study.variable:
        variables = f"{a.study.variable} and {b.study.variable}"
        return f"{both} are about different variables, {variables}: their figures are not set against each other."
    if a.study.labels_digest != b.study.labels_digest:
        return f"{both} have other labels under the name {a.study.variable}: their figures are not set against each other."
    if same_study(a, b):
        return f"{both} are one study run again: {'the same figures' if a.measured.ce == b.measured.ce else 'figures that differ'}."
    parts = []
    layers = f" (layers {a.measured.best_layer} and {b.measured.best_layer})"
    values = [(one, other) for one in a.measured.values for other in b.measured.values if _same(one, other)]
    numbers = any(one.measure == "r2" or one.unit != "degrees" for one, _ in values)  # whose classes are cut where nothing is
    if a.measured.accuracy is not None and b.measured.accuracy is not None and not numbers:
        parts.append(f"accuracy{layers} {beside(a.name, b.name, a.measured.accuracy, b.measured.accuracy, share=True)}")
    for one, other in values:
        parts.append(f"{'R²' if one.measure == 'r2' else 'error'} of {one.output}{layers} {beside(a.name, b.name, one, other)}")
    finder = next((name for name in a.measured.ce if name in b.measured.ce), None)
    for edit in EDITS:
        if finder is not None and edit in a.measured.ce[finder] and edit in b.measured.ce[finder]:
            of_a, of_b = a.measured.ce[finder][edit], b.measured.ce[finder][edit]
            words = beside(a.name, b.name, of_a, of_b)
            if not any(side(one.low, one.high) in ("above", "below") for one in (of_a, of_b)):
                words = f"{_said(of_a, False)} and {_said(of_b, False)}: not shown to do anything in either"
            parts.append(f"CE of {EDIT_WORDS[edit]} with {finder} {words}")
    if not parts:
        return f"{both} have no figure in common."
    apart = otherwise(a, b)
    return f"{both}: {'; '.join(parts)}." + (f" They also differ in {', '.join(apart)}." if apart else "")


def _same(one: ValueRead, other: ValueRead) -> bool:
    return (one.measure, one.output, one.unit) == (other.measure, other.output, other.unit)


def beside(first: str, second: str, a: Estimate | Accuracy | ValueRead, b: Estimate | Accuracy | ValueRead, share: bool = False) -> str:
    """Which of two estimates is higher, if their intervals do not touch."""
    values = f"{_said(a, share)} and {_said(b, share)}"
    if not all(finite(end) for end in (a.low, a.high, b.low, b.high)):
        return f"{values}, without intervals to compare"
    if a.low > b.high:
        return f"{values}: higher in {first}, the intervals lie apart"
    if b.low > a.high:
        return f"{values}: higher in {second}, the intervals lie apart"
    return f"{values}: the intervals overlap"


def _said(one: Estimate | Accuracy | ValueRead, share: bool) -> str:
    return f"{percent(one.value)} {percent_span(one.low, one.high)}" if share else with_interval(one.value, one.low, one.high)
