"""Claim: the variable cannot be read from what must not tell it (the leak check)."""

from __future__ import annotations

from jepascope.discovery.probes.leaks import BEYOND, LEAKS, leak_verdict, leak_words
from jepascope.findings.claim import Answer, Evidence, Number, Question, row_number
from jepascope.findings.facts import Facts
from jepascope.findings.numbers import percent


def find(facts: Facts) -> Answer | None:
    """Shown: no motionless baseline reads more than position or axis explains; refuted: one does."""
    table = facts.table("leaks")
    if table is None:
        return None
    rows = table.to_dict("records")
    verdicts = [leak_verdict(row) for row in rows]
    words, leaking = leak_words(rows, facts.noun), [row for row in rows if row["leak"]]
    named = ", ".join(f"{row['baseline']} {percent(row['accuracy'])}" for row in leaking)
    sentence = f"Leak check: {words[:-1]} ({named})." if leaking else f"Leak check: {words[0].lower()}{words[1:]}"
    numbers = []
    for row in rows:
        what = f"accuracy from {row['baseline']}"
        numbers.append(row_number(what, row, "share right", columns=("accuracy", "low", "high", "n")))
        numbers.append(Number(what, float(row["chance"]), unit="share right", control="chance"))
    refuted = BEYOND in verdicts or LEAKS in verdicts
    return Answer("refuted" if refuted else "shown", sentence, tuple(numbers), (Evidence("leaks", {}),))


SHORTCUTS = Question(
    "no shortcut",
    "Is there no shortcut to the label?",
    "Dense probes of motionless clips: no interval lies above chance and above what position or axis alone explain.",
    find,
)
