"""Section: where the numbers come from, and how to get them again."""

from __future__ import annotations

import json
from typing import Any

from jepascope.report.blocks import Block, Grid, Section, Verbatim
from jepascope.report.folder import RunFolder
from jepascope.report.names import short
from jepascope.report.numbers import Cell, duration, finite

MOST = 1000  # characters of one entry


def provenance(run: RunFolder) -> Section:
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
    blocks.append(Grid(("what", "value"), rows_of_facts, "Provenance, as stored in provenance.json.", words=2))
    if command:
        blocks.append(Verbatim(command if isinstance(command, str) else " ".join(map(str, command)), "The command to run it again"))
    blocks.append(Verbatim(run.spec.rstrip(), "The study's specification (spec.yaml)"))
    return Section("provenance", "Timings and provenance", tuple(blocks))


def _plain(value: Any) -> str:
    return short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), MOST)
