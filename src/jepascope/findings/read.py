"""Claims: the variable can be read from the encoder's activations, and what reads it as well; and it cannot be read from what must not tell
it (the leak check)."""

from __future__ import annotations

from math import isfinite

from jepascope.discovery.probes.leaks import BEYOND, LEAKS, leak_verdict, leak_words, unseen
from jepascope.discovery.probes.readings import Measure, VariableReading
from jepascope.findings.claim import Answer, Evidence, Number, Question, Verdict, row_number, sentence_of
from jepascope.findings.facts import Facts
from jepascope.findings.names import NO_SHORTCUT
from jepascope.findings.numbers import decimals, decimals_span, percent
from jepascope.findings.selection import reading_at, tokens_of

DIGITS = {"accuracy": 2, "error": 1, "r2": 2}


def find(facts: Facts) -> Answer | None:
    """By the measure of the variable's kind at the layer that claims are made for; the classes stand beside the values."""
    probes, read = facts.table("probes"), reading_at(facts)
    if probes is None or read is None:
        return None
    tokens = tokens_of(facts, probes)
    numbers = [number for measure in (read.classes, *read.values) for number in _numbers(measure)]
    at: dict[str, str | int | float] = {"layer": read.layer, "tokens": tokens}
    evidence = [Evidence("probes", {**at, "probe": "dense", "encoder": "model"})]
    evidence += [Evidence("values", {**at, "encoder": "model", "held_out": "clips"})] if read.values else []
    evidence += [Evidence("leave_one_out_videos", {})] if read.in_turn else []
    as_good = [measure.as_good for measure in read.deciding if measure.read]
    # what an untrained network or the pixels give as well is no work of the training
    verdict: Verdict = "not shown" if not read.read or (as_good and all(as_good)) else "shown"
    return Answer(verdict, sentence_of(_words(facts, read, tokens)), tuple(numbers), tuple(evidence))


def _numbers(measure: Measure) -> list[Number]:
    what, unit = f"{measure.name} {measure.output}".strip(), measure.unit or "share"
    own = Number(what, measure.value, measure.low, measure.high, measure.n, unit)
    rivals = [Number(what, rival.value, unit=unit, control=rival.name) for rival in measure.rivals]
    return [own, Number(what, measure.chance, unit=unit, control="chance"), *rivals]


def _words(facts: Facts, read: VariableReading, tokens: str) -> str:
    verb = "is read from" if read.read else "is not shown to be read above chance from"
    layers = facts.summary.get("layers")
    layer = f"at layer {read.layer}" + (f" of {layers[-1]}" if isinstance(layers, list) and layers else "")
    layer = "of every video in turn" if read.in_turn else layer
    accuracy = f"accuracy {decimals(read.classes.value, 3)} {_span(read.classes)}"
    classes = f"{_beside(read.classes)}chance {decimals(read.classes.chance, 3)}"
    values = [_value(facts, measure, read.layer, tokens) for measure in read.values]
    if read.kind == "numeric" and values:
        figures = f"{', '.join(values)} {layer}; as {facts.summary.get('classes')} classes {accuracy} ({classes})"
    else:
        figures = ", ".join([f"{accuracy} {layer} ({classes})", *values])
    return f"{facts.variable} {verb} {facts.model}{_as_good(read)}: {figures}"


def _as_good(read: VariableReading) -> str:
    """', no better than from untrained twins': of all outputs that are read, or of those that are named."""
    outputs = [measure.output for measure in read.deciding if measure.read]
    parts = []
    for name, of in read.as_good.items():
        rival = "the best untrained twin" if name == "untrained twins" else name
        parts.append(f"no better than from {rival}" + ("" if len(of) == len(outputs) else f" ({', '.join(of)})"))
    return f", {' and '.join(parts)}" if parts else ""


def _beside(measure: Measure) -> str:
    """'pixels 0.51, untrained twins 0.14, ': of twins the mean and, where it differs, the best one."""
    digits, words = DIGITS[measure.name], ""
    for rival in measure.rivals:
        value, best = decimals(rival.value, digits), decimals(rival.best, digits)
        words += f"{rival.name} {value}" + (f" (best {best})" if rival.name == "untrained twins" and best != value else "") + ", "
    return words


def _span(measure: Measure) -> str:
    return decimals_span(measure.low, measure.high, DIGITS[measure.name])


def _value(facts: Facts, measure: Measure, layer: int, tokens: str) -> str:
    """The error of an angle or of a number without an interval of R^2, or R^2, beside what else reads it."""
    if measure.name == "r2":
        return f"R^2 of {measure.output} {decimals(measure.value)} {_span(measure)} ({_beside(measure)}0 for a constant)"
    held = _held_arcs(facts, measure, layer, tokens) if measure.read else ""
    digits = 0 if measure.unit == "degrees" else 3
    interval = _span(measure) if isfinite(measure.low) else "without an interval"
    unit = f" {measure.unit}" if measure.unit else ""
    return (
        f"error of the {measure.output} {decimals(measure.value, 1 if digits == 0 else 3)} {interval}{unit} "
        f"({_beside(measure)}chance {decimals(measure.chance, digits)}{held})"
    )


def _held_arcs(facts: Facts, measure: Measure, layer: int, tokens: str) -> str:
    values = facts.table("values")
    if values is None:
        return ""
    own = values[(values["encoder"] == "model") & (values["held_out"] == "arcs") & (values["output"] == measure.output)]
    errors = own[(own["layer"] == layer) & (own["tokens"] == tokens)]["error"].dropna()
    return f"; {decimals(errors.iloc[0], 1)} on held-out arcs" if len(errors) else ""


READ = Question(
    "read",
    "Can the variable be read?",
    "A numeric variable by R^2, a circular one by the error of its angle, others by accuracy: the interval lies on the better side of "
    "chance, and neither untrained twins nor pixels do as well. Where few videos are tested by accuracy, of every video in turn.",
    find,
)


def shortcuts(facts: Facts) -> Answer | None:
    """Shown: no motionless baseline reads more than position or axis explains; refuted: one does; no power: a large leak would not show."""
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
    verdict: Verdict = "refuted" if refuted else "no power" if any(map(unseen, rows)) else "shown"
    return Answer(verdict, sentence, tuple(numbers), (Evidence("leaks", {}),))


SHORTCUTS = Question(
    NO_SHORTCUT,
    "Is there no shortcut to the label?",
    "Dense probes of motionless clips: no interval lies above chance and above what position or axis alone explain. No power: the interval "
    "of one without a leak reaches a quarter of the way from chance to all right.",
    shortcuts,
)
