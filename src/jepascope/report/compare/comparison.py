"""Runs read and compared: what page, terminal and JSON are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jepascope.errors import BadArgument
from jepascope.report.blocks import Grid
from jepascope.report.compare.differing import differences
from jepascope.report.compare.reading import Compared, read_runs
from jepascope.report.compare.tested import ComparisonTables, comparison_tables
from jepascope.report.compare.tested_words import grids, sentences

PRESETS = ("paper",)


@dataclass(frozen=True)
class Comparison:
    """Runs read and compared: what the page, the terminal and the JSON say."""

    runs: list[Compared]
    notes: list[str]
    preset: str | None

    @property
    def differences(self) -> list[str]:
        return differences(self.runs)

    @cached_property
    def tests(self) -> ComparisonTables:
        return comparison_tables(self.runs)

    @property
    def findings(self) -> list[str]:
        return sentences(self.tests, len(self.runs)) if self.runs else []

    @property
    def tables_of_tests(self) -> list[Grid]:
        return grids(self.tests)


def compare_runs(paths: Sequence[Path], preset: str | None = None) -> Comparison:
    """Read runs for a comparison; with the preset ``paper`` the paper's figures stand beside them, and there may be none.

    Raises BadArgument for an unknown preset or for nothing to compare, RunFolderError for a folder that is no finished run.
    """
    if preset is not None and preset not in PRESETS:
        raise BadArgument(f"There is no preset '{preset[:60]}' of compare; there is {', '.join(PRESETS)} (the published figures).")
    if not paths and preset is None:
        raise BadArgument("Nothing to compare: give run folders (jepascope compare runs/a runs/b), or --preset paper.")
    runs, notes = read_runs(paths)
    return Comparison(runs, notes, preset)
