"""What would get a refused study of videos through: other settings, each of them tried before it is proposed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from jepascope.clips.column_kind import is_number
from jepascope.clips.video.enough import TooFew, least_clips_per_class, shown
from jepascope.errors import BadData, JepascopeError, setting
from jepascope.study.spec import StudySpec

SHORTER = (2, 4)  # times shorter windows that are tried
SHORTEST = 0.25  # seconds: less shows hardly any motion
MORE_CLIPS = (25, 30, 40, 50, 80, 120, 200)  # clips of a class
MORE_WINDOWS = (32, 64)  # of a video
MOST_CHANGED = 3  # settings at once
MOST_TRIED = 60
PROPOSED = 3

Try = Callable[[StudySpec], str]
"""Counts of what a study would have, in words; raises a JepascopeError where it would be refused."""


@dataclass(frozen=True)
class Remedy:
    """Settings with which a study would do, and the counts that they give, in words."""

    fields: Mapping[str, Any]
    counts: str

    def __str__(self) -> str:
        return f"{setting(**self.fields)} ({self.counts})"


class StudyRefused(BadData):
    """A folder of which a study cannot be made as it is asked for: ``short`` of what, and what would do."""

    def __init__(self, message: str, short: TooFew, remedies: Sequence[Remedy]) -> None:
        super().__init__(message)
        self.short, self.remedies = short, tuple(remedies)


def remedies(spec: StudySpec, attempt: Try, classes: Sequence[str], seconds: bool = True) -> list[Remedy]:
    """Settings with which the study would do, the fewest at once, with the counts that they give; none where none of those tried would.

    ``classes``: those that there is enough of, if others are scarce; ``seconds``: whether other windows can be tried.
    """
    values = _values(spec, classes, seconds)
    tried = 0
    for changed in range(1, MOST_CHANGED + 1):
        proposals = list[Remedy]()
        for names in combinations(values, changed):
            for fields in _in_turn(names, values):
                tried += 1
                try:
                    counts = attempt(StudySpec(**{**spec.model_dump(), **fields}))
                except (JepascopeError, ValueError):  # refused as well, or no spec at all
                    counts = ""
                if counts:
                    proposals.append(Remedy(fields, counts))
                    break
                if tried >= MOST_TRIED:
                    return proposals
        if proposals:
            return proposals[:PROPOSED]
    return []


def _values(spec: StudySpec, classes: Sequence[str], seconds: bool) -> dict[str, list[Any]]:
    """Other values of every setting that may bind, the smallest change first."""
    values: dict[str, list[Any]] = {}
    assert spec.seconds is not None and spec.per_source is not None
    if seconds:
        values["seconds"] = [spec.seconds / times for times in SHORTER if spec.seconds / times >= SHORTEST]
    more = sorted({least_clips_per_class(spec.class_count), *MORE_CLIPS})
    values["clips_per_class"] = [count for count in more if count > spec.clips_per_class]
    if spec.labels is not None and spec.kind == "auto" and spec.classes is None and all(map(is_number, spec.state_variable.classes)):
        values["kind"] = ["numeric"]
    if spec.test_scenes < 2 * spec.class_count:  # a swap within a class takes two
        values["test_scenes"] = [2 * spec.class_count]
    if spec.official_split is not None:
        values["splits"] = ["own"]
    if len(classes) > 1 and tuple(classes) != spec.state_variable.classes:
        values["classes"] = [tuple(classes)]
    if seconds:
        values["per_source"] = [count for count in MORE_WINDOWS if count > spec.per_source]
    return values


def _in_turn(names: Sequence[str], values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for chosen in product(*(values[name] for name in names)):
        yield dict(zip(names, chosen, strict=True))


def advice(proposals: Sequence[Remedy], missing: Mapping[str, int]) -> str:
    """What to do, for the end of a refusal. ``missing``: how many more videos of a class (of any: '') are needed at least."""
    counts = shown([f"{count} of {name}" if name else f"{count} more" for name, count in missing.items()])
    more = f"add videos, at least {counts}" if missing else ""
    if proposals:
        return "; what would do: " + "; or ".join([*map(str, proposals), *([more] if more else [])])
    return f"; no shorter windows, more clips or fewer classes that were tried would do: {more or 'add videos'}"
