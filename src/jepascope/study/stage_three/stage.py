"""What the summary reads of stage three."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class StageThree:
    """Its tables that the summary reads."""

    portability: pd.DataFrame
    verdicts: pd.DataFrame
    peeling: pd.DataFrame
