"""abstraction: explanations of simulated systems, valid and deliberately invalid ones. Do our effect and its controls tell them apart?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jepascope.bench.entries import BenchmarkEntry
from jepascope.bench.run import Asked, Result
from jepascope.bench.systems.exchange import System
from jepascope.bench.systems.measure import SCORES, measured, scores
from jepascope.bench.systems.suites import Explanation, explanations
from jepascope.errors import BadArgument
from jepascope.planted.rejection import area_under_curve
from jepascope.stats import LEVEL

DECLARED = BenchmarkEntry(
    name="abstraction",
    meaning="valid and invalid explanations of other people's systems (causal-abstraction-eval): are they told apart?",
    question="Does a causal effect with its controls tell a valid explanation from an invalid one?",
    order=3,
    page="jepascope.report.bench.abstraction:sections",
    packages=("causal_abstraction",),
    extra="abstraction",
    takes="about two minutes",
    settings={
        "systems": ("CAE", "a clone of the systems, whose code is run: git clone https://github.com/MelouxM/CAE"),
        "suites": ("01,05,09,11", "numbers of its suites; 06 and 07 take long, the others need packages or libraries of their own"),
        "runs": (30, "of every explanation"),
        "scenes": (20, "of a run"),
        "seed": (0, "draws scenes and controls"),
    },
)
THEIRS = ("CAE_down", "CAE_down_nf", "IIAMetric")
"""Of the suites' own metrics: their error with and without noise in unmapped variables, and interchange accuracy as a distance."""


def abstraction(asked: Asked) -> Result:
    """Every explanation in several runs; pairs of a valid and an invalid one of a system told apart by each score."""
    wanted = asked.settings
    if min(wanted["runs"], wanted["scenes"]) < 2 or wanted["seed"] < 0:
        raise BadArgument("abstraction needs two runs, two scenes, and a seed of at least 0.")
    numbers = [number.strip() for number in wanted["suites"].split(",") if number.strip()]
    found, left_out = explanations(Path(wanted["systems"]).expanduser(), numbers)
    if not found:
        raise BadArgument(f"No system of these suites runs here: {'; '.join(f'{name}: {why}' for name, why in left_out.items())}.")
    tick = asked.progress.start("explanations")
    rows: list[dict[str, Any]] = []
    for done, explanation in enumerate(found, 1):
        for run in range(wanted["runs"]):
            rows.append(run_row(explanation, run, wanted["scenes"], wanted["seed"]))
        tick(done, len(found))
    table = pd.DataFrame(rows)
    pairs = told_apart(table)
    record = {"confidence": LEVEL, "explanations": averages(table), "pairs": pairs, "left_out": left_out, "scores": list(SCORES)}
    return Result({**record, "theirs": list(THEIRS)}, {"runs": table})


def run_row(explanation: Explanation, run: int, scenes: int, seed: int) -> dict[str, Any]:
    """One run: our scores, and the suite's own (errors: the lower, the better; kept negated, so that more is better of all)."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):  # the suites draw bars and warn of every run
        condition = explanation.condition_of(run)
        system = System(condition.engine, explanation.outputs, np.random.default_rng([seed, run]))
        own = scores(measured(system, scenes))
        theirs = suite_scores(condition, scenes)
    named = {"system": explanation.system, "condition": explanation.condition, "valid": explanation.valid, "seed": run}
    return {**named, **own, **{name: -value for name, value in theirs.items()}}


def suite_scores(condition: Any, samples: int) -> dict[str, float]:
    """What the suite's own metrics say, on as many samples as we have scenes; those that fail are not there."""
    made: dict[str, float] = {}
    tasks = [task for task in condition.tasks if task.name in THEIRS]
    for name, result in condition.engine.run_tasks(tasks, **{**condition.task_kwargs, "n_samples": samples}).items():
        made[name] = float(result.score)
    for metric in condition.analytical:
        name = type(metric).__name__
        if name in THEIRS:
            metric.n_pairs = samples
            value = condition.engine.run_analytical_metrics([metric], sampler=condition.sampler, n_samples=samples)[name]
            if isinstance(value, int | float):
                made[name] = float(value)
    return made


def told_apart(table: pd.DataFrame) -> list[dict[str, Any]]:
    """For each valid and invalid explanation of a system and each score: the area under the curve over runs, with its interval."""
    pairs = []
    for system, rows in table.groupby("system", sort=False):
        conditions = rows.drop_duplicates("condition").set_index("condition")["valid"]
        for valid in conditions[conditions].index:
            for invalid in conditions[~conditions].index:
                both = rows[rows["condition"].isin([valid, invalid])]
                kinds = both.assign(kind=np.where(both["valid"], "causal", "inert"))
                areas = {name: area(kinds, name) for name in (*SCORES, *THEIRS)}
                pairs.append({"system": system, "valid": valid, "invalid": invalid, "areas": areas})
    return pairs


def area(rows: pd.DataFrame, score: str) -> dict[str, float] | None:
    """Area under the curve of one score; None where a run has none."""
    if score not in rows or rows[score].isna().any():
        return None
    found = area_under_curve(rows, score)
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


def averages(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Every explanation's means over runs, with the standard deviation between runs."""
    rows = []
    for (system, condition), part in table.groupby(["system", "condition"], sort=False):
        numbers: Sequence[str] = [name for name in part.columns if name not in ("system", "condition", "valid", "seed")]
        means: Mapping[str, Any] = {
            name: {"value": float(part[name].mean()), "sd": float(part[name].std())} for name in numbers if part[name].notna().all()
        }
        rows.append({"system": system, "condition": condition, "valid": bool(part["valid"].iloc[0]), "runs": len(part), "means": means})
    return rows
