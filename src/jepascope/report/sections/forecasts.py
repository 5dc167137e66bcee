"""Section of stage two: the encoder's own predictor as judge, in its own units."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.beside import readings_by
from jepascope.findings.effect import COIN, PREDICTOR
from jepascope.findings.judges import skipped
from jepascope.findings.numbers import Cell, count, count_range, finite, percent, percent_span, shown, with_interval
from jepascope.findings.selection import EDIT_WORDS, EDITS, FULL_DOSE, claim_layer, finders_of, in_order, main_ranks, of_tokens
from jepascope.findings.verdict import beside_draws
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.report.blocks import Figure, Finding, Grid, Section, not_run
from jepascope.report.figures.forecasts import forecast_points
from jepascope.report.folder import RunFolder
from jepascope.report.sections.control_table import Measure, control_head, control_rows, controls_in
from jepascope.stats import side

TITLE = "By the encoder's own predictor"
REFERENCES = ("natural", "none", "persistence")


def forecasts_section(run: RunFolder) -> Section:
    """What the predictor forecasts from its first tubelets: unedited, from the twin, and after every edit."""
    table = run.table("forecasts")
    if table is None:
        reason = skipped(run).get("predictor")
        return not_run("predictor", TITLE, reason or "no forecasts by the predictor (stage intervene)")
    references = table[table["control"].isin(REFERENCES)]
    rows = _edited(run, table[~table["control"].isin(REFERENCES)])
    said = [natural_words(references)]
    if rows.empty:
        return Section("predictor", TITLE, tuple(Finding(text) for text in said))
    finders, edits = finders_of(run, rows), in_order(rows["edit"], EDITS)
    judge = readings_by(run).get(PREDICTOR)
    reads = judge is None or judge.reads  # what is said of the natural reference says so where it does not
    said += [recovery_words(rows[(rows["edit"] == edit) & (rows["finder"] == finders[0])], finders[0], edit) for edit in edits if reads]
    context, controls = _context(table), controls_in(rows)
    caption = (
        f"Layer {count_range(rows['layer'])}; only {context} encoded, edited and given to the predictor; n = {count_range(rows['n'])} test "
        "scenes. Recovery R: the change of the forecast along the difference of the two rendered futures, over its squared length (1 = the "
        "twin's future in full, no unit). Identified: forecasts nearer to the twin's future (ablation: to the clip's own). Lines through "
        f"points: {run.confidence} over scenes; of controls the least and the largest of "
        f"{count_range(rows[rows['control'] != 'subspace']['draws'])} draws. Grey lines: the same forecast without an edit."
    )
    return Section(
        "predictor",
        TITLE,
        (
            *(Finding(text) for text in said),
            Figure(forecast_points(rows, references, finders, edits), caption),
            _grid(run, rows, references, finders, edits, controls, context),
        ),
    )


def _edited(run: RunFolder, rows: pd.DataFrame) -> pd.DataFrame:
    if rows.empty:
        return rows
    rows = of_tokens(run, rows)
    rows = rows[rows["layer"] == claim_layer(run, rows)]
    off = (rows["dose"] - FULL_DOSE).abs()
    rows = rows[off == off.min()] if off.notna().any() else rows
    return rows[rows["rank"] == rows["finder"].map(main_ranks(rows))]


def _context(table: pd.DataFrame) -> str:
    seen = count_range(table["context"])
    return f"the first {'tubelet is' if seen == '1' else f'{seen} tubelets are'}"


def natural_words(references: pd.DataFrame) -> str:
    """What the predictor can tell at all, before anything is edited."""
    by: dict[str, dict[Any, Any]] = {str(row["control"]): row for row in references.to_dict("records")}
    natural = by.get("natural")
    if natural is None or not finite(natural["recovery"]):
        return "The forecast from the twin's own beginning was not measured, so recoveries below have no natural reference."
    seen = count(natural["context"])
    said = (
        f"Natural reference: from the twin's own first {'tubelet' if seen == '1' else f'{seen} tubelets'} the predictor recovers R = "
        f"{_interval(natural, 'recovery')} of the difference of the two futures, and {_share(natural)} of its forecasts are nearer to the "
        f"twin's future (n = {count(natural['n'])})"
    )
    none, last = by.get("none"), by.get("persistence")
    said += f"; from the clip's own beginning {_share(none)}" if none else ""
    said += f"; repeating the twin's last latents: R = {_interval(last, 'recovery')}, {_share(last)}" if last else ""
    low, high = float(natural["identified_low"]), float(natural["identified_high"])
    if not finite(low):
        return f"{said}."
    if low > COIN:
        more = last is None or natural["recovery_low"] > last["recovery_high"]
        rest = "" if more else ", though not shown to forecast more than the last latents hold already"
        return f"{said}. It tells the two futures apart, so it can judge{rest}."
    word = "worse than" if high < COIN else "not told apart from"
    return f"{said}. That is {word} a coin: this predictor cannot tell the two futures apart, and what it says of edits is worth little."


def recovery_words(rows: pd.DataFrame, finder: str, edit: str) -> str:
    """One finder's edit: recovery, identification, and where the recovery lies beside each control's draws."""
    found = rows[rows["control"] == "subspace"]
    what = f"{EDIT_WORDS.get(edit, edit).capitalize()}, {finder}"
    if found.empty or not finite(float(found.iloc[0]["recovery"])):
        return f"{what}: no forecast was measured."
    own = found.iloc[0]
    future = "its own" if edit == "ablate" else "the twin's"
    said = f"{what}: R = {_interval(own, 'recovery')}, {_share(own)} of forecasts nearer to {future} future"
    if finite(float(own["angle_error"])):
        said += f", decoded angle off by {_interval(own, 'angle_error')} degrees"
    if side(float(own["recovery_low"]), float(own["recovery_high"])) == "across":
        return f"{said}. R is not shown to be anything."
    places: dict[str, list[str]] = {}
    for null in rows[rows["control"] != "subspace"].to_dict("records"):
        place = beside_draws(own["recovery_low"], own["recovery_high"], null["recovery_low"], null["recovery_high"])
        name = CONTROL_WORDS.get(null["control"], null["control"])
        places.setdefault(place, []).append(f"{name} ({shown(null['recovery'])} on average, {count(null['draws'])} draws)")
    beside = "; ".join(f"{place} {', '.join(names)}" for place, names in places.items())
    return f"{said}. R is {beside}." if beside else f"{said}. No control was run."


def _interval(row: Any, name: str) -> str:
    return with_interval(*(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")))


def _share(row: Any) -> str:
    return f"{percent(row['identified'])} {percent_span(row['identified_low'], row['identified_high'])}"


def _grid(
    run: RunFolder, rows: pd.DataFrame, references: pd.DataFrame, finders: list[str], edits: list[str], controls: list[str], context: str
) -> Grid:
    body: list[tuple[Cell | str, ...]] = []
    for edit in edits:
        word, future = EDIT_WORDS.get(edit, edit), "its own" if edit == "ablate" else "the twin's"
        for measure in (
            Measure(f"{word}: recovery R", "recovery"),
            Measure(f"{word}: forecasts nearer to {future} future", "identified", is_share=True),
            Measure(f"{word}: decoded angle from {'the clip’s own' if edit == 'ablate' else 'the target’s'}, degrees", "angle_error"),
        ):
            body += control_rows(rows[rows["edit"] == edit], finders, measure, controls)
    known = [
        f"{row['control']} {_interval(row, 'angle_error')} off {'the clip’s own' if row['control'] == 'none' else 'the target’s'}"
        for row in references.to_dict("records")
        if finite(row["angle_error"])
    ]
    angles = f" Decoded angle without an edit, degrees: {'; '.join(known)}." if known else ""
    caption = (
        f"The same in numbers; {context} seen, n = {count_range(rows['n'])} test scenes. Brackets: {run.confidence} over scenes; of "
        f"controls the least and the largest draw.{angles}"
    )
    return Grid(control_head(controls), tuple(body), caption)
