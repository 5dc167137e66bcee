"""Section of stage two: the encoder's own predictor as judge, in its own units."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.beside import readings_by
from jepascope.findings.effect import PREDICTOR
from jepascope.findings.forecasts import natural_words, recovery_words
from jepascope.findings.judges import skipped
from jepascope.findings.names import EDITS, edit_name, in_order
from jepascope.findings.numbers import count_range, finite, interval_words
from jepascope.findings.selection import FULL_DOSE, claim_layer, claimed, finders_of, of_tokens
from jepascope.report.blocks import Block, Figure, Grid, findings, in_turn, section
from jepascope.report.charts import beside_controls
from jepascope.report.charts.beside_controls import Panel, Row
from jepascope.report.charts.canvas import GREY, Drawing
from jepascope.report.charts.curves import Level
from jepascope.report.charts.looks import DOTTED, LONG, Dash
from jepascope.report.folder import RunFolder
from jepascope.report.grids import controls_of
from jepascope.report.sections.measures_beside import Measure, control_grid

REFERENCES: dict[str, tuple[str, Dash]] = {
    "natural": ("the twin's own beginning", LONG),
    "none": ("unedited", "-"),
    "persistence": ("last latents repeated", DOTTED),
}
QUANTITIES = {"recovery": "recovery R", "identified": "share identified"}


def _absent(run: RunFolder) -> str:
    return skipped(run).get("predictor") or "no forecasts by the predictor (stage intervene)"


@section("predictor", "By the encoder's own predictor", needs=("forecasts",), absent=_absent)
def forecasts_section(run: RunFolder, table: pd.DataFrame) -> list[Block]:
    """What the predictor forecasts from its first tubelets: unedited, from the twin, and after every edit."""
    references = table[table["control"].isin(list(REFERENCES))]
    rows = _edited(run, table[~table["control"].isin(list(REFERENCES))])
    sentences = [natural_words(references)]
    if rows.empty:
        return findings(*sentences)
    finders, edits = finders_of(run, rows), in_order(rows["edit"], EDITS)
    judge = readings_by(run).get(PREDICTOR)
    reads = judge is None or judge.reads  # what is said of the natural reference says so where it does not
    sentences += [
        recovery_words(rows[(rows["edit"] == edit) & (rows["finder"] == finders[0])], finders[0], edit) for edit in edits if reads
    ]
    context = _context(table)
    caption = (
        f"Layer {count_range(rows['layer'])}; only {context} encoded, edited and given to the predictor; n = {count_range(rows['n'])} test "
        "scenes. Recovery R: the change of the forecast along the difference of the two rendered futures, over its squared length (1 = the "
        "twin's future in full, no unit). Identified: forecasts nearer to the twin's future (ablation: to the clip's own). Lines through "
        f"points: {run.confidence} over scenes; of controls the least and the largest of "
        f"{count_range(rows[rows['control'] != 'subspace']['draws'])} draws. Grey lines: the same forecast without an edit."
    )
    figures = {
        edit_name(edit).capitalize(): [Figure(_drawing(rows[rows["edit"] == edit], references, finders, edit), caption)] for edit in edits
    }
    return [*findings(*sentences), *in_turn("edit", figures), _grid(run, rows, references, finders, edits, context)]


def _drawing(rows: pd.DataFrame, references: pd.DataFrame, finders: list[str], edit: str) -> Drawing:
    """Of one edit: a panel for each finder and quantity, a line for each control."""
    panels = [_panel(rows, references, finder, edit, quantity) for quantity in QUANTITIES for finder in finders]
    return beside_controls.draw(
        f"forecasts-{edit}", f"Forecasts by the encoder's own predictor, {edit_name(edit)}", panels, across=len(finders)
    )


def _panel(rows: pd.DataFrame, references: pd.DataFrame, finder: str, edit: str, quantity: str) -> Panel:
    """A finder's subspace beside its controls, and what the same forecast gives without an edit."""
    by = {row["control"]: row for row in rows[rows["finder"] == finder].to_dict("records")}
    lines = Row.each(["subspace", *controls_of(rows)], by, quantity)
    levels = []
    for control, (label, dash) in REFERENCES.items():
        value = references[references["control"] == control][quantity].to_list()[:1]
        if quantity == "identified" and edit == "ablate":  # an ablation asks for the clip's own future, the others for the twin's
            value = [1 - each for each in value] if control == "none" else []
        levels += [Level(each, label, dash, GREY, upright=True) for each in value]
    limits = (-0.02, 1.02) if quantity == "identified" else (None, None)
    return Panel(lines, levels, finder, QUANTITIES[quantity], limits)


def _edited(run: RunFolder, rows: pd.DataFrame) -> pd.DataFrame:
    if rows.empty:
        return rows
    rows = of_tokens(run, rows)
    rows = rows[rows["layer"] == claim_layer(run, rows)]
    off = (rows["dose"] - FULL_DOSE).abs()
    return claimed(run, rows[off == off.min()] if off.notna().any() else rows)


def _context(table: pd.DataFrame) -> str:
    seen = count_range(table["context"])
    return f"the first {'tubelet is' if seen == '1' else f'{seen} tubelets are'}"


def _grid(run: RunFolder, rows: pd.DataFrame, references: pd.DataFrame, finders: list[str], edits: list[str], context: str) -> Grid:
    parts = []
    for edit in edits:
        word, own = edit_name(edit), rows[rows["edit"] == edit]
        future, angle = ("its own", "the clip’s own") if edit == "ablate" else ("the twin's", "the target’s")
        parts += [
            (own, Measure(f"{word}: recovery R", "recovery")),
            (own, Measure(f"{word}: forecasts nearer to {future} future", "identified", is_share=True)),
            (own, Measure(f"{word}: decoded angle from {angle}, degrees", "angle_error")),
        ]
    known = [
        f"{row['control']} {interval_words(row, 'angle_error')} off {'the clip’s own' if row['control'] == 'none' else 'the target’s'}"
        for row in references.to_dict("records")
        if finite(row["angle_error"])
    ]
    angles = f" Decoded angle without an edit, degrees: {'; '.join(known)}." if known else ""
    caption = (
        f"The same in numbers; {context} seen, n = {count_range(rows['n'])} test scenes. Brackets: {run.confidence} over scenes; of "
        f"controls the least and the largest draw.{angles}"
    )
    return control_grid(parts, finders, controls_of(rows), caption)
