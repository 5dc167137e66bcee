"""Section of stage two: the effects beside their controls, first by the judge that claims are made by, then by the others."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.beside import readings_by, rows_beside
from jepascope.findings.effect import OUTSIDE, Against, Effect
from jepascope.findings.numbers import (
    Cell,
    count,
    count_range,
    finite,
    interval_cell,
    number_cell,
    p_text,
    shown,
    with_interval,
)
from jepascope.findings.selection import EDIT_WORDS, EDITS, claim_layer, comparable, finders_of, has_twins, in_order
from jepascope.findings.verdict import not_shown_words, ratio_cell
from jepascope.intervention.control_words import CONTROL_WORDS, CONTROLS
from jepascope.report.blocks import Block, Figure, Grid
from jepascope.report.charts import beside_controls
from jepascope.report.charts.beside_controls import Panel, Row
from jepascope.report.charts.canvas import Drawing
from jepascope.report.folder import RunFolder
from jepascope.report.sections.declared import section
from jepascope.report.sections.other_judges import also_by, other_judges
from jepascope.report.sections.side_measures import side_measures
from jepascope.report.sections.videos import left_out_blocks
from jepascope.stats import LEVEL, MIN_DRAWS

ALPHA = round(1 - LEVEL, 6)
MEASURE = {
    "ablate": "share of the clean logit margin that is lost (1 = all of it)",
    "swap": "margin moved to the target over what the real twin moves (1 = as good as the real change)",
    "steer": "margin moved to the target over what the real twin moves (1 = as good as the real change)",
}
DONOR_MEASURE = "margin moved to the target over what the change to a clip of that class moves (1 = as good as that clip)"
DONOR = (
    " No twin of a clip exists that differs in this variable alone: a swap takes the pooled difference to a donor, a test clip of the "
    "target class that differs in everything else as well, and makes it at every token."
)
TITLE, NOT_RUN = "Effects and their controls", "no interventions (stage intervene)"


def _title(run: RunFolder) -> str:
    table = run.table("ce")
    return TITLE if table is None else f"{TITLE}, layer {claim_layer(run, comparable(run, table))}"


@section("effects", _title, needs=("ce",), absent=NOT_RUN)
def effects_section(run: RunFolder, table: pd.DataFrame) -> list[Block]:
    """Bars and ratio tables, one of each for every family of edits."""
    ce = comparable(run, table)
    layer = claim_layer(run, ce)
    ce = ce[ce["layer"] == layer]
    blocks: list[Block] = []
    finders = finders_of(run, ce)
    draws = _draws(run, ce)
    for edit in in_order(ce["edit"], EDITS):
        part = ce[ce["edit"] == edit]
        shown_draws = None if draws is None else draws[draws["edit"] == edit]
        caption = (
            f"{EDIT_WORDS.get(edit, edit).capitalize()} at layer {layer}: {_measure(run, edit)}. n = "
            f"{count_range(part['n'])} {run.tested}; black lines: {run.confidence} over {run.units} (controls: over {run.units} "
            f"and draws); dots: each null draw (matched controls: {count_range(part[part['control'] != 'subspace']['draws'])} draws)."
        )
        if edit == "steer":
            caption += " Random and norm-matched are the same control here, drawn twice: the finder's own step along other directions."
        if edit == "swap" and not has_twins(run):
            caption += DONOR
        blocks += [Figure(_bars(part, shown_draws, finders, edit), caption), _ratios(run, part, finders, edit)]
        blocks += [*side_measures(run, part, shown_draws, finders, edit), *other_judges(run, table, layer, finders, edit)]
    return [*blocks, also_by(run, table), *left_out_blocks(run)]


def _bars(ce: pd.DataFrame, draws: pd.DataFrame | None, finders: list[str], edit: str) -> Drawing:
    """The finder's subspace and its four controls; every null draw is a dot."""
    rows = []
    null = None if draws is None else draws[draws["control"] != "subspace"]
    for finder in finders:
        by = {row["control"]: row for row in ce[ce["finder"] == finder].to_dict("records")}
        dots = {} if null is None else {str(at): list(own["value"]) for at, own in null[null["finder"] == finder].groupby("control")}
        rows.append(Row.of(finder, by, draws=dots))
    title = f"Causal effect of {EDIT_WORDS.get(edit, edit)}, beside its controls"
    also = "Null draws shown as dots" + (" where stored" if null is None else "")
    if null is not None and null["value"].notna().any():
        also += f", from {shown(null['value'].min())} to {shown(null['value'].max())}"
    return beside_controls.draw(f"effect-{edit}", title, [Panel(rows)], "causal effect (1 = the whole effect)", bars=True, also=also)


