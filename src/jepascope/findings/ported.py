"""Claims: a subspace found elsewhere has the effect here as well: across finders, seeds, layers and clip sets (one claim each), and, of
``jepascope port``, in another model or in another run."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from jepascope.findings.beside import portability_of
from jepascope.findings.carried import KEYS, Carried, carried_all, carried_sentence
from jepascope.findings.claim import Answer, Evidence, Number, Question, Verdict, row_key, row_number, worst
from jepascope.findings.dissociation import (
    ALIGNED,
    BELOW,
    DISSOCIATED,
    FLOOR,
    NORM_NULLS,
    OPEN,
    PART,
    SATURATED,
    STRONG,
    UNREAD,
    floor_of,
    judged,
)
from jepascope.findings.facts import Facts
from jepascope.findings.numbers import decimals, decimals_span, finite
from jepascope.findings.transfer_words import sentences, verdict
from jepascope.findings.transfers import transfers

MAP = "ridge"
MOST_SENTENCES = 100  # every pair has its own
PAIR = ("across", "a", "b", "layer", "edit", "dose")
SAS_NULLS = {"null_shuffled": "permuted labels", "null_pca": "PCA"}
SHOWS: dict[str, Verdict] = {
    BELOW: "refuted",
    FLOOR: "not shown",
    **dict.fromkeys((SATURATED, UNREAD), "undecided"),
    **dict.fromkeys((PART, OPEN, STRONG, ALIGNED, DISSOCIATED), "shown"),
}


def across(kind: str, facts: Facts) -> Answer | None:
    """All transfers across one thing, at the layer of the claims; the worst decides."""
    table = portability_of(facts)
    moved = None if table is None else transfers(table[table["across"] == kind])  # each with the correction for all of the table
    return None if moved is None or moved.empty else carried(moved)


def carried(moved: pd.DataFrame) -> Answer:
    """What transfers show, each beside what matched subspaces keep."""
    rows = [{str(name): value for name, value in row.items()} for row in moved.to_dict("records")]
    numbers = []
    for row in rows:
        what = f"RCE of {row['a']} in place of {row['b']}"
        floor = floor_of(row)
        alike = f"SAS of {row['a']} and {row['b']}"
        numbers += [
            row_number(what, row, "share kept"),
            Number(what, floor.value, floor.low, floor.high, row["n"], "share kept", floor.name),
            Number(alike, row["sas"]),
            Number(alike, row["sas_chance"], control="chance"),
            *(Number(alike, row[null], control=name) for null, name in SAS_NULLS.items() if finite(row.get(null))),
            *_at_norm(what, row),
        ]
    evidence = tuple(Evidence("portability", {"metric": "rce", **{name: row[name] for name in PAIR}}) for row in rows)
    return Answer(worst(SHOWS[judged(row).kind] for row in rows), verdict(moved), tuple(numbers), evidence)


def _at_norm(what: str, row: dict[str, Any]) -> list[Number]:
    """RCE at equal token norm beside what it is held against there; none where it was not run so."""
    if not finite(row.get("norm")):
        return []
    name = f"{what} at equal token norm"
    null = [Number(name, row[column], n=row["n"], unit="share kept", control=control) for column, control in NORM_NULLS.items()]
    return [
        row_number(name, row, "share kept", columns=("norm", "norm_low", "norm_high", "n")),
        *(one for one in null if finite(one.value)),
    ]


def transported(facts: Facts) -> Answer | None:
    """The first finder's subspace, carried by the ridge map to the same relative depth, into each model; the worst floor decides."""
    table = facts.table("transport")
    if table is None:
        return None
    ablated = table[(table["edit"] == "ablate") & (table["map"] == MAP) & (table["choice"] != "best match")]
    firsts: dict[str, Carried] = {}
    for transport in carried_all(ablated):
        firsts.setdefault(str(transport.row["target"]), transport)  # of the first finder: which one does best is not what is asked
    if not firsts:
        return None
    numbers = []
    for target, transport in firsts.items():
        what, row = f"effect kept in {target}", transport.row
        numbers.append(row_number(what, row, "share kept", columns=("rce", "rce_low", "rce_high", "n")))
        numbers += [Number(what, float(floor["rce"]), unit="share kept", control=name) for name, floor in transport.floors.items()]
        numbers += [Number(f"SAS in {target}", float(row["sas"])), Number(f"SAS in {target}", float(row["sas_chance"]), control="chance")]
    evidence = tuple(Evidence("transport", row_key(transport.row, *KEYS, "dose")) for transport in firsts.values())
    decides = worst(_verdict(transport) for transport in firsts.values())
    return Answer(decides, " ".join(carried_sentence(transport) for transport in firsts.values()), tuple(numbers), evidence)


