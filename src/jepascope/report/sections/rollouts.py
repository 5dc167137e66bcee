"""Section of stage two: the encoder's own action-conditioned predictor as judge, step by step."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.beside import rows_beside
from jepascope.findings.claims import claims_of
from jepascope.findings.effect import Against, JudgeReading
from jepascope.findings.judges import skipped
from jepascope.findings.names import EDITS, edit_name, in_order
from jepascope.findings.numbers import Cell, count_range, shown
from jepascope.findings.rollouts import JUDGE, KEPT, STEPPED, fidelity_at, follows, follows_words, reading_of
from jepascope.findings.selection import claimed, comparable_of, finders_of
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.intervention.rollout import READINGS
from jepascope.report.blocks import Block, Figure, Grid, findings, in_turn, section
from jepascope.report.charts.canvas import Drawing
from jepascope.report.charts.curves import ZERO, Axis, Level, Panel, Series, draw, whole
from jepascope.report.charts.looks import CONTROLS, numbered
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, beside_controls, controls_of, counted, declared, grid, interval, percentage, share, words

MEANT = {
    "rollout": "probes of real latents; 1: the twin's own rollout",
    "future": "probes of real latents; 1: the twin's real future",
    "code": "probes of rollouts; 1: the twin's own rollout",
}
MOST_ROWS = 120
ROOM = 0.08  # of the panel, above and below


def _absent(run: RunFolder) -> str:
    return skipped(run).get(JUDGE) or "the study asks for no rollout (judges: rollout, with a world model and clips that carry actions)"


@section("rollout", "By its own rollout", needs=("rollouts", "fidelity"), absent=_absent)
def rollouts_section(run: RunFolder, table: pd.DataFrame, fidelity: pd.DataFrame) -> list[Block]:
    """Whether rollouts follow reality; what edits make of them, step by step, beside every control; and the same in numbers."""
    table = claimed(run, comparable_of(run, table, JUDGE))
    finders, edits, last = finders_of(run, table), in_order(table["edit"], EDITS), fidelity_at(run, 0)
    said = [claim.sentence for claim in claims_of(run) if claim.name in (STEPPED.name, KEPT.name)]
    over = f"{run.units}, fits and read-outs" if table["one_low"].notna().any() else run.units
    caption = (
        f"CE over the steps of the rollout, from the first {count_range(table['context'])} time(s) of a clip, edited at layer "
        f"{count_range(table['layer'])}; n = {count_range(table['n'])} {run.tested}; vertical lines: {run.confidence} over {over}, of "
        f"controls over {run.units} and draws. By what is read and what 1 is: {'; '.join(f'{name}, {MEANT[name]}' for name in READINGS)}. "
        "Steps at which the probes do not read the variable of unedited rollouts are left out; lines that reach beyond a panel are cut."
    )
    kept = table[[_reads(run, row) for row in table.to_dict("records")]]
    figures: dict[str, list[Block]] = {}
    for edit in edits:
        rows = kept[kept["edit"] == edit]
        drawn = [Figure(_drawing(rows, finders, edit), caption)] if len(rows) else []
        figures[edit_name(edit).capitalize()] = [*drawn, _grid(run, table[table["edit"] == edit], finders)]
    assert last is not None
    follows = follows_words(last)
    told = said if any(sentence.startswith(follows.rstrip(".")) for sentence in said) else [follows, *said]  # a claim may begin with it
    return [*findings(*told), _fidelity(run, fidelity), *in_turn("edit", figures)]


def _reads(run: RunFolder, row: Any) -> bool:
    return _reading(run, row).reads


def _reading(run: RunFolder, row: Any) -> JudgeReading:
    at = fidelity_at(run, int(row["step"]))
    assert at is not None
    return reading_of(at, str(row["reading"]))


def _drawing(rows: pd.DataFrame, finders: list[str], edit: str) -> Drawing:
    """A panel for each reading and finder: the subspace and its controls over the steps."""
    panels = []
    for reading in READINGS:
        for finder in finders:
            own = rows[(rows["finder"] == finder) & (rows["reading"] == reading)]
            series = [
                Series.of(part, "step", "value", CONTROL_WORDS.get(name, name), CONTROLS.get(name, numbered(at)), says=says)
                for at, name in enumerate(["subspace", *controls_of(own)])
                if len(part := own[own["control"] == name]) and (says := "steps" if name == "subspace" else "range")
            ]
            panels.append(Panel(series, [ZERO, Level(1.0)], f"{finder}: {reading}", note="" if series else "not read of unedited rollouts"))
    steps = Axis("step", "step", whole(rows["step"]))
    effects = Axis("causal effect", limits=_limits(rows))
    return draw(f"rollout-{edit}", f"Causal effect of {edit_name(edit)} over the rollout", panels, steps, effects, len(finders))


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """From nothing to the whole, and what effects there are up to a whole beyond: intervals where a rollout begins to forget are wide, and
    would leave nothing else to be seen."""
    low, high = max(-1.0, min(0.0, rows["value"].min())), min(2.0, max(1.0, rows["value"].max()))
    return low - ROOM * (high - low), high + ROOM * (high - low)


def _grid(run: RunFolder, table: pd.DataFrame, finders: list[str]) -> Grid:
    rows = []
    for own in table[table["control"] == "subspace"].to_dict("records"):
        same = table[(table["reading"] == own["reading"]) & (table["step"] == own["step"])]
        nulls = {str(null["control"]): null for null in same[same["finder"] == own["finder"]].to_dict("records")}
        against = rows_beside(own, same, {JUDGE: _reading(run, own)})
        rows.append({**own, "beside": {name: (nulls[name], one) for name, one in against.items()}})
    rows.sort(key=lambda row: (READINGS.index(row["reading"]), finders.index(row["finder"]), row["step"]))
    columns = (words("finder", lambda row: str(row["finder"])), counted("step", "step"), interval("CE"), *beside_controls(rows, _against))
    caption = f"The same in numbers, of controls the mean draw and how the effect stands to it; n = {count_range(table['n'])} {run.tested}."
    return grid(rows, columns, caption, lambda row: f"{row['reading']}: {MEANT[row['reading']]}", MOST_ROWS, "rows are in rollouts.parquet")


def _against(null: dict[Any, Any], against: Against) -> Cell:
    return Cell(f"{shown(null['value'], 2)}\n{against.standing}", str(null["value"]))


def _fidelity(run: RunFolder, table: pd.DataFrame) -> Grid:
    columns: tuple[Column, ...] = (
        counted("step", "step"),
        words("follows", lambda row: "yes" if follows(row) else "no"),
        *declared("fidelity", error="error over the present's"),
        share("real latents read", "real"),
        share("rollouts read", "rolled"),
        share("rollouts read as such", "code"),
        share("present read", "present"),
        percentage("chance"),
        *declared("fidelity", natural="twin's rollout over its future"),
    )
    caption = (
        f"Unedited rollouts and what really comes, n = {count_range(table['n'])} {run.tested}; brackets: {run.confidence} over {run.units} "
        "(of shares Wilson's). Error: squared distance to the real latents, over that of repeating the present; the rollout follows where "
        "it lies below 1. Shares: read rightly by probes of real latents of that step, or (as such) by probes of rollouts, all trained on "
        "split judge. Last column: how far the twin's own rollout moves the margin, over what its real future does (no unit)."
    )
    return grid(table, columns, caption)
