"""Whether edited clips stay among natural ones, in words: inside the directions that are edited, and at the last layer."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.facts import Facts
from jepascope.findings.names import EDITS, control_name, controls_in, edit_name, in_order
from jepascope.findings.numbers import finite, interval_of, interval_words, json_number, shown
from jepascope.findings.selection import at_full_dose, claim_layer, first_finder, of_tokens
from jepascope.stats import side

FAR = 1.5
"""Times the unedited clips' own distance from which on an edit is said to leave the natural clips, where its interval says so as well."""


def distance_rows(facts: Facts, finder: str) -> pd.DataFrame | None:
    """Rows of ``distances`` that claims are about, of one finder; None where there are none, and in older folders."""
    table = facts.table("distances")
    if table is None:
        return None
    rows = at_full_dose(of_tokens(facts, table[table["layer"] == claim_layer(facts, table)]))
    return None if (rows["finder"] != finder).all() else rows[rows["finder"] == finder]


def leaves(row: dict[Any, Any], name: str) -> bool:
    """Whether edited clips lie clearly further off than unedited ones: the interval of the difference above zero, and FAR times as far."""
    return side(row[f"{name}_more_low"], row[f"{name}_more_high"]) == "above" and row[name] >= FAR * row[f"{name}_natural"]


def distance_words(facts: Facts, rows: pd.DataFrame, edit: str) -> str:
    """One edit of one finder: how far off, beside the same clips unedited and beside its controls."""
    by = {str(row["control"]): row for row in rows[rows["edit"] == edit].to_dict("records")}
    own = by.pop("subspace", None)
    if own is None or not finite(own["mahalanobis"]):
        return ""
    inside, last = leaves(own, "nearest"), leaves(own, "mahalanobis")
    where = "inside the subspace and at the last layer" if inside and last else "inside the subspace" if inside else "at the last layer"
    text = f"{edit_name(edit).capitalize()}, {own['finder']}: edited clips " + (
        f"leave the natural ones {where}" if inside or last else f"stay within {shown(FAR, 2)} times the distance of unedited ones"
    )
    beside = ", ".join(f"{control_name(name)} {shown(by[name]['mahalanobis'])}" for name in controls_in(by))
    text += (
        f". Inside, the nearest clip of split fit is {interval_words(own, 'nearest')} away (unedited {shown(own['nearest_natural'])}); "
        f"at the last layer they lie {interval_words(own, 'mahalanobis')} standard deviations off "
        f"(unedited {shown(own['mahalanobis_natural'])}"
    )
    return f"{text}; controls: {beside})." if beside else f"{text})."


def distances_words(facts: Facts) -> list[str]:
    """Every edit of the first finder; and which controls are further off than the edit that they stand beside, and so no like with like."""
    rows = distance_rows(facts, first_finder(facts))
    if rows is None:
        return []
    edits = in_order(rows["edit"], EDITS)
    told = [distance_words(facts, rows, edit) for edit in edits]
    further = [f"{edit_name(edit)}: {', '.join(names)}" for edit in edits if (names := _further(rows[rows["edit"] == edit]))]
    if further:
        told.append(f"Controls that lie {shown(FAR, 2)} times as far off at the last layer as the edit itself: {'; '.join(further)}.")
    return [text for text in told if text]


def _further(rows: pd.DataFrame) -> list[str]:
    own = rows.loc[rows["control"] == "subspace", "mahalanobis"]
    far = rows[(rows["control"] != "subspace") & (rows["mahalanobis"] >= FAR * (own.iloc[0] if len(own) else float("nan")))]
    return [control_name(name) for name in controls_in(far["control"])]


def distanced(table: pd.DataFrame) -> dict[str, Any]:
    """``[finder][edit][control]`` of summary.json: both distances with intervals, beside those of the same clips unedited."""
    found: dict[str, Any] = {}
    for row in at_full_dose(table).to_dict("records"):
        entry = {
            name: {
                **dict(zip(("value", "low", "high"), map(json_number, interval_of(row, name)), strict=True)),
                "natural": json_number(row[f"{name}_natural"]),
            }
            for name in ("nearest", "mahalanobis")
        }
        found.setdefault(row["finder"], {}).setdefault(row["edit"], {})[row["control"]] = {**entry, "n": int(row["n"])}
    return found
