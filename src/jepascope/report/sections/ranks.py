"""Section of stage two: the rank of the study, and CE over the rank beside what needs no labels."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.names import EDITS, control_name, controls_in, edit_name, in_order, judge_words
from jepascope.findings.numbers import count_range
from jepascope.findings.rank import over_rank_words, rank_words
from jepascope.report.blocks import Block, Figure, findings, section
from jepascope.report.charts.curves import UNIT, ZERO, Axis, Level, Panel, Series, draw
from jepascope.report.charts.looks import CONTROLS as LOOKS
from jepascope.report.charts.looks import of_control
from jepascope.report.folder import RunFolder
from jepascope.report.grids import declared, grid


@section("ranks", "The rank", absent="no CE over the rank (stage intervene, chapter mechanism)")
def ranks_section(run: RunFolder) -> list[Block]:
    """How the rank was chosen; CE of every edit over the rank."""
    blocks: list[Block] = list(findings(rank_words(run)))
    if (dimensions := run.table("dimensions")) is not None and len(dimensions):
        caption = (
            f"Layer {count_range(dimensions['layer'])}: how far class means spread in each direction, beside the widest of permuted labels "
            "in what the directions before leave of the fit clips (95th percentile). The first that does not exceed it ends the count. In "
            "units of the activations: a direction that little lies in may tell classes apart and is not counted."
        )
        blocks.append(grid(dimensions.to_dict("records"), declared("dimensions", "dimension spread null p n"), caption))
    table = run.table("ranks")
    if table is None or table.empty:
        return blocks
    edits = in_order(table["edit"], EDITS)
    blocks += findings(*(over_rank_words(table, edit) for edit in edits))
    panels = [Panel(_series(table[table["edit"] == edit]), [ZERO, UNIT, _chosen(table)], edit_name(edit)) for edit in edits]
    drawn = table[(table["control"] != "subspace") & (table["draws"] > 1)]["draws"]
    finder, judge, layer = str(table["finder"].iloc[0]), str(table["judge"].iloc[0]), count_range(table["layer"])
    caption = (
        f"CE of {finder} by {judge_words(judge)} over the rank, layer {layer}, n = {count_range(table['n'])} {run.tested}; vertical lines: "
        f"{run.confidence} over {run.units}, for these subspaces. Controls: mean over {count_range(drawn)} draws, bands from the least to "
        "the largest; PCA has one. Dotted upright: the rank of the claims."
    )
    ranks = sorted(int(rank) for rank in table["rank"].unique())
    axis = Axis("rank", "rank", ticks=ranks, names=[str(rank) for rank in ranks], log=True)
    return [*blocks, Figure(draw("ranks", "Causal effect over the rank", panels, axis, Axis("causal effect")), caption)]


def _series(rows: pd.DataFrame) -> list[Series]:
    names = ["subspace", *controls_in(rows["control"].unique())]
    return [
        Series.of(own.sort_values("rank"), "rank", "value", control_name(name), look, around=around, says="steps")
        for name in names
        for own in [rows[rows["control"] == name]]
        for look in [LOOKS[name] if name in LOOKS else of_control(name)]
        for around in ["bars" if name == "subspace" or (own["draws"] == 1).all() else "hatched"]
    ]


def _chosen(table: pd.DataFrame) -> Level:
    return Level(float(table[table["chosen"]]["rank"].iloc[0]), "", upright=True)
