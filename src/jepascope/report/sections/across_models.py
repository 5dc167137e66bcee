"""Section of stage three: other runs that this one was held against, a part for each."""

from __future__ import annotations

from typing import Any

from jepascope.findings.alignment import said_once
from jepascope.findings.names import MOST_OF_A_HEADLINE, short
from jepascope.findings.selection import has_twins
from jepascope.findings.transfer_words import verdict
from jepascope.findings.transfers import alignments, transfers
from jepascope.report.blocks import Block, Finding, Heading, Paragraph
from jepascope.report.folder import RunFolder
from jepascope.report.inside import PORTED, Inside
from jepascope.report.sections.alignment import alignment_blocks
from jepascope.report.sections.declared import section
from jepascope.report.sections.pairs import Pairs
from jepascope.report.sections.retained import retained_blocks
from jepascope.report.sections.similarity import chosen_pairs, similarity_blocks
from jepascope.report.sections.transport import transport_blocks


@section("across-models", "Across models", absent="this run was held against no other one. To do so: jepascope port RUN nano-wide")
def across_models(run: RunFolder) -> list[Block]:
    """Every port folder of the run, or how to make one."""
    blocks: list[Block] = []
    for number, one in enumerate(PORTED.read(run.path), start=1):
        blocks += _part(run, one, f"port-{number}-")
    return [*blocks, *PORTED.left_out(run.path)]


def _part(run: RunFolder, one: Inside, prefix: str) -> list[Block]:
    if one.reason:
        return [Heading(one.name), Paragraph(f"{one.name} cannot be read: {one.reason}")]
    a, b, headline = _side(one.summary, "a"), _side(one.summary, "b"), one.summary.get("headline")
    blocks: list[Block] = [
        Heading(f"{one.name}: {a.split(' (')[0]} and {b.split(' (')[0]}"),
        Paragraph(f"Held against each other: {a}, and {b}."),
    ]
    if isinstance(headline, str) and headline:
        blocks.append(Finding(short(headline, MOST_OF_A_HEADLINE)))
    made = _models(run, one, prefix) if one.summary["kind"] == "models" else _subspaces(run, one, prefix)
    return blocks + (made or [Paragraph("Its tables hold no rows.")])


def _side(summary: dict[str, Any], key: str) -> str:
    """'nano-wide (width 192, 8 blocks; directions8, direction, claims at layer 5; runs/wide)', of what the summary holds."""
    side = summary.get(key)
    if not isinstance(side, dict):
        return "unknown"
    size = ", ".join(f"{word} {short(side[word], 20)}" for word in ("width", "depth") if word in side)
    of = ", ".join(short(side[name]) for name in ("clips", "variable") if name in side)
    at = f"claims at layer {short(side['best_layer'], 20)}" if "best_layer" in side else ""
    inside = "; ".join(part for part in (size, of, at, short(side["path"]) if "path" in side else "") if part)
    return short(side.get("model", "unknown")) + (f" ({inside})" if inside else "")


def _models(run: RunFolder, one: Inside, prefix: str) -> list[Block]:
    similarity, transport = one.table("similarity"), one.table("transport")
    blocks: list[Block] = []
    if similarity is not None:
        blocks += similarity_blocks(similarity, chosen_pairs(similarity, transport), run.confidence, prefix)
    if transport is not None:
        blocks += transport_blocks(transport, run.confidence, has_twins(run), prefix)
    return blocks


def _subspaces(run: RunFolder, one: Inside, prefix: str) -> list[Block]:
    """Two runs of one encoder: the same tables and figures as within a run."""
    table = one.table("portability")
    if table is None:
        return []
    pairs = Pairs(table, one.table("angles"), run.confidence, prefix)
    moved = transfers(table)
    lead: list[Block] = [Finding(verdict(moved))] if len(moved) else []
    same = set(said_once(alignments(table)))
    return [*lead, *alignment_blocks(pairs), *retained_blocks(pairs, table, has_twins(run), same)]
