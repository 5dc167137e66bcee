"""Effects of a run beside their controls, from the table ``ce`` (or, where it is damaged, from summary.json), as claims see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from jepascope.intervention.claims import Against, Effect, JudgeReading, stored_readings
from jepascope.report.folder import RunFolder


def readings_by(run: RunFolder) -> dict[str, JudgeReading]:
    """How the judges of a run read its variable, by name; edits made beside the study's own have the same judges."""
    return stored_readings(run.summary, run.table("ce"))


def rows_beside(own: Mapping[Any, Any], rows: pd.DataFrame, judges: Mapping[str, JudgeReading]) -> dict[str, Against]:
    """One row of ``ce`` beside each of its controls among ``rows``, by the control's name."""
    effect = Effect.of(own, judges.get(str(own["judge"])))
    return {str(null["control"]): Against.of(null, effect) for null in of_controls(own, rows).to_dict("records")}


def of_controls(own: Mapping[Any, Any], rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the controls of one row of ``ce``."""
    at = rows[rows["control"] != "subspace"]
    for name in ("layer", "edit", "dose", "judge", "finder", "rank"):
        at = at[at[name] == own[name]]
    return at


def summary_effect(run: RunFolder, entry: Any, judge: str = "probe") -> Effect:
    """An effect of summary.json."""
    return Effect.of(entry if isinstance(entry, dict) else {}, readings_by(run).get(judge))


def summary_beside(effect: Effect, ratios: Any) -> list[Against]:
    """Its ratios of summary.json."""
    known = ratios if isinstance(ratios, dict) else {}
    return [Against.of(ratio, effect, str(control)) for control, ratio in known.items() if isinstance(ratio, dict)]
