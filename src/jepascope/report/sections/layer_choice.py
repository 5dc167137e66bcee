"""Section between the stages: the layer that claims are made for, and what edits do at the others."""

from __future__ import annotations

from typing import Any

from jepascope.findings.layer_choice import accuracy_words, candidates, effects_by_layer, layer_words
from jepascope.findings.names import EDITS, edit_name, in_order
from jepascope.findings.numbers import ABSENT, Cell, cell_of, finite, stacked
from jepascope.report.blocks import Block, findings, section
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, grid, percentage, words


@section("layer-choice", "Which layer", absent="one layer can be chosen, or the run is older than this section")
def layer_choice_section(run: RunFolder) -> list[Block]:
    """How steady the choice is, and CE with its direct share at every candidate layer."""
    rows, effects = candidates(run), effects_by_layer(run)
    if rows is None or len(rows) < 2:
        return []
    known = [] if effects is None else effects.to_dict("records")
    by = {(row["layer"], row["edit"]): row for row in known}
    edits = in_order((row["edit"] for row in known), EDITS)

    def effect(edit: str, name: str) -> Column:
        head = edit_name(edit) if name == "value" else f"{edit_name(edit)}, direct"
        return Column(head, lambda row: _cell(by.get((row["layer"], edit)), name))

    columns = (
        words("layer", lambda row: run.marked(row["layer"])),
        Column("cross-validated accuracy", accuracy_words),
        percentage("chosen by", "layer_share"),
        *(effect(edit, name) for edit in edits for name in ("value", "direct")),
    )
    finder = f" of {known[0]['finder']} (n = {known[0]['n']:.0f} {run.tested})" if known else ""
    caption = (
        "Candidate layers; a star: where claims are made, the earliest within one standard error of the best. Chosen by: share of "
        f"resamples of folds and scenes. CE{finder} and the part of it that no block sees; brackets {run.confidence} over {run.units}. "
        "Steering is not run at layers that are screened; controls by layer stand in the next section."
    )
    return [*findings(*layer_words(run)), grid(rows, columns, caption)]


def _cell(row: dict[Any, Any] | None, name: str) -> Cell | str:
    return ABSENT if row is None or not finite(row[name]) else stacked(cell_of(row, name))
