"""Words: which coordinates of the L1 probe are selected again on other clips."""

from __future__ import annotations

from math import isnan

from jepascope.findings.numbers import count, finite, percent, percent_span, shown

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
