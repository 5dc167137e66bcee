"""Section of stage two: whether edited clips stay among natural ones."""

from __future__ import annotations

from jepascope.findings.distances import distance_rows, distances_words
from jepascope.findings.names import EDITS, control_name, controls_in, edit_name, in_order
from jepascope.findings.numbers import count_range
from jepascope.findings.selection import first_finder
from jepascope.report.blocks import Block, findings, section
from jepascope.report.folder import RunFolder
from jepascope.report.grids import counted, grid, interval, words


@section("distances", "Among natural clips", absent="no edits were run (stage intervene), or the run is older than this table")
def distances_section(run: RunFolder) -> list[Block]:
    """Distances of edited clips from natural ones, beside the same clips unedited, for the first finder and its controls."""
    rows = distance_rows(run, first_finder(run))
    if rows is None:
        return []
    edits, order = in_order(rows["edit"], EDITS), ["subspace", *controls_in(rows["control"])]
    records = sorted(rows.to_dict("records"), key=lambda row: (edits.index(row["edit"]), order.index(row["control"])))
    columns = (
        words("edited", lambda row: str(row["finder"]) if row["control"] == "subspace" else control_name(row["control"])),
        interval("inside", "nearest", under=True),
        interval("unedited", "nearest_natural", under=True),
        interval("last layer", "mahalanobis", under=True),
        interval("unedited", "mahalanobis_natural", under=True),
        counted("draws", "draws"),
    )
    caption = (
        f"Layer {count_range(rows['layer'])}, n = {count_range(rows['n'])} {run.tested}; brackets {run.confidence} over {run.units}. "
        "Inside: mean distance (latent units) to the nearest clip of split fit, of pooled coordinates in the directions that are edited, "
        "a control's in its own (five draws at most). Last layer: Mahalanobis distance of the pooled activation from the clips of split "
        "fit, covariance shrunk (OAS). Unedited: the same test clips in the same directions. Other finders in distances.parquet."
    )
    return [*findings(*distances_words(run)), grid(records, columns, caption, lambda row: edit_name(row["edit"]))]
