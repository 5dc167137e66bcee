"""What is read at the layer that claims are made for, in words and as entries of summary.json; ``discovery.probes.readings`` decides."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite, nan
from typing import Any

from jepascope.discovery.probes.readings import Measure, Rival, VariableReading
from jepascope.study.steps.effect_words import plain

DIGITS = {"accuracy": 2, "error": 1, "r2": 2}


def reading_entry(read: VariableReading) -> dict[str, Any]:
    """``reading`` of summary.json: whether the variable is read, by which measures, and what reads it as well."""
    measures = (read.classes, *read.values)
    return {
        "read": read.read,
        "kind": read.kind,
        "layer": read.layer,
        "decided_by": [{"measure": measure.name, "output": measure.output} for measure in read.deciding],
        "as_good": {name: list(outputs) for name, outputs in read.as_good.items()},
        "measures": [{key: _json(value) for key, value in asdict(measure).items()} | {"read": measure.read} for measure in measures],
    }


def _json(value: Any) -> Any:
    if isinstance(value, float) and not isfinite(value):
        return None
    return [{key: _json(part) for key, part in one.items()} for one in value] if isinstance(value, tuple) else value


def reading_of(summary: dict[str, Any]) -> VariableReading:
    """The reading that ``reading_entry`` made an entry of."""
    entry = summary["reading"]

    def measure(found: dict[str, Any]) -> Measure:
        known: dict[str, Any] = {key: nan if value is None else value for key, value in found.items() if key not in ("read", "rivals")}
        rivals = tuple(Rival(rival["name"], rival["value"], rival["best"], rival["nearest"]) for rival in found["rivals"])
        return Measure(**known, rivals=rivals)

    classes, *values = (measure(found) for found in entry["measures"])
    return VariableReading(entry["kind"], entry["layer"], classes, tuple(values))


def reading(summary: dict[str, Any]) -> str:
    """Whether the variable is read, by the measure of its kind, and what else reads it; the classes stand beside the values."""
    read, name, numbers = reading_of(summary), summary["variable"], summary["kind"] == "numeric"
    verb = "is read from" if read.read else "is not shown to be read above chance from"
    layer = f"at layer {summary['best_layer']} of {summary['layers'][-1]}"
    accuracy = f"accuracy {plain(read.classes.value, 3)} {_span(read.classes)}"
    classes = f"{_beside(read.classes)}chance {plain(read.classes.chance, 3)}"
    values = [_value(measure, summary) for measure in read.values]
    if numbers and values:
        figures = f"{', '.join(values)} {layer}; as {summary['classes']} classes {accuracy} ({classes})"
    else:
        figures = ", ".join([f"{accuracy} {layer} ({classes})", *values])
    return f"{name[:1].upper()}{name[1:]} {verb} {summary['model']}{_as_good(read)}: {figures}"


def _as_good(read: VariableReading) -> str:
    """', no better than from untrained twins': of all outputs that are read, or of those that are named."""
    outputs = [measure.output for measure in read.deciding if measure.read]
    told = []
    for name, of in read.as_good.items():
        told.append(f"no better than from {_best(name)}" + ("" if len(of) == len(outputs) else f" ({', '.join(of)})"))
    return f", {' and '.join(told)}" if told else ""


def _best(name: str) -> str:
    return "the best untrained twin" if name == "untrained twins" else name


def _beside(measure: Measure) -> str:
    """'pixels 0.51, untrained twins 0.14, ': of twins the mean and, where it differs, the best one."""
    digits = DIGITS[measure.name]
    said = []
    for rival in measure.rivals:
        value, best = plain(rival.value, digits), plain(rival.best, digits)
        more = f" (best {best})" if rival.name == "untrained twins" and best != value else ""
        said.append(f"{rival.name} {value}{more}, ")
    return "".join(said)


def _span(measure: Measure) -> str:
    digits = DIGITS[measure.name]
    return f"[{plain(measure.low, digits)}, {plain(measure.high, digits)}]"


def _value(measure: Measure, summary: dict[str, Any]) -> str:
    """The error of an angle or of a number without an interval of R^2, or R^2, beside what else reads it."""
    if measure.name == "r2":
        return f"R^2 of {measure.output} {plain(measure.value)} {_span(measure)} ({_beside(measure)}0 for a constant)"
    arcs = summary["values"].get(measure.output, {}).get("arcs", {}).get(str(summary["best_layer"]))
    held = "" if arcs is None or arcs["error"] is None or not measure.read else f"; {plain(arcs['error'], 1)} on held-out arcs"
    digits = 0 if measure.unit == "degrees" else 3
    interval = _span(measure) if isfinite(measure.low) else "without an interval"
    unit = f" {measure.unit}" if measure.unit else ""
    return (
        f"error of the {measure.output} {plain(measure.value, 1 if digits == 0 else 3)} {interval}{unit} "
        f"({_beside(measure)}chance {plain(measure.chance, digits)}{held})"
    )
