"""Effects of a run beside their controls, from the table ``ce``, as claims see them."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import Any

import pandas as pd

from jepascope.findings.effect import Against, Effect, JudgeReading, stored_readings
from jepascope.findings.facts import Facts
from jepascope.findings.names import controls_in
from jepascope.portability.retained import EQUAL_NORM


def readings_by(run: Facts) -> dict[str, JudgeReading]:
    """How the judges of a run read its variable, by name; edits made beside the study's own have the same judges."""
    return stored_readings(run.summary, run.table("ce"))


def unread_judge(run: Facts, judge: str = "probe") -> JudgeReading | None:
    """The judge, where it is known not to read the run's variable: nothing is said of effects by it."""
    reading = readings_by(run).get(judge)
    return None if reading is None or reading.reads else reading


def portability_of(run: Facts) -> pd.DataFrame | None:
    """The table ``portability``; without RCE, which is a ratio of effects, where the study's probe does not read the variable (across clip
    sets another probe is the judge, trained on their own clips)."""
    table = run.table("portability")
    if table is None or unread_judge(run) is None:
        return table
    silent = table["metric"].isin(("rce", EQUAL_NORM)) & (table["across"] != "clip set")
    of_ratio = ("value", "low", "high", "floor_random", "floor_variance", "floor_shuffled", "floor_pca", "p_holm")
    return table.assign(**{name: table[name].mask(silent) for name in of_ratio if name in table})


def rows_beside(
    own: Mapping[Any, Any], rows: pd.DataFrame, judges: Mapping[str, JudgeReading], overlaps: Mapping[str, float] | None = None
) -> dict[str, Against]:
    """One row of ``ce`` beside each of its controls among ``rows``, by the control's name; ``overlaps``: how much of the subspace each
    holds, where that is known."""
    effect, known = Effect.of(own, judges.get(str(own["judge"]))), overlaps or {}
    nulls = of_controls(own, rows).to_dict("records")
    return {str(null["control"]): Against.of({**null, "overlap": known.get(str(null["control"]), nan)}, effect) for null in nulls}


def with_controls(ce: pd.DataFrame, judges: Mapping[str, JudgeReading]) -> list[dict[Any, Any]]:
    """Every subspace's row of ``ce``; under 'beside' each of its controls, by name: its row, and how the effect stands to it."""
    made = []
    for own in ce[ce["control"] == "subspace"].to_dict("records"):
        nulls = {str(null["control"]): null for null in of_controls(own, ce).to_dict("records")}
        against = rows_beside(own, pd.DataFrame(nulls.values(), columns=ce.columns), judges)
        made.append({**own, "beside": {name: (nulls[name], against[name]) for name in controls_in(nulls)}})
    return made


def of_controls(own: Mapping[Any, Any], rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the controls of one row of ``ce``."""
    at = rows[rows["control"] != "subspace"]
    for name in ("layer", "edit", "dose", "judge", "finder", "rank"):
        at = at[at[name] == own[name]]
    return at
