"""Words: how alike two models are by held-out CCA, beside its two chance levels."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.numbers import count, finite, shown, span, with_interval

MOST_SENTENCES = 6


def cca_words(similarity: pd.DataFrame) -> list[str]:
    """For each chosen pair, whether held-out CCA lies above shuffled pairs, and above what the label alone explains."""
    said: list[str] = []
    seen: set[frozenset[tuple[Any, Any]]] = set()  # CCA is the same in either direction, and said once
    for row in similarity[similarity["metric"] == "cca"].to_dict("records"):
        sides = frozenset({(row["source"], row["source_layer"]), (row["target"], row["target_layer"])})
        if sides in seen or len(said) == MOST_SENTENCES:
            continue
        seen.add(sides)
        pair, label = _beside(row, "chance"), _beside(row, "label")
        text = (
            f"{row['source']} layer {count(row['source_layer'])} and {row['target']} layer {count(row['target_layer'])}: held-out CCA "
            f"{with_interval(row['value'], row['low'], row['high'])}, {pair} shuffled pairs ({shown(row['chance'])} "
            f"{span(row['chance_low'], row['chance_high'])})"
        )
        if finite(row["label_chance"]):
            text += f" and {label} pairs shuffled within classes ({shown(row['label_chance'])} {span(row['label_low'], row['label_high'])})"
            if label == "above":
                text += ": the two share more than the class"
            elif pair == "above":
                text += ": no more than the class is shown to be shared"
        said.append(f"{text}.")
    return said


def _beside(row: dict[Any, Any], null: str) -> str:
    """'above', 'not told apart from' or 'below': by CCA's interval (its value where it has none) and the range of the null."""
    low, high = (row["low"], row["high"]) if finite(row["low"]) else (row["value"], row["value"])
    if not (finite(low) and finite(row[f"{null}_high"])):
        return "beside"
    return "above" if low > row[f"{null}_high"] else "below" if high < row[f"{null}_low"] else "not told apart from"
