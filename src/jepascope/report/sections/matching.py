"""Section of stage two: what the controls matched."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.names import EDITS, control_name, edit_name, in_order
from jepascope.findings.numbers import NOTHING, count_range, percent
from jepascope.findings.selection import claim_layer, claimed, finders_of
from jepascope.intervention.control_entry import CONTROLS as CATALOG
from jepascope.intervention.control_words import CONTROLS
from jepascope.report.blocks import Block, Figure, Finding, Paragraph, section
from jepascope.report.charts import beside_controls
from jepascope.report.charts.beside_controls import Mark, Panel, Row
from jepascope.report.charts.canvas import Drawing
from jepascope.report.charts.curves import Level
from jepascope.report.charts.looks import numbered
from jepascope.report.folder import RunFolder
from jepascope.report.grids import controls_of, declared, grid, number, words
from jepascope.report.sections.intervention import NOT_RUN

NAMES = {"variance": "token variance", "norm": "norm", "shift": "pooled shift"}
MEANS = [
    "variance",
    "variance_target",
    "norm",
    "norm_target",
    "shift",
    "shift_target",
    "pooled_variance",
    "pooled_variance_target",
    "overlap",
]
HEADS = {
    "variance": "token variance",
    "norm": "edit norm",
    "shift": "pooled shift",
    "pooled_variance": "pooled variance",
    "overlap": "overlap",
}
RANK = "rank only"
HALF = 0.5  # a variance control below this share of the pooled variance is named
CLOSE = 0.05  # a promise missed by more than this share is called a shortfall


@section("matching", "What each control matched", needs=("matching",), absent=NOT_RUN)
def matching_section(run: RunFolder, table: pd.DataFrame) -> list[Block]:
    """What each control promised and what it reached."""
    layer = claim_layer(run, table)
    table = claimed(run, table[table["edit"] == in_order(table[table["layer"] == layer]["edit"], EDITS)[0]])
    edit, finders = str(table["edit"].iloc[0]), finders_of(run, table)
    what = f"Layer {layer}, {edit_name(edit)}"
    pooled, overlap = bool(table["pooled_variance"].notna().any()), bool(table["overlap"].notna().any())
    rows, shortfalls, unseen = [], [], []
    for finder in finders:
        for control in controls_of(table):
            part = table[(table["finder"] == finder) & (table["control"] == control)]
            if part.empty:
                continue
            mean = part[MEANS].mean()
            promise = _promise(control, mean)
            if promise not in ("matched", RANK):
                shortfalls.append(f"{finder}, {control_name(control)}: {promise}")
            if control == "variance" and pooled and promise == "matched" and _share(mean, "pooled_variance") < HALF:
                unseen.append(f"{finder} {percent(_share(mean, 'pooled_variance'))}")
            named = {"finder": finder, "control": control_name(control), "promise": promise, "rank": part["rank"].iloc[0]}
            rows.append(named | mean.mask(mean.abs() < NOTHING, 0.0).to_dict())
    verdict = (
        "Not every control reached what it promises. " + "; ".join(shortfalls) + "."
        if shortfalls
        else "Every control reached what it promises (ablation at this layer; the other edits are in matching.parquet)."
    )
    if unseen:
        verdict += (
            " But the variance control matches the variance of tokens, and reaches less than half of the pooled variance, which is what "
            f"the read-out sees: {', '.join(unseen)} of the target. Its effect may be smaller for that reason alone."
        )
    promised = words("promise", lambda row: str(row["promise"]))
    columns = [*declared("matching", "finder control"), promised, *declared("matching", "rank")]
    shown = MEANS[: 6 + 2 * pooled] + MEANS[8:] * overlap
    columns += [number("target" if name.endswith("_target") else HEADS[name], name) for name in shown]
    caption = (
        f"{what}; token variance in squared latent units per token, norm in latent units per token, means over draws."
        + (" Pooled variance: of the mean over a clip's tokens, which the read-out sees." if pooled else "")
        + (" Overlap: SAS of the control with the finder's subspace." if overlap else "")
    )
    figure = Figure(
        _reached(table, finders),
        f"{what}. Reached over target, mean over {count_range(table.groupby(['finder', 'control'])['draw'].nunique())} draws, line from "
        "least to most; 1 (dotted) is an exact match. Only the variance control promises the variance of tokens and only the norm control "
        "the norm; the others promise the rank and show here what they leave unmatched.",
    )
    return [Finding(verdict), figure, grid(rows, columns, caption), Paragraph(HOW)]


def _reached(table: pd.DataFrame, finders: list[str]) -> Drawing:
    """Reached over target, for variance and norm: mean over draws, line from least to most."""
    panels = []
    for column, label in (("variance", "token variance, reached / target"), ("norm", "edit norm, reached / target")):
        shares = table.assign(share=table[column] / table[f"{column}_target"].where(table[f"{column}_target"] != 0)).dropna(
            subset=["share"]
        )
        by = shares.groupby(["finder", "control"])["share"]
        reached = {key: (each["mean"], each["min"], each["max"]) for key, each in by.agg(["mean", "min", "max"]).to_dict("index").items()}
        rows = [
            Row(
                control_name(control),
                [
                    Mark(finder, numbered(at).points(), *reached[finder, control]) if (finder, control) in reached else None
                    for at, finder in enumerate(finders)
                ],
            )
            for control in CONTROLS
        ]
        panels.append(Panel(rows, [Level(1.0, "", upright=True, width=1)], "", label, (0, None)))
    return beside_controls.draw("matching", "What the controls matched, reached over target", panels, across=2)


HOW = (
    "Random, variance-matched, turned and norm-matched directions are drawn in the orthogonal complement of all finders' subspaces (of the "
    "finder's own where the width leaves too little room), so that no control borrows their effect. "
    "Where nothing in that complement can match, the closest is used; a control that falls short makes the comparison easier to pass."
)


def _promise(control: str, mean: Any) -> str:
    quantity = CATALOG.look_up(control).matches
    if quantity == "rank":
        return RANK
    share = _share(mean, quantity)
    if share != share:
        return "not known"
    if abs(share - 1) <= CLOSE:
        return "matched"
    return f"reached {percent(share)} of the target {NAMES[quantity]}"


def _share(mean: Any, quantity: str) -> float:
    """Reached over target."""
    target = float(mean[f"{quantity}_target"])
    return float(mean[quantity]) / target if target else float("nan")
