"""Words: which subspaces coincide, and which lie apart and read the same numbers."""

from __future__ import annotations

import pandas as pd

from jepascope.discovery.finder_entry import FINDERS
from jepascope.findings.dissociation import SAME_NUMBERS
from jepascope.findings.numbers import shown
from jepascope.findings.selection import coinciding


def said_once(sas: pd.DataFrame) -> dict[str, str]:
    """A sentence for each finder whose subspace is that of an earlier one, instead of every other sentence twice."""
    said = {}
    for row in coinciding(sas):
        a, b = str(row["a"]), str(row["b"])
        said[b] = f"{b} and {a} found the same subspace here (SAS {shown(row['value'])}), so their figures agree."
        if FINDERS.look_up(a).spans_means and FINDERS.look_up(b).spans_means:
            said[b] += f" At rank classes - 1, {b} and {a} both span the class means and must."
    return said


def _same_numbers(sas: pd.DataFrame) -> list[str]:
    """Pairs that lie apart and read the same numbers: filter and pattern, not two copies."""
    known = sas[sas["readings"].notna() & sas["value"].notna()]
    if known.empty:
        return []
    reach = (known["chance"] + known["ceiling"].fillna(1.0)) / 2
    apart = known[known["value"] < reach]
    same = apart[apart["readings_low"] >= SAME_NUMBERS]
    if apart.empty:
        return ["No pair lies far apart: every SAS is at least half of the way from chance to its split-half reference."]
    far = "that lie apart (SAS below half of the way from chance to the split-half reference)"
    numbers = f"nearly the same numbers (readings at least {SAME_NUMBERS:g})"
    if same.empty:
        return [f"Of {len(apart)} pairs {far}, none reads {numbers}: low SAS is not explained by filter and pattern here."]
    text = f"Of {len(apart)} pairs {far}, {len(same)} read{'s' if len(same) == 1 else ''} {numbers}"
    lowest = same.sort_values("value", kind="stable").iloc[0]
    return [
        f"{text}: one reads the variable where another carries it (filter and pattern), so their low SAS is no sign of two copies. Lowest: "
        f"{lowest['a']} and {lowest['b']}, SAS {shown(lowest['value'])}, readings {shown(lowest['readings'])} (chance "
        f"{shown(lowest['readings_chance'])})."
    ]
