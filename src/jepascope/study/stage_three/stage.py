"""Stage three of a study: its steps in order, and their tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from jepascope.discovery.subspace import Subspace
from jepascope.study.bench import Bench
from jepascope.study.resumable import Steps
from jepascope.study.stage_three.across import run_portability
from jepascope.study.stage_three.degeneracy import run_degeneracy
from jepascope.study.stage_two.stage import Panels

PORTABILITY = ("portability", "angles", "carried_readout")
DEGENERACY = ("degeneracy", "verdicts", "peeling")


@dataclass(frozen=True)
class StageThree:
    """Its tables that the summary reads."""

    portability: pd.DataFrame
    verdicts: pd.DataFrame
    peeling: pd.DataFrame


def stage_three(bench: Bench, steps: Steps, best: int, subspaces: Mapping[int, Mapping[str, Subspace]], panels: Panels) -> StageThree:
    """Across finders, scenes, layers and clip sets; then whether finders' subspaces are copies of each other. Each table is made once."""
    portability, *_ = steps.tables("port", PORTABILITY, lambda: run_portability(bench, best, subspaces, lambda: panels.panel))
    _, verdicts, peeling = steps.tables(
        "degeneracy", DEGENERACY, lambda: run_degeneracy(bench, best, subspaces[best], panels.panel.main, portability)
    )
    return StageThree(portability, verdicts, peeling)
