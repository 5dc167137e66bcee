"""Section: where the numbers come from, and how to get them again."""

from __future__ import annotations

import json
from typing import Any

from jepascope.findings.names import short
from jepascope.findings.numbers import Cell, duration, finite
from jepascope.report.blocks import Block, Grid, Paragraph, Verbatim, section
from jepascope.report.folder import RunFolder

MOST = 1000  # characters of one entry


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
    return [*blocks, Verbatim(run.spec.rstrip(), "The study's specification (spec.yaml)")]


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
