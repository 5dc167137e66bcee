"""The tables of a run folder, each declared once: read by who writes them (checked), reads them (typed) and documents them."""

from __future__ import annotations

from jepascope.schema.carried import CARRIED
from jepascope.schema.column import Column, Table
from jepascope.schema.compared import COMPARED
from jepascope.schema.components import COMPONENTS
from jepascope.schema.effects import EFFECTS
from jepascope.schema.mechanism import MECHANISM
from jepascope.schema.readings import READINGS
from jepascope.schema.rollouts import ROLLOUTS
from jepascope.schema.videos import VIDEOS

__all__ = ["TABLES", "Column", "Table"]

_ALL = (*READINGS, *EFFECTS, *MECHANISM, *COMPONENTS, *ROLLOUTS, *CARRIED, *VIDEOS, *COMPARED)
TABLES: dict[str, Table] = {table.name: table for table in _ALL}
