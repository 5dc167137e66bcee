"""Claim: after ablation a fresh read-out still finds the variable, or it is gone; and what a read-out finds on other clips."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd

from jepascope.findings.claim import Answer, Evidence, Number, Question, Verdict
from jepascope.findings.facts import Facts
from jepascope.findings.names import judge_words
from jepascope.findings.numbers import ABSENT, apart, finite, percent, share_words
from jepascope.findings.read import READ
from jepascope.findings.selection import claim_layer, first_finder, main_ranks, of_tokens
from jepascope.stats import wilson

UNREAD = "Nothing is claimed of it: that this network's training reads the variable is not shown to begin with."
TOLD = {"above": "above", "below": "below", "across": "not told apart from"}


@dataclass(frozen=True)
class Share:
    """An accuracy with its interval (NaN where it was not measured)."""

    value: float = nan
    low: float = nan
    high: float = nan

    def __str__(self) -> str:
        return share_words(self.value, self.low, self.high) if finite(self.value) else ABSENT


@dataclass(frozen=True)
class Refit:
    """Accuracies after ablating one finder's subspace, read at one layer: of the probe of before, of a fresh one, of a fresh one after
    random directions are ablated (a draw each), and unedited."""

    finder: str
    judge: str
    frozen: Share
    fresh: Share
    clean: Share
    chance: float
    random: tuple[float, ...] = ()

    @property
    def sentence(self) -> str:
        """What a fresh probe still finds, beside chance and beside the unedited clips."""
        return refit_words(f"{self.finder}, {judge_words(self.judge)}", self.frozen, self.fresh, self.clean, self.chance, self.random)


def refit_rows(facts: Facts) -> pd.DataFrame | None:
    """Rows of ``refits`` at the layer and ranks of the claims; None where no probe was refitted."""
    table = facts.table("refits")
    if table is None or not (table["control"] == "subspace").any():
        return None
    table = table[table["layer"] == claim_layer(facts, table)]
    return table[(table["control"] == "clean") | (table["rank"] == table["finder"].map(main_ranks(table[table["control"] == "subspace"])))]


def refit_of(rows: pd.DataFrame, frozen: pd.DataFrame, finder: str, judge: str) -> Refit:
    """Of one finder by one judge at the last layer; ``frozen``: of ``frozen_rows``."""
    last = rows["read_layer"].max()
    part = rows[(rows["read_layer"] == last) & (rows["judge"] == judge)]
    own = part[part["finder"] == finder]
    held = frozen[(frozen["finder"] == finder) & (frozen["judge"] == judge) & (frozen["read_layer"] == last)]
    random = tuple(own[own["control"] == "random"]["accuracy"].dropna())
    fresh, clean = (share_of(some[some["control"] == name]) for some, name in ((own, "subspace"), (part, "clean")))
    return Refit(finder, judge, share_of(held), fresh, clean, float(part["chance"].mean()), random)


def refit_words(name: str, frozen: Share, fresh: Share, clean: Share, chance: float, null: Any = ()) -> str:
    """What a fresh probe still finds, beside chance and beside the unedited clips."""
    text = (
        f"{name}: after ablation the frozen read-out is right for {frozen} of the clips, "
        if finite(frozen.value)
        else f"{name}: after ablation "
    )
    text += f"a fresh one for {fresh} (unedited {clean}, chance {percent(chance)}"
    text += f"; random directions ablated {percent(sum(null) / len(null))})" if len(null) else ")"
    if not (finite(fresh.low) and finite(chance)):
        return f"{text}; nothing can be said without an interval."
    side = apart(fresh, clean)
    if fresh.low <= chance:
        if clean.low <= chance:
            return f"{text}. It is not read above chance from unedited clips either, so nothing can be said of what ablation leaves."
        if side == "below":
            return f"{text}. A fresh one finds nothing that can be told from chance: as far as it can read, the variable is gone."
        return f"{text}. A fresh one is told apart neither from chance nor from unedited clips: whether the variable is gone stays open."
    left = "Less than before, but above chance" if side == "below" else "Above chance"
    shown = ", and no loss to a fresh one is shown" if side == "across" else ""
    way = " Part of what the frozen one lost was its way of reading, not the variable." if apart(frozen, fresh) == "below" else ""
    return f"{text}. {left}: the variable is still there to be read, outside the subspace{shown}.{way}"


def share_of(rows: pd.DataFrame) -> Share:
    if rows.empty:
        return Share()
    return Share(*(float(rows.iloc[0][name]) for name in ("accuracy", "low", "high")))


def frozen_rows(facts: Facts, layer: int) -> pd.DataFrame:
    """Accuracies of the probes trained on unedited clips, after ablation at ``layer``, with Wilson intervals."""
    reads = facts.table("reads")
    columns = ["finder", "judge", "read_layer", "accuracy", "low", "high"]
    if reads is None:
        return pd.DataFrame(columns=columns).astype({"accuracy": float})
    rows = of_tokens(facts, reads)
    rows = rows[(rows["layer"] == layer) & (rows["edit"] == "ablate") & (rows["control"] == "subspace")].dropna(subset=["accuracy", "n"])
    rows = rows[rows["rank"] == rows["finder"].map(main_ranks(rows))]
    ends = [wilson(float(row["accuracy"]), float(row["n"])) for row in rows.to_dict("records")]
    return rows.assign(low=[low for low, _ in ends], high=[high for _, high in ends])[columns]


def carried_words(readout: pd.DataFrame, study: str) -> list[str]:
    """For each other clip set, whether the read-out trained on the study's clips still reads there, beside their own and chance."""
    sentences = []
    for clips, rows in readout.groupby("clips", sort=False):
        carried, own = rows[rows["probe_from"] != clips], rows[rows["probe_from"] == clips]
        if carried.empty:
            continue
        row = carried.iloc[0]
        theirs, mine = share_of(carried), share_of(own)
        sentences.append(
            f"The read-out trained on {row['probe_from'] or study} clips is right for {theirs} of the {clips} clips; chance "
            f"{percent(row['chance'])}, a read-out of their own {mine}. {_carried(theirs, mine, float(row['chance']))}"
        )
    return sentences