def _verdict(transport: Carried) -> Verdict:
    sides = set(transport.sides.values())
    if transport.saturated or not sides or "unknown" in sides:
        return "undecided"
    return "refuted" if "below" in sides else "not shown" if "within" in sides else "shown"


def alike(facts: Facts) -> Answer | None:
    """Held-out CCA of the first pair of layers, beside pairs shuffled within classes and shuffled pairs."""
    table = facts.table("similarity")
    rows = [] if table is None else table[table["metric"] == "cca"].to_dict("records")
    if not rows:
        return None
    row = rows[0]
    sentence = (
        f"Held-out CCA of {row['source']} (layer {row['source_layer']:.0f}) and {row['target']} (layer {row['target_layer']:.0f}) "
        f"{decimals(row['value'])} {decimals_span(row['low'], row['high'])}, {decimals(row['label_chance'])} from the class alone, "
        f"{decimals(row['chance'])} for shuffled pairs."
    )
    nulls = [
        Number("CCA", float(row[column]), control=name)
        for column, name in (("label_chance", "shuffled in class"), ("chance", "shuffled pairs"))
    ]
    verdict: Verdict = "shown" if row["low"] > max(row["label_chance"], row["chance"]) else "not shown"
    key = row_key(row, "source", "target", "source_layer", "target_layer", "metric")
    return Answer(verdict, sentence, (row_number("CCA", row), *nulls), (Evidence("similarity", key),))


def used_here(facts: Facts) -> Answer | None:
    """Another run's subspaces in place of this run's own."""
    table = facts.table("portability")
    moved = None if table is None else transfers(table)
    if moved is None or moved.empty:
        return None
    a, b = facts.summary["a"], facts.summary["b"]
    lead = (
        f"Subspaces of {b['path']} ({b['clips']}, {b['variable']}) used in this run ({a['clips']}, {a['variable']}) at layer "
        f"{a['best_layer']}."
    )
    answer = carried(moved)
    told = " ".join([lead, *sentences(moved, "between the runs", MOST_SENTENCES)])
    return Answer(answer.verdict, told, answer.numbers, answer.evidence)


ACROSS = {"finder": "finders", "data seed": "data seeds", "layer": "layers", "clip set": "clip sets"}
CARRIES = tuple(
    Question(
        f"carries over across {words}",
        f"Does the effect carry over across {words}?",
        "RCE of the subspace found elsewhere lies above what a matched subspace keeps, at the largest dose at which neither effect is "
        "saturated; the worst transfer decides.",
        partial(across, kind),
    )
    for kind, words in ACROSS.items()
)
PORTED = (
    Question(
        "ports to another model",
        "Does the subspace have its effect in another model?",
        "Carried there by a linear map it has more effect than every floor: random subspaces, matched ones of the target, and maps that "
        "know the class alone.",
        transported,
    ),
    Question(
        "the models are alike",
        "Do the two models represent the same clips alike, beyond the class?",
        "The interval of held-out CCA lies above what pairs shuffled within classes, and shuffled pairs, have.",
        alike,
    ),
    Question(
        "ports to another run",
        "Does the other run's subspace have the effect in this run?",
        "RCE lies above what a matched subspace keeps, at the largest dose at which neither effect is saturated; the worst decides.",
        used_here,
    ),
)
