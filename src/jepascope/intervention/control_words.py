"""What controls are called, and the order in which they stand: read off their declarations."""

from __future__ import annotations

from collections import ChainMap

from jepascope.intervention.control_entry import CONTROLS as CATALOG
from jepascope.intervention.control_entry import MATCHED

CONTROLS = MATCHED
"""Those that every effect has beside it, in the customary order."""

CONTROL_WORDS = ChainMap({"subspace": "the finder's subspace"}, CATALOG.column("words"))  # type: ignore[arg-type]
"""In the heads of tables and the legends of figures."""

BRIEF = CATALOG.column("brief")
"""Where there is room for a word alone."""

DOERS = CATALOG.column("doer")
"""In sentences: "what random directions do"."""


def doer(control: str) -> str:
    """What does as the control does."""
    return str(DOERS.get(control, control))
