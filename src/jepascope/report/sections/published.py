"""Section: the paper's published figures beside this run's."""

from __future__ import annotations

from jepascope.report.answers import ratio
from jepascope.report.blocks import Grid, Paragraph, Section, not_run
from jepascope.report.folder import RunFolder
from jepascope.report.paper import CAVEAT, PAPER, PUBLISHED, VITL

TITLE = "Beside the published figures"
VARIANCE = "CE ratio, ablation over variance-matched directions"


def published(run: RunFolder) -> Section:
    """Quantity by quantity; what this run did not measure says so."""
    if not run.is_direction:
        why = f"the published figures are about the direction of motion, and this study is about {run.variable}"
        return not_run("published", TITLE, why)
    rows: list[tuple[str, ...]] = []
    for one in PUBLISHED:
        said = one.measured(run) if one.encoder == VITL or one.key == "cca" else ("as over random directions above",)
        rows.append((one.name, one.published, one.where, "; ".join(said) or one.missing.format(clips=run.clips)))
        if one.key == "ratio":
            rows.append((VARIANCE, "not published", "", "; ".join(ratio("variance")(run)) or one.missing.format(clips=run.clips)))
    head = ("quantity", "published", "published for", f"this run ({run.model})")
    note = f"{CAVEAT} What to distrust in each of them, several runs beside them: jepascope compare --preset paper RUN..."
    return Section("published", TITLE, (Grid(head, tuple(rows), f"Published: {PAPER}.", words=4), Paragraph(note)))
