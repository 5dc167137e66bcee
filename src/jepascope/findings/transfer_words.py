"""Transfers in sentences: each with its numbers, and over all of them whether effect and geometry come apart, or why that is not shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from jepascope.findings.dissociation import (
    ALIGNED,
    BELOW,
    DISSOCIATED,
    FLOOR,
    OPEN,
    PART,
    SATURATED,
    STRONG,
    UNREAD,
    floor_of,
    judged,
    read_words,
)
from jepascope.findings.numbers import ABSENT, finite, shown, with_interval

COUNTED = {
    ALIGNED: ("keeps the effect with the alignment", "keep the effect with the alignment"),
    PART: ("keeps part of the effect", "keep part of the effect"),
    OPEN: ("lies above the floor, share or alignment open", "lie above the floor, share or alignment open"),
    STRONG: ("has more effect than the native one", "have more effect than the native one"),
    FLOOR: ("is not told apart from what a matched subspace has", "are not told apart from what a matched subspace has"),
    BELOW: ("has less than a matched subspace", "have less than a matched subspace"),
    SATURATED: ("is saturated at every dose", "are saturated at every dose"),
    UNREAD: ("has no ratio or no floor", "have no ratio or no floor"),
}
MOST_SENTENCES = 8


def sentence(row: Mapping[Any, Any]) -> str:
    """One transfer with its numbers and what follows from them."""
    readings = f", readings {shown(row['readings'])}" if finite(row.get("readings")) else ""
    text = (
        f"{row['a']} in place of {row['b']} has RCE {with_interval(row['value'], row['low'], row['high'])}{at_dose(row)}{_at_norm(row)} "
        f"at SAS {shown(row['sas'])} (chance {shown(row['sas_chance'])}){readings}: {judged(row).why}"
    )
    return text if text.endswith(".") else f"{text}."


def _at_norm(row: Mapping[Any, Any]) -> str:
    """', 0.65 [0.60, 0.70] at equal token norm'; empty where it was not run so."""
    known = finite(row.get("norm"))
    return f", {with_interval(row['norm'], row['norm_low'], row['norm_high'])} at equal token norm," if known else ""


def at_dose(row: Mapping[Any, Any]) -> str:
    """' (dose 0.5)'; edits other than ablation are named."""
    edit = "" if row.get("edit", "ablate") in ("ablate", "") else f"{row['edit']}, "
    return f" ({edit}dose {row['dose']:g})" if finite(row["dose"]) else ""


def sentences(pairs: pd.DataFrame, what: str, most: int = MOST_SENTENCES) -> list[str]:
    """Each transfer, those without a reading in one sentence; or, where they are more than ``most``, one sentence that counts them."""
    rows = pairs.to_dict("records")
    judgements = [judged(row) for row in rows]
    if len(rows) <= most:
        texts = [sentence(row) for row, judgement in zip(rows, judgements, strict=True) if judgement.kind != UNREAD]
        for why in dict.fromkeys(judgement.why for judgement in judgements if judgement.kind == UNREAD):
            names = [
                f"{row['a']} in place of {row['b']}{_aligned(row)}"
                for row, judgement in zip(rows, judgements, strict=True)
                if judgement.why == why
            ]
            texts.append(f"Nothing is read from {'; '.join(names)}: {why}.")
        return texts
    counts = Counter(judgement.kind for judgement in judgements)
    apart = [f"{counts[DISSOCIATED]} keep the effect at low alignment"] if counts[DISSOCIATED] else []
    return [f"Of {len(rows)} transfers {what}: {'; '.join(apart + _counted(counts))} (each in the table of RCE)."]


def _aligned(row: Mapping[Any, Any]) -> str:
    """How a pair lies is known without an effect."""
    return f" (SAS {shown(row['sas'])}, chance {shown(row['sas_chance'])})" if finite(row["sas"]) else ""


def _counted(counts: Counter[str]) -> list[str]:
    return [f"{counts[kind]} {words[counts[kind] > 1]}" for kind, words in COUNTED.items() if counts[kind]]


def verdict(pairs: pd.DataFrame) -> str:
    """Over all transfers: whether effect and geometry come apart, and if that is not shown, why not."""
    rows = pairs.to_dict("records")
    kinds = [judged(row).kind for row in rows]
    counts, many = Counter(kinds), len(rows)
    of = f"{many} transfers" if many > 1 else "one transfer"
    if counts[SATURATED] == many:
        return (
            f"Saturated metric: in {of} an effect reaches 0.95 at every dose. There RCE is near 1 whatever is used, so nothing is shown "
            "about effect and geometry."
        )
    if counts[DISSOCIATED]:
        low = min((row for row, kind in zip(rows, kinds, strict=True) if kind == DISSOCIATED), key=lambda row: float(row["sas"]))
        lead = (
            f"Dissociation: in {counts[DISSOCIATED]} of {of} the effect is kept at low alignment, where the metric is not saturated, and "
            f"at equal token norm (corrected for the {_looked_at(rows)} that were looked at). At "
            f"the lowest, {low['a']} in place of {low['b']}, RCE is {with_interval(low['value'], low['low'], low['high'])}{at_dose(low)}, "
            f"above the {floor_of(low).name}'s {floor_of(low)}, and SAS {shown(low['sas'])} (chance {shown(low['sas_chance'])}, "
            f"split-half {shown(low['sas_ceiling'])}).{read_words(low)}"
        )
    elif counts[FLOOR] + counts[BELOW] == many:
        floors = [floor_of(row).value for row in rows]
        return (
            f"Not told apart from the floor: in {of} RCE ({_range(pairs['value'].tolist())}) is not above what a matched subspace has "
            f"({_range(floors)}), so no dissociation is shown."
        )
    else:
        lead = f"No dissociation of effect and geometry is shown in {of}{_corrected(rows)}."
    others = _counted(counts)
    return lead + (f" {'Of the others' if counts[DISSOCIATED] else 'Of these'}: {'; '.join(others)}." if others else "")


def _looked_at(rows: list[dict[Any, Any]]) -> str:
    known = [row["looked_at"] for row in rows if finite(row.get("looked_at"))]
    return f"{max(known):.0f}" if known else ABSENT


def _corrected(rows: list[dict[Any, Any]]) -> str:
    """What a dissociation would have had to withstand, where transfers were run at equal token norm."""
    many = _looked_at(rows)
    return "" if many == ABSENT else f" (at equal token norm, beside permuted labels and PCA, corrected for the {many} looked at)"


def full_dose_saturated(rce: pd.DataFrame) -> str:
    """How many transfers have to be judged below their largest dose, because there the metric is saturated; empty if none."""
    top = rce.sort_values("dose", ascending=False, kind="stable").drop_duplicates(["across", "a", "b", "layer", "edit", "rank"])
    many = int(top["saturated"].sum())
    if not many:
        return ""
    return (
        f"At the largest dose the metric is saturated in {many} of {len(top)} transfers (an effect of 0.95 or more, where RCE tends to 1 "
        "whatever is used). Each transfer is judged at the largest dose where it is not, if there is one."
    )


def _range(values: list[float]) -> str:
    known = sorted(value for value in values if finite(value))
    if not known:
        return ABSENT
    ends = [shown(known[0]), shown(known[-1])]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
