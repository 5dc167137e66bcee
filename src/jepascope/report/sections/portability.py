"""Section of stage three: does a subspace found elsewhere point the same way, read the same numbers and have the same effect?"""

from __future__ import annotations

from jepascope.findings.alignment import said_once
from jepascope.findings.dissociation import APART, KEEPS
from jepascope.findings.selection import has_twins
from jepascope.findings.transfer_words import verdict
from jepascope.findings.transfers import alignments, transfers
from jepascope.report.blocks import Block, Finding, Heading, Paragraph
from jepascope.report.folder import RunFolder
from jepascope.report.sections.across_layers import layer_blocks
from jepascope.report.sections.alignment import alignment_blocks
from jepascope.report.sections.clip_sets import CLIP_SET, clip_set_blocks
from jepascope.report.sections.declared import section
from jepascope.report.sections.pairs import pairs_of
from jepascope.report.sections.retained import retained_blocks

TERMS = (
    f"Dissociation means: RCE near 1 (its interval not below {KEEPS:g}), above what a variance-matched subspace has, at a dose where "
    f"neither effect is saturated, while SAS lies less than {100 * APART:g}\u00a0% of the way from chance to the split-half reference."
)


@section("portability", "Portability", absent="no transfers (stage port)")
def portability(run: RunFolder) -> list[Block]:
    """The verdict, then alignment, retained effect, layers and clip sets; each of the last two only where it was run."""
    pairs = pairs_of(run)
    if pairs is None:
        return []
    table, twins = pairs.portability, has_twins(run)
    moved = transfers(table)
    blocks: list[Block] = [Finding(verdict(moved)), Paragraph(TERMS)] if len(moved) else []
    within = table[table["across"] != CLIP_SET]
    same = set(said_once(alignments(table)))
    for title, part in (
        ("Alignment", alignment_blocks(pairs)),
        ("Retained effect", retained_blocks(pairs, within, twins, same)),
        ("Across layers", layer_blocks(pairs)),
    ):
        if part:
            blocks += [Heading(title), *part]
    return [*blocks, *clip_set_blocks(run, pairs)]
