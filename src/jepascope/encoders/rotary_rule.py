"""By which rotary positions an encoder of the V-JEPA 2 family turns its queries and keys. Imports no torch, so that a plan knows it.

Both rules are those of facebookresearch/vjepa2 (``RoPEAttention`` of src/models/utils/modules.py and of
app/vjepa_2_1/models/utils/modules.py, read there and written anew). The weights do not tell which of them they were trained with, and
with the other one an encoder gives wrong numbers without an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepascope.errors import BadCheckpoint

FIELD = "rotary"  # of config.json; transformers has no such field, and keeps it


@dataclass(frozen=True)
class RotaryRule:
    """What turns by which angle, and where the rows and columns of a grid lie."""

    name: str  # what config.json says
    paired: bool  # both coordinates of a pair turn by the same angle; else frequencies are tiled over the pairs
    span: int | None  # rows and columns are spread over positions 0 to span - 1, however many there are; None: one a position


V2 = RotaryRule("vjepa2", paired=False, span=None)
V2_1 = RotaryRule("vjepa2.1", paired=True, span=16)  # the rows of 256 pixels in patches of 16, which its training began with
RULES = {rule.name: rule for rule in (V2, V2_1)}


def rotary_rule(config: Mapping[str, Any], path: Path) -> RotaryRule:
    """The rule that a configuration names, V-JEPA 2's where it names none; BadCheckpoint for an unknown one."""
    named = config.get(FIELD, V2.name)
    if not isinstance(named, str) or named not in RULES:
        raise BadCheckpoint(f"'{path}': {FIELD} is {str(named)[:40]!a}, but must be one of: {', '.join(RULES)}.")
    return RULES[named]
