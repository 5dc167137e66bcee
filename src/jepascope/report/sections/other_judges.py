"""The same effects by the other judges: a compact table an edit, and what was not run."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.agreement import Judges, agreement
from jepascope.findings.beside import readings_by, rows_beside
from jepascope.findings.judges import JUDGES, judge_words, skipped
from jepascope.findings.numbers import ABSENT, Cell, count_range, interval_cell
from jepascope.findings.selection import EDIT_WORDS, comparable, comparable_of, has_twins, in_order
from jepascope.findings.verdict import against_cell
from jepascope.intervention.control_words import CONTROL_WORDS, CONTROLS
from jepascope.report.blocks import Block, Finding, Grid, Paragraph
from jepascope.report.folder import RunFolder

LOST = {
    "mlp": "share of the MLP's clean margin that is lost",
    "head": "share of the classifier's logit difference that is lost",
    "predictor": "share of the forecast's leaning to its own future that is lost (1 = it no longer tells it from the twin's)",
}
MOVED = {
    "mlp": "margin moved to the target over what {} moves",
    "head": "logit difference moved to the target over what {} moves",
    "predictor": "how far the forecast moves to the twin's future, over what seeing {}'s beginning moves it",
}


def other_judges(run: RunFolder, table: pd.DataFrame, layer: int, finders: list[str], edit: str) -> list[Block]:
    """A sentence and a table for one edit at one layer; nothing where the probe alone has judged it."""
    parts = {judge: part[part["edit"] == edit] for judge, part in _by_judge(run, table, layer).items()}
    parts = {judge: part for judge, part in parts.items() if not part.empty}
    if not parts:
        return []
    controls = in_order(pd.concat(parts.values()).query("control != 'subspace'")["control"], CONTROLS)
    rows: list[tuple[Cell | str, ...]] = []
    known = readings_by(run)
    for judge, part in parts.items():
        rows.append((Cell(f"{judge_words(judge)}, n = {count_range(part['n'])} {run.units}", strong=True),))
        rows += [_row(part[part["finder"] == finder], finder, controls, known) for finder in finders if (part["finder"] == finder).any()]
    scales = LOST if edit == "ablate" else MOVED
    other = "the real twin" if has_twins(run) else "the change to a clip of that class"
    named = [f"{judge_words(judge)}: {scales[judge].format(other)}" for judge in parts if judge in scales]
    caption = (
        f"{EDIT_WORDS.get(edit, edit).capitalize()} at layer {layer} by the other judges: CE, and its ratio to each control with its "
        f"reading (as in the table above). Brackets: {run.confidence} over {run.units}, in ratios over {run.units} and draws. "
        + (f"CE by {'; by '.join(named)}." if named else "")
    )
    head = ("finder", "CE", *(CONTROL_WORDS.get(control, control) for control in controls))
    return [Finding(agreement(parts, edit, known)), Grid(head, tuple(rows), caption)]


def _by_judge(run: RunFolder, table: pd.DataFrame, layer: int) -> dict[str, pd.DataFrame]:
    """Rows of every judge at one layer, without the one that claims are made by."""
    at = table[table["layer"] == layer]
    main = set(comparable(run, table)["judge"])
    return {judge: comparable_of(run, at, judge) for judge in in_order(at["judge"], JUDGES) if judge not in main}


def _row(part: pd.DataFrame, finder: str, controls: list[str], judges: Judges) -> tuple[Cell | str, ...]:
    own = part[part["control"] == "subspace"].to_dict("records")
    if not own:
        return (finder, *(ABSENT for _ in ("CE", *controls)))
    beside = rows_beside(own[0], part, judges)
    size = interval_cell(own[0]["value"], own[0]["low"], own[0]["high"])
    return (finder, size, *(against_cell(beside[control]) if control in beside else ABSENT for control in controls))


def also_by(run: RunFolder, table: pd.DataFrame) -> Paragraph:
    """Which judges stand in this section, and why others do not."""
    main, found = set(comparable(run, table)["judge"]), in_order(table["judge"], JUDGES)
    others = [judge for judge in found if judge not in main]
    reasons = [f"{judge_words(judge)} ({reason})" for judge, reason in skipped(run).items() if judge not in found]
    text = f"Figures and ratios above are by {', '.join(judge_words(judge) for judge in sorted(main))}."
    if not others:
        text += " Not run: any other judge."
    if reasons:
        text += f" Not used: {'; '.join(reasons)}."
    return Paragraph(text)
