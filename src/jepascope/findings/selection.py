"""Which of a table's conditions the report's claims are about: one token selection, judge, dose, and one rank a finder.

A table may hold more (other ranks, a dose sweep); figures that compare finders must not mix them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from jepascope.discovery.probes.readings import VariableReading, variable_reading
from jepascope.findings.beside import of_controls, readings_by, rows_beside
from jepascope.findings.effect import Against, Effect, JudgeReading, worst_first
from jepascope.findings.facts import Facts, leads_in_turn
from jepascope.findings.names import DONOR_DOSE_WORDS, FULL_DOSE_WORDS, in_order
from jepascope.intervention.edit_entry import LEADING

KINDS = ("categorical", "numeric", "circular")
FULL_DOSE = 1.0  # full removal (ablate), the twin's own change (swap), the difference of class means (steer)


def has_twins(run: Facts) -> bool:
    """Whether swaps are with a twin, the same scene with another value; otherwise with a clip of the target class (the summary says)."""
    return bool(run.summary.get("swap_donor", "twin") != "class")


def dose_words(run: Facts, edit: str) -> str:
    """What dose 1 of an edit is."""
    return str((FULL_DOSE_WORDS if has_twins(run) else DONOR_DOSE_WORDS).get(edit, "dose 1 is the edit in full"))


def comparable(run: Facts, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of one token selection, one judge, the dose nearest to 1 and, for each finder, the rank measured at most layers."""
    judges = frame["judge"].unique()
    return comparable_of(run, frame, "probe" if "probe" in judges else str(judges[0]))


def comparable_of(run: Facts, frame: pd.DataFrame, judge: str) -> pd.DataFrame:
    """The same for a judge by name: claims are made by the probe, the others stand beside it. No rows where it was not run."""
    frame = of_tokens(run, frame)
    frame = frame[frame["judge"] == judge]
    frame = at_full_dose(frame)
    return frame[frame["rank"] == frame["finder"].map(main_ranks(frame))]


