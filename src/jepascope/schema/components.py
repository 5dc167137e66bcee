"""Stage two: which parts of which blocks write a subspace, and which read it."""

from __future__ import annotations

from jepascope.schema.column import Table
from jepascope.schema.vocabulary import columns, flag, integer, number, text

WRITES, READS, DIRECTLY = "writes", "reads", "reads directly"
"""Roles of a part: what it wrote of a subspace, and what of a swap goes through it, with the blocks behind it running or held."""

WITHIN, EVERYWHERE = "within classes", "everywhere"
"""What a share of the difference of class means stands beside: the same part's share of what varies within a class, in the subspace or in
the whole residual stream."""

READ_BESIDE = ("random", "variance", "carried")
"""Controls of a swap that a part sees."""

COMPONENTS = (
    Table(
        "components",
        "Of a subspace at a layer: how much of what separates the classes in it each part of an earlier block wrote, beside what it "
        "wrote of all else; and how much of a swap's effect goes through each part of a later one, beside matched controls",
        columns(
            "layer tokens finder rank role block part control value low high n draws difference difference_low difference_high excess_low"
            " excess_high ratio ratio_low ratio_high ratio_is_bound percentile p p_holm",
            text(
                "role",
                "writes; reads: blocks after the part run on; reads directly: they are held, and what the part adds is read as it is",
            ),
            integer("block", "whose part it is; 0: none"),
            text(
                "control",
                "subspace: the finder's own; beside writes the share of what varies within a class, in the subspace along the directions "
                "that tell the classes (within classes) and in the whole residual stream (everywhere); beside reads as in ce",
            ),
            text("part", "attention, mlp; embedding; residual: what of the whole swap no part sees"),
            number(
                "value",
                "writes: share of the difference of class means, of a control of what varies within a class, each summing to 1; reads: CE "
                "of a swap that this part alone sees",
            ),
            number("difference", "the subspace's value less the mean draw's"),
            number("excess_low", "lower end of the interval of the subspace's value less that of one new draw"),
            number("excess_high", "upper end of it"),
            number("ratio", "the subspace's value over the mean draw's"),
            flag("ratio_is_bound", "whether ratio is a lower bound"),
            number("percentile", "the subspace's place among the draws"),
            number("p", "of the subspace among the draws; beside writes two-sided, of no difference"),
            number("p_holm", "corrected over the parts of a role"),
        ),
        key=("layer", "tokens", "finder", "role", "block", "part", "control"),
        evidence="components",
        where="trace",
    ),
)
