"""Words: whether an effect fades or grows along the layers."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.numbers import finite, with_interval


def fade_words(rows: pd.DataFrame, name: str) -> str:
    """Whether one edit's effect fades or grows from the edited layer to the last, as far as the two intervals are apart."""
    own = rows[rows["control"] == "subspace"].sort_values("read_layer").to_dict("records")
    if len(own) < 2:
        return ""
    here, last = own[0], own[-1]
    said = f"{name}: CE {_size(here)} where it is read at the edited layer {here['read_layer']:.0f} itself, {_size(last)} at layer "
    said += f"{last['read_layer']:.0f}"
    if not all(finite(row[end]) for row in (here, last) for end in ("low", "high")):
        return f"{said}; without intervals it is not known whether it fades."
    if last["high"] < here["low"]:
        why = " Blocks that restore what was taken (self-repair) do this, and so does a code computed afresh from other directions."
        return f"{said}. The effect fades along the layers.{why if own[0]['edit'] == 'ablate' else ''}"
    if last["low"] > here["high"]:
        return f"{said}. The effect grows along the layers: later read-outs see more of it than one where the edit was made."
    return f"{said}. The two are not told apart (overlapping intervals): neither fading nor growing is shown."


def _size(row: dict[Any, Any]) -> str:
    return with_interval(row["value"], row["low"], row["high"])
