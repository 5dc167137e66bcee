"""The names of a classifier's outputs, checked before anything is built from them. Imports no torch, as in ``geometry``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jepascope.errors import BadCheckpoint

DEFAULT_COUNT = 2  # transformers leaves the labels out of config.json where they are LABEL_0 and LABEL_1
MAX_LABELS = 10_000  # Something-Something v2 has 174, Kinetics 700
MAX_CHARACTERS = 200  # the longest of Something-Something v2 has fewer than 100


def names_head(config: Mapping[str, Any], classifier: str) -> bool:
    """Whether a config.json says that its checkpoint has a task head: that it is of the architecture ``classifier``."""
    architectures = config.get("architectures")
    return isinstance(architectures, list) and classifier in architectures


def task_labels(config: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """Labels in the order of the logits, from config.json's id2label, or BadCheckpoint that says what is wrong with them."""
    named = config.get("id2label")
    count = config.get("num_labels")
    if named is None:
        return tuple(f"LABEL_{row}" for row in range(DEFAULT_COUNT if count is None else count))
    if not isinstance(named, dict) or not 1 <= len(named) <= MAX_LABELS:
        raise BadCheckpoint(f"'{path}': id2label must give 1 to {MAX_LABELS:,} labels, each under its number.")
    if set(named) != {str(row) for row in range(len(named))}:
        raise BadCheckpoint(f"'{path}': id2label must number its {len(named)} labels from 0 to {len(named) - 1}.")
    if count is not None and count != len(named):
        raise BadCheckpoint(f"'{path}': num_labels is {count}, but id2label names {len(named)}.")
    labels = tuple(named[str(row)] for row in range(len(named)))
    for row, label in enumerate(labels):
        if not isinstance(label, str) or not label.isprintable() or not 1 <= len(label) <= MAX_CHARACTERS:
            raise BadCheckpoint(
                f"'{path}': label {row} of id2label is {label!a:.40}, but must be 1 to {MAX_CHARACTERS} printable characters on one line."
            )
    return labels
