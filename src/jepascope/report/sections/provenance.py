"""Section: where the numbers come from, and how to get them again."""

from __future__ import annotations

import json
from typing import Any

import yaml

from jepascope.findings.names import short
from jepascope.findings.numbers import Cell, duration, finite
from jepascope.report.blocks import Block, Grid, Paragraph, Verbatim, findings, section
from jepascope.report.folder import RunFolder
from jepascope.study.spec_file import PRESETS

MOST = 1000  # characters of one entry
LARGER = ("full", "paper")  # presets with more evidence than the demo's


@section("provenance", "Timings and provenance")
def provenance(run: RunFolder) -> list[Block]:
    """Timings, versions, the command and the spec."""
    blocks: list[Block] = []
    seconds: dict[str, Any] = run.summary.get("seconds") or {}
    if seconds:
        rows = [(str(stage), Cell(duration(value), repr(value))) for stage, value in seconds.items()]
        total = sum(value for value in seconds.values() if finite(value))
        rows.append(("all stages", Cell(duration(total), repr(total), strong=True)))
        blocks.append(Grid(("stage", "time"), tuple(rows), "Wall clock by stage."))
    facts = {"model": run.summary["model"], "clips": run.summary["clips"], "variable": run.summary["variable"], **run.provenance}
    command = facts.pop("command", None)
    rows_of_facts = tuple((str(key), _plain(value)) for key, value in facts.items())
    blocks += _precision(run.provenance)
    blocks.append(Grid(("what", "value"), rows_of_facts, "Provenance, as stored in provenance.json.", words=2))
    if command:
        blocks.append(Verbatim(command if isinstance(command, str) else " ".join(map(str, command)), "The command to run it again"))
    if run.files is not None and not run.files.known:
        blocks.append(Paragraph("Unchecked: this folder was written without a list of its files, so they were read as they are."))
    return [*blocks, *findings(*larger(run)), Verbatim(run.spec.rstrip(), "The study's specification (spec.yaml)")]


def larger(run: RunFolder) -> list[str]:
    """What the presets that prove more would have in place of this study's, a sentence each; none of a spec that cannot be read."""
    try:
        here = yaml.safe_load(run.spec)
    except yaml.YAMLError:
        return []
    sentences = []
    for name in LARGER if isinstance(here, dict) else ():
        counts = {field: there for field, there in PRESETS[name].items() if isinstance(there, int)}
        more = [
            f"{field} {there} ({own} here)" for field, there in counts.items() if isinstance(own := here.get(field), int) and own < there
        ]
        finders = own if isinstance(own := here.get("finders"), list) else PRESETS[name].get("finders", ())
        more += [f"the finder {finder}" for finder in PRESETS[name].get("finders", ()) if finder not in finders]
        if more:
            sentences.append(f"Left to `jepascope run {name}`, which takes longer: {', '.join(more)}.")
    return sentences


def _precision(provenance: dict[str, Any]) -> list[Block]:
    """Where the blocks ran and how exactly, in a sentence; nothing for folders that do not say."""
    if "dtype" not in provenance:
        return []
    dtype, device = short(provenance["dtype"]), short(provenance.get("device_name") or provenance.get("device", "an unnamed device"))
    text = f"Blocks ran in {dtype}{', compiled,' if provenance.get('compiled') is True else ''} on {device}"
    if dtype == "float32" and str(provenance.get("device", "")).startswith("cuda"):
        text += f", TF32 {'on: products and convolutions have 10 bits of mantissa' if provenance.get('tf32') is True else 'off'}"
    if dtype != "float32":
        text += "; sums, moments, probes, read-outs and the coordinates of edits are float32 or float64"
    others = provenance.get("also_computed_by")
    more = f" Parts were computed on {len(others)} other settings (also_computed_by)." if isinstance(others, list) and others else ""
    return [Paragraph(f"{text}.{more}")]


def _plain(value: Any) -> str:
    return short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), MOST)
