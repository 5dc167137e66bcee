"""head: the checkpoint's own classifier."""

from __future__ import annotations

from typing import Any

from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.card import EncoderCard
from jepascope.errors import BadArgument, quoted
from jepascope.intervention.judge_entry import JudgeEntry

DECLARED = JudgeEntry(
    name="head",
    meaning="the checkpoint's own classifier: its logits of the labels that are paired with the variable's classes",
    run="jepascope.intervention.judges.head:DECLARED",
    order=4,
    made="run",
    reads="head",
    unavailable="unavailable",
    check="check",
    words="the checkpoint's own classifier",
)


def unavailable(card: EncoderCard, spec: Any) -> str:
    """It needs a task head, and labels paired with classes."""
    if not card.has_head:
        return "this encoder has no task head"
    if not spec.head_classes:
        return f"no classes are paired with the head's labels (head_classes); `jepascope models {quoted(spec.model)}` proposes pairs"
    return ""


def check(spec: Any, encoder: VideoEncoder) -> None:
    head_columns(spec, encoder)


def paired_classes(spec: Any) -> list[tuple[int, str | int]]:
    """(class index, label of the head) in the order of the classes; the spec has seen to it that there are two."""
    pairs = dict(spec.head_classes or {})
    return [(i, pairs[name]) for i, name in enumerate(spec.state_variable.classes) if name in pairs]


def head_columns(spec: Any, encoder: VideoEncoder) -> tuple[int, ...]:
    """For each of the paired classes, its place among the head's labels."""
    known = encoder.head_labels
    columns = []
    for _, label in paired_classes(spec):
        if isinstance(label, str) and label not in known:
            near = [name for name in known if label.lower() in name.lower()][:3]
            meant = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
            raise BadArgument(f"head_classes: the head has no label '{label}'{meant}")
        column = known.index(label) if isinstance(label, str) else int(label)
        if column >= len(known):
            raise BadArgument(f"head_classes: the head has labels 0..{len(known) - 1}, not {column}.")
        columns.append(column)
    return tuple(columns)
