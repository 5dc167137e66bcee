"""The tests of a comparison in words and as tables, the same on the page and in the terminal."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.names import brief_name
from jepascope.findings.numbers import ABSENT, Cell, interval_words, p_text, shown
from jepascope.report.blocks import Grid
from jepascope.report.compare.tested import ComparisonTables
from jepascope.report.grids import Column, counted, grid, interval, number, words

ALPHA = 0.05
ALONE = (
    "One run is tested against nothing: give another of the same clips and seed (a paired difference), or the same study with another seed "
    "(in how many runs claims hold)."
)
REPEATED = "All runs are one study run again: there is nothing to test."
METHOD = (
    "Differences are paired over the test scenes that both tested; p belongs to the interval and is corrected over all comparisons "
    "(Holm). Runs of one study that differ in seed alone are one group: of several pairs of runs the interval is Student's over them. "
    "Where no difference is shown, the interval says how large one could still be."
)


def sentences(tests: ComparisonTables, runs: int) -> list[str]:
    """One for every pair of groups, and one for every group on what holds in how many of its runs."""
    if tests.comparisons.empty and tests.holds.empty:
        return [ALONE if runs == 1 else REPEATED]
    compared = [_pair(rows) for _, rows in tests.comparisons.groupby(["a", "b"], sort=False)]
    return compared + [_held(str(group), rows) for group, rows in tests.holds.groupby("group", sort=False)]


def title(tests: ComparisonTables, names: list[str]) -> str:
    """What came out, in one line: the difference that is shown best, or that none is, or in how many runs the variable is used."""
    compared = tests.comparisons
    tested = compared[compared["reason"] == ""]
    if len(shown_ones := tested[tested["p_holm"] < ALPHA]):
        best = min(shown_ones.to_dict("records"), key=lambda row: row["p"])
        return f"{best['a']} and {best['b']} differ in {best['quantity']}"
    if len(tested):
        return f"No difference is shown between {' and '.join(dict.fromkeys((*tested['a'], *tested['b'])))}"
    if len(compared):
        return f"{compared['a'].iloc[0]} and {compared['b'].iloc[0]} are {compared['reason'].iloc[0]}"
    used = tests.holds[tests.holds["claim"] == "used"].to_dict("records")
    if used:
        return f"Used in {used[0]['holds']} of {used[0]['runs']} runs: {used[0]['group']}"
    return f"{names[0]}, run again" if len(names) > 1 else names[0] if names else "No runs"


def brief(tests: ComparisonTables, most: int = 3) -> list[str]:
    """A short sentence for some pairs of groups, and one on what holds in how many runs."""
    made = [_brief_pair(rows) for _, rows in tests.comparisons.groupby(["a", "b"], sort=False)]
    held = [_held(str(group), rows) for group, rows in tests.holds.groupby("group", sort=False)]
    kept = [*made[: most - bool(held)], *held][:most]
    return kept or [REPEATED]


def _brief_pair(rows: pd.DataFrame) -> str:
    who = f"{rows['a'].iloc[0]} and {rows['b'].iloc[0]}"
    if rows["reason"].iloc[0]:
        return f"{who}: {rows['reason'].iloc[0]}."
    shown_ones = rows[rows["p_holm"] < ALPHA].to_dict("records")
    told = "; ".join(f"{labelled(row)} by {interval_words(row)}{_unit(row)}" for row in shown_ones)
    if not told:
        return f"{who}: no difference is shown in {len(rows)} comparisons on {rows['n'].max()} test scenes that both tested."
    return f"{who} differ in {told}; {len(rows) - len(shown_ones)} of {len(rows)} comparisons show none."


def _pair(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    who = f"{first['a']} and {first['b']}"
    if first["reason"]:
        return f"{who}: {first['reason']}."
    many = f", {first['runs']} pairs of runs" if first["runs"] > 1 else ""
    return f"{who} ({rows['n'].max()} test scenes that both tested{many}): {'; '.join(map(_clause, rows.to_dict('records')))}."


def _clause(row: dict[Any, Any]) -> str:
    values = f"{_in_unit(row, shown(row['a_value']))} and {_in_unit(row, shown(row['b_value']))}"
    if not row["p"] >= 0:
        return f"{_named(row)} {values}, with no interval"
    told = f"differs by {interval_words(row)}" if row["p_holm"] < ALPHA else f"is not shown to differ ({interval_words(row)})"
    return f"{_named(row)} {told}, {values}, p {p_text(row['p_holm'])}"


def _held(group: str, rows: pd.DataFrame) -> str:
    told = ", ".join(f"{row['claim']} in {row['holds']} of {row['runs']}" for row in rows.to_dict("records"))
    return f"Claims hold, over the runs {group}: {told}."


def _named(row: Any) -> str:
    return f"{row['quantity']}{' with ' + row['finder'] if row['finder'] else ''}"


def _in_unit(row: Any, text: str) -> str:
    return f"{text}{_unit(row)}"


def _unit(row: Any) -> str:
    return "" if row["unit"] in ("share", "") else f" {row['unit']}"


def labelled(row: Any) -> str:
    """A quantity, with the control that is taken off it."""
    control = ", ".join(brief_name(name) for name in str(row["control"]).split(", ") if name)
    return row["quantity"].replace("its closest control", control) if control else str(row["quantity"])


def _label(row: Any) -> str:
    return f"{labelled(row)}{' with ' + row['finder'] if row['finder'] else ''}{',' + _unit(row) if _unit(row) else ''}"


def _p(row: Any) -> Cell | str:
    return Cell(p_text(row["p_holm"]), repr(float(row["p"])), strong=bool(row["p_holm"] < ALPHA)) if row["p"] >= 0 else ABSENT


def grids(tests: ComparisonTables) -> list[Grid]:
    """Those of the three tables that have rows."""
    tested = tests.comparisons[tests.comparisons["reason"] == ""]
    made = ((tested, _differences), (tests.over_runs, _over_runs), (tests.holds, _holds))
    return [make(rows) for rows, make in made if len(rows)]


def _differences(rows: pd.DataFrame) -> Grid:
    columns = (
        words("quantity", _label),
        number("a", "a_value"),
        number("b", "b_value"),
        interval("a less b"),
        Column("p (Holm)", _p),
        counted("test scenes", "n"),
        words("said of", lambda row: row["of"]),
    )
    caption = (
        f"Differences between groups of runs; {int(rows['p'].notna().sum())} comparisons. Brackets: 95 % intervals; behind each p (Holm) "
        "stands the plain one. Beyond its closest control: less the mean draw of the control that comes closest in each."
    )
    return grid(rows, columns, caption, lambda row: f"a: {row['a']}, b: {row['b']}")


def _over_runs(rows: pd.DataFrame) -> Grid:
    columns = (
        words("quantity", _label),
        interval("mean over runs"),
        Column("range", lambda row: f"{shown(row['least'])} to {shown(row['largest'])}"),
        counted("runs", "runs"),
    )
    caption = "Quantities over independent runs: mean, Student's 95 % interval over runs, the least and the largest."
    return grid(rows, columns, caption, lambda row: str(row["group"]))


def _holds(rows: pd.DataFrame) -> Grid:
    columns = (
        words("question", lambda row: row["question"]),
        words("verdicts", lambda row: row["verdicts"]),
        Column("holds in", lambda row: f"{row['holds']} of {row['runs']} runs"),
    )
    caption = "In how many independent runs each claim holds (its verdict is 'shown'), of those that it was run in."
    return grid(rows, columns, caption, lambda row: str(row["group"]))
