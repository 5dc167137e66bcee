"""Claim: the variable is there in copies, each of which carries it alone."""

from __future__ import annotations

from collections import Counter
from math import nan
from typing import Any

import pandas as pd

from jepascope.findings.beside import unread_judge
from jepascope.findings.claim import Answer, Evidence, Number, Question, Verdict, row_number
from jepascope.findings.facts import Facts
from jepascope.findings.names import MOST_OF_A_SENTENCE, in_order, short
from jepascope.findings.numbers import count, finite, interval_cell, shown
from jepascope.findings.selection import finders_of
from jepascope.findings.verdict import unread_words
from jepascope.portability.verdict import VERDICTS

MOST_SENTENCES = 8


def verdict_words(verdicts: pd.DataFrame) -> list[str]:
    """Counts over all pairs, and each pair with its reason while there are few."""
    counts = Counter(verdicts["verdict"])
    text = []
    if len(verdicts) > 1:
        text.append(f"Of {len(verdicts)} pairs: {'; '.join(f'{many} {name}' for name, many in counts.items())}.")
    rows = verdicts.head(MOST_SENTENCES).to_dict("records")
    text += [f"{row['a']} and {row['b']}: {row['verdict']}. {reason(row)}" for row in rows]
    if len(verdicts) > MOST_SENTENCES:
        text.append(f"The {len(verdicts) - MOST_SENTENCES} other pairs are in the tables.")
    return text


def reason(row: dict[Any, Any]) -> str:
    """The study's own reason as a sentence; the numbers behind it where it gives none."""
    text, names = str(row["reason"]).strip(), (str(row["a"]), str(row["b"]))
    if is_told(text):
        text = text.removeprefix(f"{' and '.join(names)}: ")  # the pair was just named
        first = text[0] if text.startswith(names) else text[0].upper()
        return first + text[1:] + ("" if text[-1] in ".!?…" else ".")
    if not finite(row["a_alone"]) and not finite(row["b_alone"]):
        return "No reason was stored."
    return f"CE of a without b {shown(row['a_alone'])}, of b without a {shown(row['b_alone'])}, surplus {shown(row['surplus'])}."


def peeling_words(rows: pd.DataFrame, finder: str, summary: dict[str, Any]) -> str:
    """The study's verdict with its count of copies and its reason; where a folder has none, what the stages show."""
    own = rows[rows["control"] == "subspace"].sort_values("stage")
    first, stored = own.iloc[0].to_dict(), _told(summary, finder)
    verdict = str(first["verdict"]) if is_told(first["verdict"]) else short(stored.get("verdict") or "")
    if not verdict:
        return f"{finder}: {_stages(own)}."
    copies = first["copies"] if finite(first["copies"]) else stored.get("copies")
    why = str(first["reason"]) if is_told(first["reason"]) else short(stored.get("reason") or f"{_stages(own)}.", MOST_OF_A_SENTENCE)
    counted = f", {COPIES.get(count(copies), f'{count(copies)} copies')}" if finite(copies) else ""
    return f"Peeling off subspaces of {finder}: {verdict}{counted}. {why}{'' if why[-1] in '.!?…' else '.'}"


COPIES = {"0": "no copy", "1": "one copy"}


def is_told(text: object) -> bool:
    """Whether a column of words holds any: what is missing was read as 'nan' or 'None'."""
    return str(text).strip() not in {"", "nan", "None"}


def _told(summary: dict[str, Any], finder: str) -> dict[str, Any]:
    """What the summary says of the peeling of a finder; empty where it says nothing of that one."""
    degeneracy = summary.get("degeneracy")
    peeling = degeneracy.get("peeling") if isinstance(degeneracy, dict) else None
    return peeling if isinstance(peeling, dict) and peeling.get("finder") == finder else {}


