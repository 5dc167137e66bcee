"""What findings are made of: the tables of a run folder, and what its summary says of the study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from jepascope.findings.names import short, unit_of
from jepascope.stats import LEVEL


def leads_in_turn(summary: Mapping[str, Any]) -> bool:
    """Whether claims of a run are made of every video in turn. Folders of versions that swapped nothing there do not say so."""
    left = summary.get("leave_one_out")
    return isinstance(left, dict) and bool(left.get("leads"))


@dataclass(frozen=True)
class Facts:
    """``summary``: plain facts of the study under the keys of summary.json; ``tables`` by name, None where a stage was not run."""

    summary: dict[str, Any]
    tables: Mapping[str, pd.DataFrame | None]

    def table(self, name: str) -> pd.DataFrame | None:
        """A table by name; None when its stage was not run or it has no rows."""
        frame = self.tables.get(name)
        return None if frame is None or frame.empty else frame

    @property
    def best_layer(self) -> int | None:
        """The layer at which claims are made, or None before discovery."""
        layer = self.summary.get("best_layer")
        return None if layer is None else int(layer)

    def marked(self, layer: float) -> str:
        """A layer as it stands in a table: with a star where claims are made."""
        return f"{layer:.0f}{'*' if layer == self.best_layer else ''}"

    @property
    def variable(self) -> str:
        """The variable's name as it stands in a sentence: a stranger's is bounded, and quoted where it is no plain word."""
        name = short(self.summary.get("variable", ""))
        return name if name.isidentifier() else f"“{name}”"

    @property
    def model(self) -> str:
        """The model's name, bounded."""
        return short(self.summary.get("model", ""))

    @property
    def clips(self) -> str:
        """The clip set's name, bounded."""
        return short(self.summary.get("clips", ""))

    @property
    def noun(self) -> str:
        """What a classifier names: 'direction', 'shape', or of numbers and hues 'class of X'."""
        named = self.is_direction or self.summary.get("kind") == "categorical"
        return self.variable if named else f"class of {self.variable}"

    @property
    def units(self) -> str:
        """What intervals resample and n counts: 'scenes' or 'videos'."""
        return f"{unit_of('footage' in self.summary)}s"

    @property
    def in_turn(self) -> bool:
        """Whether these are the figures of every video in turn (``selection.in_force``), and not of the split's test."""
        return bool(self.summary.get("in_turn"))

    @property
    def tested(self) -> str:
        """Those that are intervened on: 'test scenes', 'test videos', or all videos, each in turn."""
        return "videos, each left out in turn" if self.in_turn else f"test {self.units}"

    @property
    def is_direction(self) -> bool:
        """Whether the study is about the direction of motion: the published figures and the explanations of leaks are."""
        return bool(self.summary.get("variable") == "direction")

    @property
    def confidence(self) -> str:
        """How an interval is called: '95 % interval'."""
        return f"{100 * float(self.summary.get('confidence', LEVEL)):g} % interval"
