"""The rank of a study in words: in how many directions class means differ more than by chance, and what the effect does with the rank."""

from __future__ import annotations

import pandas as pd

from jepascope.discovery.dimensions import dimension_count, rank_chosen
from jepascope.findings.facts import Facts
from jepascope.findings.names import control_name, edit_name
from jepascope.findings.numbers import shown, with_interval


def rank_words(facts: Facts) -> str:
    """How the rank was come by; "" of folders that do not say."""
    table = facts.table("dimensions")
    if table is None or table.empty:
        return ""
    p, spread, null = (list(table[name]) for name in ("p", "spread", "null"))
    found, layer = dimension_count(p), int(table["layer"].iloc[0])
    tests = f"permuted labels, {int(table['n'].iloc[0])} fit clips"
    if not found:
        text = (
            f"Class means at layer {layer} spread no further than those of permuted labels do in any direction (p = {shown(p[0])}; {tests})"
        )
    else:
        directions = f"{found} direction{'s' * (found > 1)}"
        text = f"Class means at layer {layer} spread further than those of permuted labels do in {directions} (p = {shown(max(p[:found]))}"
        if found < len(p):
            text += f"; the next: {shown(spread[found])} beside {shown(null[found])}, p = {shown(p[found])}"
        text += f"; {tests})"
    rank, chosen = facts.summary.get("rank"), rank_chosen(p)
    return f"{text}; subspaces have that rank." if rank == chosen else f"{text}; rank {rank} was asked for."


def over_rank_words(table: pd.DataFrame, edit: str) -> str:
    """CE at the rank of the claims and at the largest, beside what needs no labels."""
    rows = table[table["edit"] == edit]
    own = rows[rows["control"] == "subspace"].sort_values("rank")
    parts = []
    for row in own[own["chosen"] | (own["rank"] == own["rank"].max())].to_dict("records"):
        beside = rows[(rows["rank"] == row["rank"]) & (rows["control"] != "subspace")].to_dict("records")
        others = ", ".join(f"{control_name(one['control'])} {shown(one['value'], 2)}" for one in beside)
        parts.append(f"at rank {row['rank']:.0f} {with_interval(row['value'], row['low'], row['high'])} ({others})")
    return f"CE of {edit_name(edit)} {'; '.join(parts)}."
