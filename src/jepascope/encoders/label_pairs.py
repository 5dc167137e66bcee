"""Labels of a classifier that name motion: which directions they mean, and which two are each other's opposites. Imports no torch.

Such pairs are chiral (named so for Something-Something v2): the same objects and hands, told apart by the order in time or by the side
alone. What one frame gives away helps little with them, so that margins between the two say most about motion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

OPPOSITES = (
    ("left", "right"),
    ("upwards", "downwards"),
    ("up", "down"),
    ("closer to", "away from"),
    ("towards", "away from"),
    ("into", "out of"),
    ("in", "out"),
    ("onto", "off of"),
    ("opening", "closing"),
    ("covering", "uncovering"),
    ("folding", "unfolding"),
    ("approaching", "leaving"),
    ("putting", "taking"),
    ("appearing", "disappearing"),
)
"""Phrases that turn a label into its opposite when one takes the other's place."""
DIRECTIONS = {
    "E": ("from left to right", "left to right", "to the right", "rightwards", "right"),
    "W": ("from right to left", "right to left", "to the left", "leftwards", "left"),
    "N": ("upwards", "up"),
    "S": ("downwards", "down"),
}
"""How labels say which way something moves on the screen."""
WHOLE = re.compile(r"\w+( (something|somebody|someone|an object|objects|object))?")
"""What is left of a label when the direction is taken out, where the whole thing moves, and not a part of it or the camera."""


def direction_named(label: str) -> str | None:
    """The direction (E, N, W, S) in which a label says that the whole of something moves, or None: 'Pushing something from left to right'
    is E; 'Turning the camera left while filming something' and 'Turning something upside down' are none."""
    text = label.strip().lower()
    for name, phrases in DIRECTIONS.items():
        for phrase in phrases:
            if text.endswith(f" {phrase}"):
                return name if WHOLE.fullmatch(text.removesuffix(f" {phrase}")) else None
    return None


def chiral_pairs(labels: Sequence[str]) -> list[tuple[str, str]]:
    """Labels that differ by opposite phrases alone, each pair once, in the order of the labels."""
    of = {label.strip().lower(): label for label in reversed(labels)}
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for label in labels:
        for other in _opposites(label.strip().lower()):
            if other in of and of[other] != label:
                pairs.setdefault(frozenset((label, of[other])), (label, of[other]))
    return list(pairs.values())


def proposed_pairs(labels: Sequence[str], classes: Iterable[str]) -> list[dict[str, str]]:
    """Pairings of classes of motion with labels, for ``head_classes``: one for each chiral pair that names two of the classes."""
    named = {label: direction_named(label) for label in labels}
    found = []
    for pair in chiral_pairs(labels):
        directions = [named[label] for label in pair]
        if None not in directions and len({*directions}) == 2 and {*directions} <= {*classes}:
            found.append({str(direction): label for direction, label in zip(directions, pair, strict=True)})
    return found


def _opposites(text: str) -> set[str]:
    """What a label may be called of whose phrases one pair is exchanged, or all of them at once."""
    held = [pair for pair in OPPOSITES if re.search(rf"\b({'|'.join(pair)})\b", text)]
    return {_exchanged(text, pairs) for pairs in (*([pair] for pair in held), held) if pairs} - {text}


def _exchanged(text: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Each phrase of ``pairs`` in the other one's place."""
    other: dict[str, str] = {}
    for first, second in pairs:
        other = {first: second, second: first, **other}  # of a phrase with two opposites the one of the pair that comes first
    return re.sub(rf"\b({'|'.join(other)})\b", lambda found: other[found[0]], text)