def at_full_dose(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the dose nearest to 1, of two that are as near the one that comes first."""
    off = (frame["dose"] - FULL_DOSE).abs()
    return frame[frame["dose"] == frame["dose"].iloc[int(off.argmin())]] if off.notna().any() else frame


def of_tokens(run: Facts, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the study's token selection; all of them where the table has other ones only."""
    tokens = str(run.summary.get("tokens", frame["tokens"].mode().iloc[0]))
    return frame[frame["tokens"] == tokens] if (frame["tokens"] == tokens).any() else frame


def main_ranks(frame: pd.DataFrame) -> dict[str, int]:
    """For each finder the rank that most layers have; the largest of several."""
    seen = frame.groupby(["finder", "rank"])["layer"].nunique().reset_index().sort_values(["layer", "rank"])
    return {str(finder): int(rank) for finder, rank in zip(seen["finder"], seen["rank"], strict=True)}


def claim_layer(run: Facts, frame: pd.DataFrame) -> int:
    """The best layer, or the last measured one when the summary names none that this table has."""
    layers = {int(layer) for layer in frame["layer"]}
    return run.best_layer if run.best_layer in layers else max(layers)


def claimed(run: Facts, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows at the layer of the claims, of one rank a finder."""
    frame = frame[frame["layer"] == claim_layer(run, frame)]
    return frame[frame["rank"] == frame["finder"].map(main_ranks(frame))]


def one_judge(frame: pd.DataFrame) -> pd.DataFrame:
    """The linear probe's rows, or those of the first judge that there is."""
    judges = frame["judge"].unique()
    return frame[frame["judge"] == ("probe" if "probe" in judges else judges[0])]


def finders_of(run: Facts, frame: pd.DataFrame) -> list[str]:
    """Finders in the order in which the study lists them."""
    return in_order(frame["finder"], tuple(str(name) for name in (run.summary.get("ce") or {})))


def tokens_of(run: Facts, probes: pd.DataFrame) -> str:
    """The token selection in which probes are read where only one can be shown: the study's, else the object's."""
    ce = run.table("ce")
    wanted = run.summary.get("tokens") or (ce["tokens"].mode().iloc[0] if ce is not None else "object")
    present = [str(name) for name in probes["tokens"].unique()]
    return str(wanted) if wanted in present else present[0]


def reading_at(run: Facts, layer: int | None = None) -> VariableReading | None:
    """How the variable is read at a layer (default: the best one), at the tokens of the study; None where nothing was probed there."""
    probes, layer = run.table("probes"), run.best_layer if layer is None else layer
    if probes is None or layer is None:
        return None
    kind = run.summary.get("kind")
    reading = variable_reading(kind if kind in KINDS else None, probes, run.table("values"), layer, tokens_of(run, probes))
    return _in_turn(run, reading) if reading is not None and layer == run.best_layer else reading


def _in_turn(run: Facts, reading: VariableReading) -> VariableReading:
    """The classes as they are read of every video in turn, where claims are made so; the rivals are those of the test split. Values are
    read there alone, and decide nothing then."""
    own = in_force(run).summary["leave_one_out"]["accuracy"] if in_force(run).in_turn else None
    if own is None:
        return reading
    low, high = (float("nan") if own[end] is None else float(own[end]) for end in ("low", "high"))
    classes = replace(reading.classes, value=own["value"], low=low, high=high, chance=own["chance"], n=own["n"])
    return replace(reading, classes=classes, values=(), in_turn=True)


COINCIDE = 0.999  # SAS from which two subspaces are called the same


def coinciding(sas: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of pairs (a, b) of finders with one subspace, each b once and never as another pair's a."""
    by_finder: dict[str, dict[str, Any]] = {}
    for row in sas[sas["across"] == "finder"].to_dict("records"):
        if row["value"] >= COINCIDE and row["a"] not in by_finder:
            by_finder.setdefault(str(row["b"]), {str(key): value for key, value in row.items()})
    return list(by_finder.values())


@dataclass(frozen=True)
class Edited:
    """An edit that claims are made of: its row of ``ce``, the effect, and the effect beside each control, the closest first; ``controls``
    are their rows by name."""

    row: dict[str, Any]
    effect: Effect
    beside: list[Against]
    controls: dict[str, dict[str, Any]]


def claimed_rows(facts: Facts, judge: str = "probe") -> pd.DataFrame | None:
    """Rows of ``ce`` that claims are made of, by one judge: at one layer, dose, token selection and rank. None where it was not run."""
    table = facts.table("ce")
    if table is None:
        return None
    rows = comparable_of(facts, table, judge)
    return None if rows.empty else rows[rows["layer"] == claim_layer(facts, rows)]


def first_finder(facts: Facts) -> str:
    """The study's first finder, whose subspace claims are made of; "" where nothing was edited."""
    table = facts.table("ce")
    return "" if table is None else next(iter(finders_of(facts, table)), "")


def edited(facts: Facts, finder: str, edit: str, judge: str = "probe") -> Edited | None:
    """An edit of one subspace by one judge; None where it was not run."""
    rows = claimed_rows(facts, judge)
    return None if rows is None else edited_of(facts, rows, finder, edit)


def in_force(facts: Facts) -> Facts:
    """What claims of use are made of: where few videos are tested every video in turn, each by what the others gave, in place of the test
    split. Its table stands as ``ce``."""
    table = facts.table("leave_one_out")
    if facts.in_turn or table is None or not leads_in_turn(facts.summary):
        return facts
    summary = {**facts.summary, "in_turn": True, "judge_reading": facts.summary["leave_one_out"].get("judge_reading", {})}
    return Facts(summary, {**facts.tables, "ce": table, "matching": None})


def leading(facts: Facts, judge: str = "probe") -> list[Edited]:
    """Those of the first finder's subspace that were run, in that order, as claims are made of them."""
    facts = in_force(facts)
    finder = first_finder(facts)
    return [row for edit in LEADING if (row := edited(facts, finder, edit, judge)) is not None]


def edited_of(
    facts: Facts, rows: pd.DataFrame, finder: str, edit: str, readings: Mapping[str, JudgeReading] | None = None
) -> Edited | None:
    """The same among rows that were chosen before. ``readings``: how judges read the variable, where it is not as the summary says."""
    readings = readings_by(facts) if readings is None else readings
    own = rows[(rows["control"] == "subspace") & (rows["finder"] == finder) & (rows["edit"] == edit)].to_dict("records")
    if not own:
        return None
    row = {str(name): value for name, value in own[0].items()}
    beside = rows_beside(row, rows, readings, overlaps(facts, row))
    nulls = {str(null["control"]): {str(key): value for key, value in null.items()} for null in of_controls(row, rows).to_dict("records")}
    effect = Effect.of(row, readings.get(str(row["judge"])))
    return Edited(row, effect, worst_first(beside.values()), nulls)


def overlaps(facts: Facts, row: dict[str, Any]) -> dict[str, float]:
    """Mean SAS of each control's draws with the subspace that is ablated, by control; of the judge that claims are made by."""
    matching = facts.table("matching")
    if matching is None or (row["judge"], row["edit"]) != ("probe", "ablate") or "overlap" not in matching:
        return {}
    drawn = matching[(matching["layer"] == row["layer"]) & (matching["edit"] == "ablate") & (matching["finder"] == row["finder"])]
    return {str(control): float(part["overlap"].mean()) for control, part in drawn.groupby("control") if part["overlap"].notna().any()}
