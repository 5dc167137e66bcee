"""Section: the paper's published figures beside this run's."""

from __future__ import annotations

from jepascope.report.answers import ratio
from jepascope.report.blocks import Block, Grid, Paragraph, section
from jepascope.report.folder import RunFolder
from jepascope.report.paper import CAVEAT, PAPER, PUBLISHED, VITL

VARIANCE = "CE ratio, ablation over variance-matched directions"


def _about(run: RunFolder) -> str:
    return f"the published figures are about the direction of motion, and this study is about {run.variable}"


@section("published", "Beside the published figures", absent=_about)
def published(run: RunFolder) -> list[Block]:
    """Quantity by quantity; what this run did not measure says so."""
    if not run.is_direction:
        return []
    rows: list[tuple[str, ...]] = []
    for quantity in PUBLISHED:
        missing = quantity.missing.format(clips=run.clips)
        lines = quantity.measured(run) if quantity.encoder == VITL or quantity.key == "cca" else ("as over random directions above",)
        rows.append((quantity.name, quantity.published, quantity.where, "; ".join(lines) or missing))
        if quantity.key == "ratio":
            rows.append((VARIANCE, "not published", "", "; ".join(ratio("variance")(run)) or missing))
    head = ("quantity", "published", "published for", f"this run ({run.model})")
    note = f"{CAVEAT} What to distrust in each of them, several runs beside them: jepascope compare --preset paper RUN..."
    return [Grid(head, tuple(rows), f"Published: {PAPER}.", words=4), Paragraph(note)]
