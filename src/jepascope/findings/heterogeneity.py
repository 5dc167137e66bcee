"""What a mean over scenes may hide, in words: scenes moved the wrong way, classes of scenes that differ, few scenes that carry it all."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.facts import Facts
from jepascope.findings.names import EDITS, control_name, controls_in, edit_name, in_order, short
from jepascope.findings.numbers import finite, interval_words, json_number, p_text, percent, share_words, shown
from jepascope.findings.selection import comparable, first_finder

SIGNIFICANT = 0.05


def spread_rows(facts: Facts, finder: str) -> pd.DataFrame | None:
    """Rows of ``spread`` that claims are about, of one finder; None where nothing was edited, or in older folders."""
    table = facts.table("spread")
    rows = None if table is None else comparable(facts, table)
    return None if rows is None or rows.empty else rows[rows["finder"] == finder]


def strata_rows(facts: Facts, finder: str) -> pd.DataFrame | None:
    """The same of ``strata``."""
    table = facts.table("strata")
    rows = None if table is None else comparable(facts, table)
    return None if rows is None or rows.empty else rows[rows["finder"] == finder]


def wrong_words(facts: Facts, rows: pd.DataFrame, edit: str) -> str:
    """How many scenes an edit moves the wrong way, beside what its controls do; ``rows``: of one finder."""
    by = {str(row["control"]): row for row in rows[rows["edit"] == edit].to_dict("records")}
    own = by.pop("subspace", None)
    if own is None:
        return ""
    beside = ", ".join(f"{control_name(name)} {percent(by[name]['wrong'])}" for name in controls_in(by))
    share = share_words(*(own[name] for name in ("wrong", "wrong_low", "wrong_high")))
    text = f"{edit_name(edit).capitalize()}, {own['finder']}: {share} of {own['n']:.0f} {facts.tested} are moved the wrong way"
    return f"{text} (mean over draws: {beside})." if beside else f"{text}."


def heavy_words(facts: Facts, rows: pd.DataFrame) -> str:
    """A warning where a few scenes hold most of the margin; "" where they don't. By edit, as each has a margin of its own."""
    heavy = rows[rows["heavy"] & (rows["control"] == "subspace")].drop_duplicates("edit").to_dict("records")
    if not heavy:
        return ""
    told = ", ".join(
        f"{edit_name(row['edit'])} as {shown(row['effective'])} of {row['n']:.0f} (a tenth holds {percent(row['top'])} of the margin)"
        for row in heavy
    )
    return (
        f"Heavy tails: a few {facts.tested} carry most of the margin, so that the effect rests on fewer than there are: {told}. "
        "Intervals are widened to what these few allow (Student's, with their degrees of freedom); one more may change the effect."
    )


def strata_words(facts: Facts, rows: pd.DataFrame, edit: str) -> str:
    """Whether CE differs between classes of any factor, corrected over factors; the widest interval says what could have been missed."""
    at = rows[rows["edit"] == edit]
    tested = at.dropna(subset=["p_holm"]).drop_duplicates("factor")
    name = f"{edit_name(edit).capitalize()}, {at['finder'].iloc[0]}" if len(at) else ""
    if at.empty:
        return ""
    if tested.empty:
        return f"{name}: CE by classes of the scenes cannot be compared ({'; '.join(dict.fromkeys(filter(None, at['reason'])))})."
    differing = tested[tested["p_holm"] <= SIGNIFICANT].sort_values("p_holm")
    many = f"corrected over {len(tested)} factor{'s' * (len(tested) > 1)}"
    if differing.empty:
        parts = at[(at["reason"] == "") & at["factor"].isin(tested["factor"])]
        widest = float((parts["high"] - parts["low"]).max()) / 2
        least = tested.sort_values("p_holm").iloc[0]
        return (
            f"{name}: CE is not shown to differ between classes of {_list(tested['factor'])} (least p {p_text(least['p_holm'])}, of "
            f"{short(least['factor'])}, {many}). Intervals of single classes reach up to ±{shown(widest, 2)}: smaller "
            "differences would not be seen."
        )
    return f"{name}: CE differs by {'; by '.join(_differing(at, row) for row in differing.to_dict('records'))}, {many}."


def _differing(at: pd.DataFrame, row: dict[Any, Any]) -> str:
    classes = at[(at["factor"] == row["factor"]) & (at["reason"] == "")].sort_values("value").to_dict("records")
    ends = [f"{short(one['class'])} {interval_words(one)} (n = {one['n']:.0f})" for one in (classes[0], classes[-1])]
    return f"{short(row['factor'])} (p {p_text(row['p_holm'])}), from {ends[0]} to {ends[1]}"


def _list(names: pd.Series[Any]) -> str:
    return ", ".join(short(name) for name in names)


def heterogeneity_words(facts: Facts) -> list[str]:
    """All of it of the first finder."""
    finder = first_finder(facts)
    spread, strata = spread_rows(facts, finder), strata_rows(facts, finder)
    if spread is None:
        return []
    edits = in_order(spread["edit"], EDITS)
    told = [heavy_words(facts, spread), *(wrong_words(facts, spread, edit) for edit in edits)]
    return [text for text in [*told, *(strata_words(facts, strata, edit) for edit in edits if strata is not None)] if text]


def tails_words(facts: Facts) -> str:
    """The warning that a headline repeats."""
    spread = spread_rows(facts, first_finder(facts))
    return "" if spread is None else heavy_words(facts, spread)


def heterogeneous(spread: pd.DataFrame, strata: pd.DataFrame) -> dict[str, Any]:
    """``[finder][edit]`` of summary.json: scenes moved the wrong way, how many scenes count, and p of every factor with CE by class."""
    found: dict[str, Any] = {}
    for row in spread[spread["judge"] == "probe"].drop_duplicates(["finder", "edit", "control"]).to_dict("records"):
        entry = found.setdefault(row["finder"], {}).setdefault(row["edit"], {"controls": {}, "strata": {}})
        share = {"value": json_number(row["wrong"]), "low": json_number(row["wrong_low"]), "high": json_number(row["wrong_high"])}
        if row["control"] != "subspace":
            entry["controls"][row["control"]] = {**share, "draws": int(row["draws"])}
            continue
        entry |= {"wrong": {**share, "n": int(row["n"])}, "effective_scenes": json_number(row["effective"]), "heavy": bool(row["heavy"])}
    for row in strata.drop_duplicates(["finder", "edit", "factor", "class"]).to_dict("records"):
        if row["finder"] not in found or row["edit"] not in found[row["finder"]]:
            continue
        factor = found[row["finder"]][row["edit"]]["strata"].setdefault(
            row["factor"], {"p_holm": json_number(row["p_holm"]), "classes": {}}
        )
        if finite(row["value"]):
            factor["classes"][row["class"]] = {**{name: json_number(row[name]) for name in ("value", "low", "high")}, "n": int(row["n"])}
    return found