def _stages(own: pd.DataFrame) -> str:
    """How many stages lie above both controls, and how it ended."""
    many, last = int(own["above"].sum()), own.iloc[-1]
    effect = interval_cell(last["value"], last["low"], last["high"]).text
    if not many:
        return f"the first subspace (CE {effect}) is not above both of its controls, so no copy is counted"
    text = f"{'one stage lies' if many == 1 else f'{many} stages lie'} above both controls"
    if bool(last["above"]):
        return f"{text}, the last one among them (CE {effect}): the curve has not met its control, and there may be more"
    text += f", and stage {count(last['stage'])} meets its control (CE {effect})"
    if many == 1:
        return f"{text}: once the first subspace is gone, no other is found that carries the variable"
    return f"{text}. A copy keeps its effect while all other stages are ablated (diamonds), a part does not"


def find(facts: Facts) -> Answer | None:
    """Pairs of finders, the telling verdicts first, and the peeling of the first finder."""
    verdicts, peeling = facts.table("verdicts"), facts.table("peeling")
    if peeling is not None and not (peeling["control"] == "subspace").any():
        peeling = None
    if verdicts is None and peeling is None:
        return None
    if (unread := unread_judge(facts)) is not None:
        return Answer("undecided", f"Nothing is told of copies: {unread_words(unread)}, and verdicts rest on effects by it.")
    parts, numbers, evidence, kinds, copies = [], [], [], [], nan
    if verdicts is not None:
        verdicts = by_verdict(verdicts)
        parts += verdict_words(verdicts)
        for row in verdicts.to_dict("records"):
            kinds.append(str(row["verdict"]))
            evidence.append(Evidence("verdicts", {"a": str(row["a"]), "b": str(row["b"])}))
            for own, other in (("a", "b"), ("b", "a")):
                what = f"CE of {row[own]} without {row[other]}"
                numbers.append(row_number(what, row, "share", columns=(*(f"{own}_alone{end}" for end in ("", "_low", "_high")), "n")))
                numbers.append(Number(what, float(row[f"{own}_floor"]), unit="share", control="variance"))
        numbers += _lesser(verdicts)
    if peeling is not None:
        finder = finders_of(facts, peeling)[0]
        rows = peeling[peeling["finder"] == finder]
        parts.append(peeling_words(rows, finder, facts.summary))
        first = rows[rows["control"] == "subspace"].sort_values("stage").iloc[0]
        copies = float(first["copies"]) if finite(first["copies"]) else nan
        kinds.append(str(first["verdict"]))
        numbers.append(Number(f"subspaces of {finder} that carry it alone", copies))
        evidence.append(Evidence("peeling", {"finder": finder, "control": "subspace"}))
    shown = "degenerate" in kinds or copies > 1
    verdict: Verdict = "shown" if shown else "undecided" if set(kinds) <= {"undecided", "saturated"} else "not shown"
    return Answer(verdict, " ".join(parts), tuple(numbers), tuple(evidence))


LESSER = "most that the lesser of two subspaces moves without the other"


def _lesser(verdicts: pd.DataFrame) -> list[Number]:
    """Two copies would each carry it alone: of every pair the one that moves less, of these the one that moves most; and its control."""
    sides = [
        (row, min("ab", key=lambda side: row[f"{side}_alone"])) for row in verdicts.dropna(subset=["a_alone", "b_alone"]).to_dict("records")
    ]
    if not sides:
        return []
    row, side = max(sides, key=lambda lesser: lesser[0][f"{lesser[1]}_alone"])
    columns = (*(f"{side}_alone{end}" for end in ("", "_low", "_high")), "n")
    return [
        row_number(LESSER, row, "share", columns=columns),
        Number(LESSER, float(row[f"{side}_floor"]), unit="share", control="variance"),
    ]


def by_verdict(verdicts: pd.DataFrame) -> pd.DataFrame:
    """The pairs in the order in which verdicts are declared."""
    order = in_order(verdicts["verdict"], tuple(VERDICTS))
    return verdicts.iloc[verdicts["verdict"].map(order.index).argsort(kind="stable")]


COPIES_OF = Question(
    "copies",
    "Is the variable there in copies?",
    "Each of two subspaces is causal without the other while its matched controls are not, and the two alone add up to more than the "
    "whole, also with the scales of norms held; or peeling leaves a second one that carries it alone.",
    find,
)
