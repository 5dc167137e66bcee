"""What rides along with CE: the share of clips read as expected, KL, and the circular error, beside those of the controls."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.numbers import count_range, finite
from jepascope.findings.selection import EDIT_WORDS
from jepascope.report.blocks import Block, Grid
from jepascope.report.folder import RunFolder
from jepascope.report.sections.control_table import Measure, control_head, control_rows, controls_in
from jepascope.stats import wilson

EXPECTED = {"ablate": "own class", "swap": "target class", "steer": "target class"}
ANGLE = {"ablate": "the clip's own angle", "swap": "the target's angle", "steer": "the target's angle"}


def side_measures(run: RunFolder, part: pd.DataFrame, draws: pd.DataFrame | None, finders: list[str], edit: str) -> list[Block]:
    """One table for one edit; ``part`` are the rows of `ce` by one judge. Nothing for folders of earlier versions."""
    rows = with_shares(part, draws)
    controls = controls_in(rows)
    measures = (
        Measure(f"clips read as {EXPECTED.get(edit, 'expected')}", "accuracy", is_share=True, before="accuracy_before"),
        Measure("KL of the class probabilities, nats", "kl"),
        Measure(f"decoded angle from {ANGLE.get(edit, 'the expected one')}, degrees", "angle_error", before="angle_error_before"),
    )
    body = [row for measure in measures for row in control_rows(rows, finders, measure, controls)]
    if not body:
        return []
    caption = (
        f"{EDIT_WORDS.get(edit, edit).capitalize()}, what rides along with CE (judge: {part['judge'].iloc[0]}; n = "
        f"{count_range(part['n'])} {run.tested}; controls: mean over {count_range(rows[rows['control'] != 'subspace']['draws'])} draws). "
        f"Brackets: {run.confidence} over {run.units}; of shares Wilson's for the subspace, the least and the largest draw for a control. "
        f"KL is from the clean to the edited clip's class probabilities, mean over {run.units}: it counts any change, wanted or not."
    )
    return [Grid(control_head(controls), tuple(body), caption)]


def with_shares(part: pd.DataFrame, draws: pd.DataFrame | None) -> pd.DataFrame:
    """``part`` with ends for its accuracies: an interval for the subspace, the range of draws for a control (``draws``)."""
    ends = [_ends(row, draws) for row in part.to_dict("records")]
    return part.assign(accuracy_low=[low for low, _ in ends], accuracy_high=[high for _, high in ends])


def _ends(row: dict[object, object], draws: pd.DataFrame | None) -> tuple[float, float]:
    accuracy, n = float(str(row["accuracy"])), float(str(row["n"]))
    if not (finite(accuracy) and finite(n) and n >= 1):
        return float("nan"), float("nan")
    if row["control"] == "subspace":
        return wilson(accuracy, n)  # of videos: of so many as if each were one clip, which is never too narrow
    if draws is None:
        return float("nan"), float("nan")
    shares = draws[(draws["finder"] == row["finder"]) & (draws["control"] == row["control"])]["correct"]
    return float(shares.min()), float(shares.max())
