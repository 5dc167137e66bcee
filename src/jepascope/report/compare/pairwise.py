"""What makes runs incomparable, or the same, in words; and one sentence a pair of runs: whose intervals lie apart, and whose overlap."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

from jepascope.findings.names import edit_name
from jepascope.findings.numbers import apart, count, share_words, shown, with_interval
from jepascope.report.compare.reading import Compared
from jepascope.report.measures import Ranged, ValueRead
from jepascope.stats import MIN_DRAWS, OUTSIDE_DRAWS, side

UNSAID = "not recorded"


def _number(value: float | None) -> str:
    return UNSAID if value is None else count(value)


def _input(run: Compared) -> str:
    return UNSAID if run.study.frames is None or run.study.size is None else f"{run.study.frames} frames of {run.study.size} px"


CHECKED: tuple[tuple[str, Callable[[Compared], str], str], ...] = (
    ("The variable", lambda run: run.study.variable, "accuracies, chances and effects are about different things"),
    ("The number of classes", lambda run: _number(run.study.classes), "chance and the rank of the subspaces differ with it"),
    ("The labels file", lambda run: run.study.labels_digest or "none", "the same names may stand for other classes"),
    ("The clip set", lambda run: run.study.clips, "a difference may be the clips' rather than the model's"),
    ("The number of clips", lambda run: _number(run.study.clips_count), "probes are trained on more or fewer clips"),
    ("The seed", lambda run: _number(run.study.seed), "clips, splits and draws are others"),
    ("The token selection", lambda run: run.study.tokens or UNSAID, "what is pooled, edited and read is not the same"),
    ("The clips' size", _input, "the models see the scenes at other resolutions"),
    ("The rank", lambda run: count(run.measured.rank), "effects and chance for SAS grow with it"),
    ("What swaps take from", lambda run: run.study.swap_donor, "CE of swaps counts another change as 1"),
    ("The list of finders", lambda run: ", ".join(run.measured.ce) or "none", "rows are empty where a finder was not run"),
    ("The number of test scenes or videos", lambda run: count(run.measured.test_scenes), "intervals are wider with fewer"),
    ("The level of the intervals", lambda run: shown(run.study.confidence), "their widths are not comparable"),
    ("The version of jepascope", lambda run: run.study.version or UNSAID, "definitions may have changed (CHANGELOG.md)"),
)
"""What is looked at, how a run says it, and what follows where runs differ."""


def differences(runs: list[Compared]) -> list[str]:
    """A sentence for each thing in which the runs differ, one for few draws, one for repetitions."""
    sentences = []
    for what, of, why in CHECKED:
        if len(values := _by_value(runs, of)) > 1:
            listed = "; ".join(f"{value} ({', '.join(names)})" for value, names in values.items())
            sentences.append(f"{what} differs: {listed}; {why}.")
    return [*sentences, *_few_draws(runs), *_repeated(runs)]


def agreement(runs: list[Compared]) -> str:
    """What was looked at and found the same."""
    same = [what[4:] if what.startswith("The ") else "what swaps take from" for what, of, _ in CHECKED if len(_by_value(runs, of)) == 1]
    return f"Looked at and the same in all runs: {', '.join(same)}." if same else "Nothing that was looked at is the same in all runs."


def _by_value(runs: list[Compared], of: Callable[[Compared], str]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for run in runs:
        names.setdefault(of(run), []).append(run.name)
    return names


def _few_draws(runs: list[Compared]) -> list[str]:
    few = [run for run in runs if run.measured.draws < OUTSIDE_DRAWS]
    if not few:
        return []
    listed = ", ".join(f"{run.name} ({count(run.measured.draws)})" for run in few)
    return [
        f"Fewer than {OUTSIDE_DRAWS} draws of a control in {listed}: no effect there can be called outside its control's draws"
        + (f", and with fewer than {MIN_DRAWS} there is no ratio." if any(run.measured.draws < MIN_DRAWS for run in few) else ".")
    ]


def _repeated(runs: list[Compared]) -> list[str]:
    """Runs of one study on one encoder: the same numbers again, and no further evidence."""
    groups: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        if run.study.spec_digest and run.study.encoder_digest:
            groups.setdefault((run.study.spec_digest, run.study.encoder_digest), []).append(run.name)
    return [
        f"{' and '.join(names)} are one study of one encoder, run again: they repeat each other and are no further evidence."
        for names in groups.values()
        if len(names) > 1
    ]


LESSER = ("The list of finders", "The version of jepascope", "The number of test scenes or videos", "The level of the intervals")


def otherwise(a: Compared, b: Compared) -> list[str]:
    """What else than the model sets two runs of one variable apart."""
    return [f"the {what[4:]}" for what, of, _ in CHECKED if what.startswith("The ") and what not in LESSER and of(a) != of(b)]


def same_study(a: Compared, b: Compared) -> bool:
    """Whether two folders hold one study of one encoder."""
    key = (a.study.spec_digest, a.study.encoder_digest)
    return all(key) and key == (b.study.spec_digest, b.study.encoder_digest)


MOST_PAIRS = 10
EDITS = ("ablate", "swap")
NO_TEST = (
    "Intervals that lie apart are a cautious sign of a difference, and intervals that overlap show no equality. Neither is a test: each "
    "interval is of its own run, and runs of one seed share their clips, so that a test would have to pair them scene by scene."
)


def findings(runs: list[Compared]) -> list[str]:
    """A sentence for each pair of runs; with many, for each run and the first."""
    pairs = list(combinations(runs, 2))
    if len(pairs) <= MOST_PAIRS:
        return [sentence(a, b) for a, b in pairs]
    beside_first = [sentence(runs[0], run) for run in runs[1:]]
    return [*beside_first, f"Of {len(runs)} runs each is set beside the first, {runs[0].name}."]


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
    values = [(own, other) for own in a.measured.values for other in b.measured.values if _key(own) == _key(other)]
    numbers = any(own.measure == "r2" or own.unit != "degrees" for own, _ in values)  # whose classes are cut where nothing is
    if a.measured.accuracy is not None and b.measured.accuracy is not None and not numbers:
        parts.append(f"accuracy{layers} {beside(a.name, b.name, a.measured.accuracy, b.measured.accuracy, share=True)}")
    for own, other in values:
        parts.append(f"{'R²' if own.measure == 'r2' else 'error'} of {own.output}{layers} {beside(a.name, b.name, own, other)}")
    finder = next((name for name in a.measured.ce if name in b.measured.ce), "")
    for edit in EDITS:
        effects = [run.measured.ce[finder][edit] for run in (a, b) if edit in run.measured.ce.get(finder, {})]
        if len(effects) == 2:
            told = beside(a.name, b.name, effects[0], effects[1])
            if not any(side(effect.low, effect.high) in ("above", "below") for effect in effects):
                told = f"{' and '.join(map(_words, effects))}: not shown to do anything in either"
            parts.append(f"CE of {edit_name(edit)} with {finder} {told}")
    if not parts:
        return f"{both} have no figure in common."
    others = otherwise(a, b)
    return f"{both}: {'; '.join(parts)}." + (f" They also differ in {', '.join(others)}." if others else "")


def _key(value: ValueRead) -> tuple[str, str, str]:
    return value.measure, value.output, value.unit


def beside(first: str, second: str, a: Ranged, b: Ranged, share: bool = False) -> str:
    """Which of two estimates is higher, if their intervals do not touch."""
    where = {
        "unknown": ", without intervals to compare",
        "above": f": higher in {first}, the intervals lie apart",
        "below": f": higher in {second}, the intervals lie apart",
        "across": ": the intervals overlap",
    }
    return f"{_words(a, share)} and {_words(b, share)}{where[apart(a, b)]}"


def _words(figure: Ranged, share: bool = False) -> str:
    return (share_words if share else with_interval)(figure.value, figure.low, figure.high)