def _carried(theirs: Share, own: Share, chance: float) -> str:
    if not (finite(theirs.low) and finite(chance)):
        return "Without an interval nothing is said."
    if theirs.low <= chance:
        return "Nothing above chance is carried over by the read-out; whether the subspace is, RCE says."
    side = apart(theirs, own)
    if side == "below":
        return f"It carries over in part: {percent((theirs.value - chance) / (own.value - chance))} of what theirs has above chance."
    return "It carries over above chance" + ("." if side == "unknown" else f", {TOLD[side]} their own.")


def find(facts: Facts) -> Answer | None:
    """Of the first finder, by the linear probe. Shown: a fresh one still reads the variable; refuted: it finds nothing above chance where
    the unedited clips are read; undecided where the variable is not shown to be read at all, or as well from untrained twins or pixels."""
    rows = refit_rows(facts)
    if rows is None:
        return None
    finder, layer = first_finder(facts), claim_layer(facts, rows)
    refit = refit_of(rows, frozen_rows(facts, layer), finder, "probe")
    if not finite(refit.fresh.value):
        return None
    fresh, clean, chance = refit.fresh, refit.clean, refit.chance
    gone = finite(fresh.low) and fresh.low <= chance < clean.low and apart(fresh, clean) == "below"
    n = float(rows["n"].max())
    numbers = [
        Number(name, share.value, share.low, share.high, n, "share right")
        for name, share in (("fresh", fresh), ("frozen", refit.frozen), ("unedited", clean))
    ]
    numbers.append(Number("fresh", chance, unit="share right", control="chance"))
    if refit.random:
        numbers.append(Number("fresh", sum(refit.random) / len(refit.random), unit="share right", control="random"))
    key: dict[str, str | int | float] = {"layer": layer, "finder": finder, "judge": "probe", "read_layer": int(rows["read_layer"].max())}
    read = READ.find(facts)
    unread = read is not None and read.verdict != "shown"  # then what is left would be no work of the training
    verdict: Verdict = "undecided" if unread else "shown" if fresh.low > chance else "refuted" if gone else "undecided"
    sentence = f"{refit.sentence} {UNREAD}" if unread else refit.sentence
    return Answer(verdict, sentence, tuple(numbers), (Evidence("refits", key),))


FRESH = Question(
    "a fresh read-out after ablation",
    "Is the variable still there for a fresh read-out after ablation?",
    "A probe trained on ablated clips: its interval lies above chance. Gone: it does not, where that of unedited clips does. Undecided "
    "where the variable is not shown to be read to begin with.",
    find,
)
