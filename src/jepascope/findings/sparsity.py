"""Words: which coordinates of the L1 probe are selected again on other clips."""

from __future__ import annotations

from math import isnan

import pandas as pd

from jepascope.findings.numbers import count, finite, percent, percent_span, shown

NOT_DETERMINED = "not determined: the path ended before accuracy turned"


def determined(chosen: pd.DataFrame) -> pd.DataFrame:
    """Rows of chosen L1 probes with the support empty where the path ended before its accuracy turned."""
    return chosen.assign(support=chosen["support"].mask(chosen["open_ended"].eq(True))) if "open_ended" in chosen else chosen


def open_words(chosen: pd.DataFrame, layer: int, tokens: str) -> str:
    """At which layers the support is not determined; "" where it is at all. ``chosen``: L1 probes of the cross-validated choice."""
    own = chosen[chosen["tokens"] == tokens]
    if "open_ended" not in own or not own["open_ended"].any():
        return ""
    layers = [int(row) for row in own.loc[own["open_ended"], "layer"]]
    where = f"layer{'s' * (len(layers) > 1)} {', '.join(map(str, sorted(layers)))} ({tokens} tokens)"
    claimed = "" if layer not in layers or len(layers) == 1 else f", layer {layer} of the claims among them,"
    text = f"The support of the L1 probe at {where}{claimed} is {NOT_DETERMINED}"
    return f"{text}, at the weakest penalty that is tried; weaker ones may do better with more coordinates."


SELDOM = "coordinates that a half selects no more often than the average one"


def stable_words(row: dict[str, float], held: float, layer: int, tokens: str) -> str:
    """How many coordinates are stable, what the bound says of them, and what permuted labels get; ``held`` is NaN if not stored."""
    if isnan(held) and row["support"] > 0:
        held = float(round(row["stable"] * row["selected"] / row["support"]))  # selected / support is the width
    many = f"{count(held)} coordinates" if finite(held) and held != 1 else "1 coordinate" if finite(held) else "the coordinates"
    text = (
        f"At layer {layer} ({tokens} tokens) {many} ({percent(row['stable'])}) {'is' if held == 1 else 'are'} stable: selected in at least "
        f"{percent(row['threshold'])} of {count(row['subsamples'])} half-samples, where {shown(row['selected'])} are selected on average"
    )
    bound = row["false_bound"]
    if row["stable"] == 0:
        text = (
            f"At layer {layer} ({tokens} tokens) no coordinate is stable: none is selected in at least {percent(row['threshold'])} of "
            f"{count(row['subsamples'])} half-samples, though {shown(row['selected'])} are selected on average. The probe's support is a "
            "choice among coordinates that do as well"
        )
    elif not finite(bound):
        text += ". No bound on false ones holds here: too many coordinates are selected at once"
    elif finite(held) and bound >= held:
        text += f". The bound ({shown(bound)}) vouches for none: of {SELDOM}, as many may be among the stable (Shah & Samworth 2013)"
    else:
        text += f". Of {SELDOM}, at most {shown(bound)} are expected among the stable (Shah & Samworth 2013)"
    null, support = row["permuted_support"], row["support"]
    if finite(null) and finite(row["support_low"]):
        true = f"{percent(support)} {percent_span(row['support_low'], row['support_high'])}"
        text += f". Permuted labels get a support of {percent(null)} at the same penalty, "
        if null < row["support_low"]:
            text += f"below the middle 95 % of halves with true ones ({true})"
        elif null > row["support_high"]:
            text += f"above the middle 95 % of halves with true ones ({true})"
        else:
            text += f"within the middle 95 % of halves with true ones ({true}): the size of the support says nothing about the variable"
    return text + "."
