"""The tests of a comparison: differences between groups of runs on the same scenes, quantities over runs, and how often claims hold.

Every row is one of the tables ``comparisons``, ``over_runs`` and ``holds`` of the schema; page, terminal and JSON print these rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from jepascope.report.compare.arms import Arm, apart, arms_of, matched, pairs_of
from jepascope.report.compare.reading import Compared
from jepascope.report.compare.scenes import Measured
from jepascope.schema import TABLES
from jepascope.schema.check import check
from jepascope.stats import Difference, holm, p_of_interval, paired_difference, student

Rows = list[dict[str, Any]]
ENCODERS, THESE = "the encoders", "these fits"
SEED = 19  # of the resampling: the same runs give the same numbers


@dataclass(frozen=True)
class ComparisonTables:
    """The three tables of a comparison."""

    comparisons: pd.DataFrame
    over_runs: pd.DataFrame
    holds: pd.DataFrame


def comparison_tables(runs: list[Compared]) -> ComparisonTables:
    """Of runs, as their folders say."""
    arms = arms_of(runs)
    compared = _table("comparisons", [row for a, b in pairs_of(arms) for row in _compare(a, b)])
    compared["p_holm"] = holm(compared["p"].to_numpy(dtype=np.float64))
    several = [arm for arm in arms if len(arm.runs) > 1]
    over = [row for arm in several for row in _over_runs(arm)]
    return ComparisonTables(compared, _table("over_runs", over), _table("holds", [row for arm in several for row in _holds(arm)]))


def _table(name: str, rows: Rows) -> pd.DataFrame:
    """The rows as the schema declares their table."""
    return check(TABLES[name], pd.DataFrame(rows, columns=TABLES[name].written))


def _compare(a: Arm, b: Arm) -> Rows:
    """A row for each quantity that both groups measured on the same scenes, or one that says why there is none."""
    where, pairs = {"a": a.name, "b": b.name}, matched(a, b)
    if not pairs:
        return [_nothing(where, apart(a.runs[0], b.runs[0]))]
    rows = []
    for key in _common([run for pair in pairs for run in pair]):
        both = [(_by_key(one)[key], _by_key(other)[key]) for one, other in pairs]
        if key[0].startswith("CE of swap") and len({run.study.swap_donor for pair in pairs for run in pair}) > 1:
            continue  # a swap from a twin and one from a clip of another scene count another change as 1
        rows.append({**where, **_difference(both)})
    return rows or [_nothing(where, "no quantity in common")]


def _difference(both: Sequence[tuple[Measured, Measured]]) -> dict[str, Any]:
    """Of one pair of runs the paired difference over scenes, of several Student's over the pairs."""
    paired, scenes = [], 0
    for one, other in both:
        shared, places, others = np.intersect1d(one.ids, other.ids, return_indices=True)
        scenes += len(shared)
        paired.append((one.share.at(places), other.share.at(others)))
    if len(paired) == 1:
        made = paired_difference(*paired[0], np.random.default_rng(SEED))
        said = ENCODERS if made.of_encoder else THESE
    else:
        values = [one.value - other.value for one, other in paired]
        made = Difference(student(values), p_of_interval(lambda level: student(values, level)))
        said = ENCODERS
    first = both[0][0]
    controls = dict.fromkeys(measured.control for pair in both for measured in pair if measured.control)
    return {
        **{"quantity": first.quantity, "finder": first.finder, "control": ", ".join(controls), "unit": first.unit},
        **{"a_value": _mean([one.value for one, _ in paired]), "b_value": _mean([other.value for _, other in paired])},
        **{**made.interval.columns(), "p": made.p, "p_holm": nan, "n": scenes, "runs": len(both), "of": said, "reason": ""},
    }


def _nothing(where: Mapping[str, str], reason: str) -> dict[str, Any]:
    words = dict.fromkeys(("quantity", "finder", "control", "unit", "of"), "")
    numbers = dict.fromkeys(("a_value", "b_value", "value", "low", "high", "p", "p_holm"), nan)
    return {**where, **words, **numbers, "n": 0, "runs": 0, "reason": f"not comparable: {reason}"}


def _over_runs(arm: Arm) -> Rows:
    """Mean and Student's interval of every quantity that all runs of a group measure."""
    rows = []
    for key in _common(arm.runs):
        each = [_by_key(run)[key] for run in arm.runs]
        values = [measured.share.value for measured in each]
        mean = student(values, bounds=each[0].bounds)
        control = ", ".join(dict.fromkeys(measured.control for measured in each if measured.control))
        where: dict[str, Any] = {"group": arm.name, "quantity": key[0], "finder": key[1], "control": control, "unit": key[2]}
        rows.append({**where, **mean.columns(), "least": min(values), "largest": max(values), "runs": len(values)})
    return rows


def _holds(arm: Arm) -> Rows:
    """Of every claim that any run of a group was run for."""
    rows = []
    for name in dict.fromkeys(claim.name for run in arm.runs for claim in run.claims if claim.verdict != "not run"):
        claims = [claim for run in arm.runs for claim in run.claims if claim.name == name]
        verdicts = Counter(claim.verdict for claim in claims)
        said = ", ".join(f"{verdict} {times}" for verdict, times in verdicts.most_common())
        asked = len(claims) - verdicts["not run"]
        where = {"group": arm.name, "claim": name, "question": claims[0].question}
        rows.append({**where, "runs": asked, "holds": verdicts["shown"], "verdicts": said})
    return rows


def _by_key(run: Compared) -> dict[tuple[str, str, str], Measured]:
    return {measured.key: measured for measured in run.scenes}


def _common(runs: Sequence[Compared]) -> list[tuple[str, str, str]]:
    """What all runs measured: what is read, and the effects of the first finder that all have."""
    keys = [key for key in _by_key(runs[0]) if all(key in _by_key(run) for run in runs)]
    first = next((finder for _, finder, _ in keys if finder), "")
    return [key for key in keys if key[1] in ("", first)]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
