"""Types of a spec's fields, with what of a value is refused and why, in words. Imports neither torch nor pandas."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, StrictInt, StrictStr

from jepascope.catalog import is_code
from jepascope.clips.entries import CLIP_SETS
from jepascope.discovery.finder_entry import FINDERS
from jepascope.encoders.part_names import SITES
from jepascope.intervention.control_entry import CONTROLS, on_request
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.judge_entry import JUDGES
from jepascope.study.refusals import Named

Chapter = Literal["mechanism", "port", "trust"]
CHAPTERS: tuple[Chapter, ...] = ("mechanism", "port", "trust")  # of a study, besides what is read and what is used
SCOPE = re.compile(r"all|object|background|time:[0-9]{1,6}(-[0-9]{1,6})?")  # as activations.site has it, which would import torch


def _no_repeats(values: Any) -> Any:
    twice = [value for i, value in enumerate(values) if value in values[:i]] if isinstance(values, tuple) else []
    if twice:
        raise ValueError(f"names {twice[0]} twice")
    return values


def _asked(controls: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are not beside every effect anyway."""
    return tuple(filter(on_request, controls))


def _finite(doses: tuple[float, ...]) -> tuple[float, ...]:
    if not all(0 < dose <= 10 for dose in doses):
        raise ValueError("doses lie in (0, 10]; 1 is the whole edit")
    return doses


def _numbers_are_names(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    return [str(name) if isinstance(name, int | float) and not isinstance(name, bool) else name for name in value]


def _known_scope(value: str | None) -> str | None:
    if value is not None and not SCOPE.fullmatch(value):
        raise ValueError("tokens to edit are all, object, background, or tubelets from 0 such as time:2 or time:0-1")
    return value


def _with_probe(judges: tuple[str, ...]) -> tuple[str, ...]:
    if "probe" not in judges:
        raise ValueError("judges must include probe: claims are made in its margin")
    return judges


def _known_part(value: str) -> str:
    if value not in SITES:
        raise ValueError(f"there is no such part of a block; known are {', '.join(SITES)}")
    return value


def _few_pairs(value: dict[str, str | int] | None) -> dict[str, str | int] | None:
    if value is not None and not 2 <= len(value) <= 64:
        raise ValueError("pairs at least two (and at most 64) classes of the variable with labels of the head")
    labels = list((value or {}).values())
    if any(isinstance(label, int) and not 0 <= label < 10_000 for label in labels):
        raise ValueError("a label of the head is its name, or its number from 0")
    if len(set(labels)) < len(labels):
        raise ValueError("gives two classes the same label, which nothing could tell apart")
    return value


def _known_sets(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in CLIP_SETS and not is_code(name):
            raise ValueError(f"there is no clip set '{name[:60]}'; known are {', '.join(CLIP_SETS.names)}")
    return names


_Finder = Annotated[str, Named(FINDERS)]
_Edit = Annotated[str, Named(EDITS)]
_Judge = Annotated[str, Named(JUDGES)]
_Extra = Annotated[str, Named(CONTROLS)]

Finders = Annotated[tuple[_Finder, ...], AfterValidator(_no_repeats)]
Edits = Annotated[tuple[_Edit, ...], AfterValidator(_no_repeats)]
Judges = Annotated[tuple[_Judge, ...], AfterValidator(_no_repeats), AfterValidator(_with_probe)]
ExtraControls = Annotated[tuple[_Extra, ...], AfterValidator(_no_repeats), AfterValidator(_asked)]
Layers = Annotated[Literal["survey", "all"] | tuple[int, ...], AfterValidator(_no_repeats)]
Doses = Annotated[tuple[float, ...], AfterValidator(_no_repeats), AfterValidator(_finite)]
Classes = Annotated[tuple[StrictStr, ...] | None, BeforeValidator(_numbers_are_names), AfterValidator(_no_repeats)]
OtherClips = Annotated[tuple[StrictStr, ...], AfterValidator(_no_repeats), AfterValidator(_known_sets)]
Part = Annotated[str, AfterValidator(_known_part)]
Scope = Annotated[str | None, AfterValidator(_known_scope)]
HeadClasses = Annotated[dict[str, StrictStr | StrictInt] | None, AfterValidator(_few_pairs)]
