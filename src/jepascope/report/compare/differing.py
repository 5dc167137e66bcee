"""What sets runs apart but their results, in words."""

from __future__ import annotations

from collections.abc import Callable

from jepascope.findings.numbers import count, shown
from jepascope.report.compare.reading import Compared
from jepascope.stats import MIN_DRAWS, OUTSIDE_DRAWS

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
