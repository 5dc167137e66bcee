"""How few clips of a class a split may have."""

from __future__ import annotations

FEWEST = {"fit": 4, "judge": 2}  # clips of a class: to cross-validate in, and fit's halves by themselves


def fewest_units(fewest: int, several: bool) -> int:
    """How many clips of a class a split needs, or how many scenes where ``several`` clips show one: what is folded and halved is scenes."""
    return min(fewest, 2) if several else fewest