def draw_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """CE of every single draw, sum of numerators over sum of denominators (science: CE), and its share of ``correct`` clips."""
    keys = ["finder", "edit", "control", "draw"]
    sums = effects.groupby(keys, as_index=False).agg({"numerator": "sum", "denominator": "sum", "correct": "mean"})
    return sums.assign(value=sums["numerator"] / sums["denominator"].where(sums["denominator"] != 0))


def _measure(run: RunFolder, edit: str) -> str:
    return DONOR_MEASURE if edit in ("swap", "steer") and not has_twins(run) else MEASURE.get(edit, "causal effect")


def _draws(run: RunFolder, ce: pd.DataFrame) -> pd.DataFrame | None:
    effects = run.table("effects")
    if effects is None:
        return None
    keys = ["layer", "tokens", "finder", "rank", "edit", "dose", "judge"]
    return draw_effects(effects.merge(ce[keys].drop_duplicates(), on=keys))


def _ratios(run: RunFolder, part: pd.DataFrame, finders: list[str], edit: str) -> Grid:
    rows: list[tuple[Cell | str, ...]] = []
    judges = readings_by(run)
    for finder in finders:
        controls = in_order(part[(part["control"] != "subspace") & (part["finder"] == finder)]["control"], CONTROLS)
        for control in controls:
            own = part[(part["finder"] == finder) & (part["control"] == "subspace")]
            null = part[(part["finder"] == finder) & (part["control"] == control)]
            if own.empty or null.empty:
                continue
            if control == controls[0]:
                first = own.iloc[0].to_dict()
                size = interval_cell(first["value"], first["low"], first["high"])
                group = f"{finder}: CE {size}, n = {count(first['n'])} {run.units}, rank {count(first['rank'])}"
                claim = not_shown_words(Effect.of(first, judges.get(str(first["judge"]))))
                group += f"; {claim}" if claim else ""
                rows.append((Cell(group, size.exact, strong=True),))
                rows += [(Cell(said),) for said in _direct(first)]
            rows.append(_ratio_row(null.iloc[0], rows_beside(own.iloc[0].to_dict(), null, judges)[control]))
    head = ("control", "reading", "CE of control", "difference", "ratio", "percentile", "p", "p (Holm)", "draws")
    caption = (
        f"{EDIT_WORDS.get(edit, edit).capitalize()}: each finder's subspace against its controls. Brackets: {run.confidence}, bootstrap "
        f"over {run.units} and draws together. ≥: the control's effect cannot be told from zero, so the "
        "ratio is a lower bound. Percentile: place of the subspace among the draws. p: one-sided, (1 + draws at least as large) / (1 + "
        "draws), so never below 1 / (1 + draws); Holm: corrected over the layers and finders tested. "
        "Reading: 'outside its draws' when the interval of the effect minus a new draw of the control lies above zero, 'above the mean "
        f"draw' when only that of the difference from the mean does; below {MIN_DRAWS} draws nothing is compared and the brackets of the "
        "control are its least and largest draw. Nothing is compared, and no ratio stated, of an effect whose own interval holds zero, or "
        f"by a judge that is not shown to read the variable.{_unreachable(part)}"
    )
    return Grid(head, tuple(rows), caption, words=2)


def _direct(own: Any) -> list[str]:
    """What of an effect needs no block, and what the blocks add."""
    if not finite(float(own["direct"])):
        return []
    direct = with_interval(float(own["direct"]), float(own["direct_low"]), float(own["direct_high"]))
    rest = shown(float(own["value"] - own["direct"]), 2)
    return [f"of which {direct} reaches the read-out by the residual stream alone, {rest} through the blocks"]


def _unreachable(part: pd.DataFrame) -> str:
    """A sentence when no draw could have brought any corrected p below ALPHA."""
    floors = part["p_floor"].dropna()
    if floors.empty or floors.min() <= ALPHA:
        return ""
    return f" With these draws no p (Holm) can fall below {p_text(float(floors.min()))}, so none can reach {ALPHA:g}."


def _ratio_row(null: Any, beside: Against) -> tuple[Cell | str, ...]:
    return (
        CONTROL_WORDS.get(beside.control, beside.control),
        Cell(beside.standing, strong=beside.standing != OUTSIDE),
        interval_cell(null["value"], null["low"], null["high"]),
        interval_cell(null["difference"], null["difference_low"], null["difference_high"]),
        ratio_cell(beside),
        number_cell(null["percentile"]),
        Cell(p_text(null["p"]), str(null["p"])),
        Cell(p_text(null["p_holm"]), str(null["p_holm"])),
        count(null["draws"]),
    )
