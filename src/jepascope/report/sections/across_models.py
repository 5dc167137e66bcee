"""Section of stage three: other runs that this one was held against, a part for each."""

from __future__ import annotations

from jepascope.findings.selection import has_twins
from jepascope.findings.transfer_words import verdict
from jepascope.findings.transfers import alignments, transfers
from jepascope.report.blocks import Block, Finding, Heading, Paragraph, Section, not_run
from jepascope.report.folder import RunFolder
from jepascope.report.port_folder import Ported, ported_runs
from jepascope.report.sections.alignment import alignment_blocks, said_once
from jepascope.report.sections.pairs import Pairs
from jepascope.report.sections.retained import retained_blocks
from jepascope.report.sections.similarity import chosen_pairs, similarity_blocks
from jepascope.report.sections.transport import transport_blocks

TITLE = "Across models"


def across_models(run: RunFolder) -> Section:
    """Every port folder of the run, or how to make one."""
    found, more = ported_runs(run.path)
    if not found:
        return not_run("across-models", TITLE, "this run was held against no other one. To do so: jepascope port RUN nano-wide")
    blocks: list[Block] = []
    for number, one in enumerate(found, start=1):
        blocks += _part(run, one, f"port-{number}-")
    if more:
        blocks.append(Paragraph(f"{more} more port folders of this run are not shown."))
    return Section("across-models", TITLE, tuple(blocks))


def _part(run: RunFolder, one: Ported, prefix: str) -> list[Block]:
    if one.reason:
        return [Heading(one.name), Paragraph(f"{one.name} cannot be read: {one.reason}")]
    a, b = one.sides
    blocks: list[Block] = [
        Heading(f"{one.name}: {a.split(' (')[0]} and {b.split(' (')[0]}"),
        Paragraph(f"Held against each other: {a}, and {b}."),
    ]
    if one.headline:
        blocks.append(Finding(one.headline))
    made = _models(run, one, prefix) if one.kind == "models" else _subspaces(run, one, prefix)
    return blocks + (made or [Paragraph("Its tables hold no rows.")])


def _models(run: RunFolder, one: Ported, prefix: str) -> list[Block]:
    similarity, transport = one.table("similarity"), one.table("transport")
    blocks: list[Block] = []
    if similarity is not None:
        blocks += similarity_blocks(similarity, chosen_pairs(similarity, transport), run.confidence, prefix)
    if transport is not None:
        blocks += transport_blocks(transport, run.confidence, has_twins(run), prefix)
    return blocks


def _subspaces(run: RunFolder, one: Ported, prefix: str) -> list[Block]:
    """Two runs of one encoder: the same tables and figures as within a run."""
    table = one.table("portability")
    if table is None:
        return []
    pairs = Pairs(table, one.table("angles"), run.confidence, prefix)
    moved = transfers(table)
    lead: list[Block] = [Finding(verdict(moved))] if len(moved) else []
    same = set(said_once(alignments(table)))
    return [*lead, *alignment_blocks(pairs), *retained_blocks(pairs, table, has_twins(run), same)]
