"""Sections of stage three: does a subspace found elsewhere, in this run or in another one, point the same way, read the same numbers and
have the same effect?"""

from __future__ import annotations

from typing import Any

from jepascope.findings.dissociation import SIGNIFICANT
from jepascope.findings.names import MOST_OF_A_HEADLINE, short
from jepascope.findings.transfer_words import verdict
from jepascope.findings.transfers import alignments, said_once, transfers
from jepascope.portability.retained import KEEPS
from jepascope.portability.tables import APART
from jepascope.report.blocks import Block, Finding, Heading, Paragraph, section
from jepascope.report.folder import RunFolder
from jepascope.report.inside import PORTED, Inside
from jepascope.report.sections.across_layers import layer_blocks
from jepascope.report.sections.alignment import Pairs, alignment_blocks, pairs_of
from jepascope.report.sections.clip_sets import CLIP_SET, clip_set_blocks
from jepascope.report.sections.retained import retained_blocks
from jepascope.report.sections.similarity import chosen_pairs, similarity_blocks
from jepascope.report.sections.transport import transport_blocks

TERMS = (
    f"Dissociation means: RCE near 1 (its interval not below {KEEPS:g}), above what a variance-matched subspace has, at a dose where "
    f"neither effect is saturated, while SAS lies less than {100 * APART:g}\u00a0% of the way from chance to the split-half reference; and "
    "the same at equal token norm, where it also lies above what the same finder on permuted labels and PCA keep, with p at most "
    f"{SIGNIFICANT:g} after Holm's correction for all transfers that were looked at."
)


@section("portability", "Portability", absent="no transfers (stage port)")
def portability(run: RunFolder) -> list[Block]:
    """The verdict, then alignment, retained effect, layers and clip sets; each of the last two only where it was run."""
    pairs = pairs_of(run)
    if pairs is None:
        return []
    moved = transfers(pairs.portability)
    blocks: list[Block] = [Finding(verdict(moved)), Paragraph(TERMS)] if len(moved) else []
    within = pairs.portability[pairs.portability["across"] != CLIP_SET]
    same = set(said_once(alignments(pairs.portability)))
    for title, part in (
        ("Alignment", alignment_blocks(pairs)),
        ("Retained effect", retained_blocks(pairs, within, same)),
        ("Across layers", layer_blocks(pairs)),
    ):
        blocks += [Heading(title), *part] if part else []
    return [*blocks, *clip_set_blocks(run, pairs)]


@section("across-models", "Across models", absent="this run was held against no other one. To do so: jepascope port RUN nano-wide")
def across_models(run: RunFolder) -> list[Block]:
    """Every port folder of the run, or how to make one."""
    parts = [_part(run, port, f"port-{number}-") for number, port in enumerate(PORTED.read(run.path), start=1)]
    return [*(block for part in parts for block in part), *PORTED.left_out(run.path)]


def _part(run: RunFolder, port: Inside, prefix: str) -> list[Block]:
    if port.reason:
        return [Heading(port.name), port.unreadable]
    a, b, headline = _side(port.summary, "a"), _side(port.summary, "b"), port.summary.get("headline")
    blocks: list[Block] = [
        Heading(f"{port.name}: {a.split(' (')[0]} and {b.split(' (')[0]}"),
        Paragraph(f"Held against each other: {a}, and {b}."),
    ]
    if isinstance(headline, str) and headline:
        blocks.append(Finding(short(headline, MOST_OF_A_HEADLINE)))
    made = _models(run, port, prefix) if port.summary["kind"] == "models" else _subspaces(run, port, prefix)
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


def _models(run: RunFolder, port: Inside, prefix: str) -> list[Block]:
    similarity, transport = port.table("similarity"), port.table("transport")
    blocks: list[Block] = []
    if similarity is not None:
        blocks += similarity_blocks(similarity, chosen_pairs(similarity, transport), run.confidence, prefix)
    if transport is not None:
        blocks += transport_blocks(run, transport, prefix)
    return blocks


def _subspaces(run: RunFolder, port: Inside, prefix: str) -> list[Block]:
    """Two runs of one encoder: the same tables and figures as within a run."""
    table = port.table("portability")
    if table is None:
        return []
    pairs, moved = Pairs(table, port.table("angles"), run, prefix), transfers(table)
    lead: list[Block] = [Finding(verdict(moved))] if len(moved) else []
    same = set(said_once(alignments(table)))
    return [*lead, *alignment_blocks(pairs), *retained_blocks(pairs, table, same)]
