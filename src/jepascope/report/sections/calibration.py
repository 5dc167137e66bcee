"""Section of stage two: a circular variable steered to requested angles, and what is decoded then."""

from __future__ import annotations

from math import nan

import pandas as pd

from jepascope.findings.circle import Error, beside_words, draws_words, steer_words
from jepascope.findings.names import LABEL, in_order, short
from jepascope.findings.numbers import ABSENT, Cell, count, finite, shown
from jepascope.findings.selection import claim_layer, finders_of, main_ranks
from jepascope.intervention.circle import CHANCE, angle_errors, between_classes, error_difference, mean_error
from jepascope.intervention.edit_entry import CALIBRATED, EDITS
from jepascope.report.blocks import Block, Figure, findings, section
from jepascope.report.charts import compass
from jepascope.report.charts.canvas import BLACK, BLUE, GREEN, GREY, VERMILION
from jepascope.report.charts.compass import Compass
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, declared, grid

WAYS = (BLUE, VERMILION, GREEN)
HOW = EDITS.column("to_angle")


def _absent(run: RunFolder) -> str:
    circular = run.summary.get("kind") in (None, "circular")
    return "no steering to requested angles (stage intervene)" if circular else f"{run.variable} is not an angle"


@section("calibration", "Steering to an angle", needs=("calibration",), absent=_absent)
def calibration_section(run: RunFolder, table: pd.DataFrame) -> list[Block] | str:
    """Errors in words, compasses of the first finder beside its control, and the table of all finders."""
    table = table[table["layer"] == claim_layer(run, table)].dropna(subset=["requested", "decoded"])
    plain, edited = table[table["control"] == "none"], table[table["control"] != "none"]
    edited = edited[edited["rank"] == edited["finder"].map(main_ranks(edited))]
    if edited.empty:
        return "no angle was decoded after steering"
    finders, edits = finders_of(run, edited), in_order(edited["edit"], CALIBRATED)
    decoded = None if plain.empty else mean_error(plain)
    floor = nan if decoded is None else decoded.value
    unedited = None if decoded is None else Error(decoded.value, decoded.low, decoded.high)
    said, rows = [], []
    for edit in edits:
        for finder in finders:
            part = edited[(edited["finder"] == finder) & (edited["edit"] == edit)]
            if not (part["control"] == "subspace").any():
                continue
            error, n, draws = _error(run, part, finder, edit)
            between = _between(part)
            rows.append({"edit": edit, "finder": finder, "error": error, "between": between, "draws": draws, "n": n})
            if finder == finders[0]:
                said.append(steer_words(f"{finder}, {edit} ({HOW.get(edit, edit)})", error, draws, floor, n, run.units, unedited))
    own = edited[(edited["finder"] == finders[0]) & (edited["control"] == "subspace")]
    said += [_less(own, edit, edits[0], run.units) for edit in edits[1:]]
    columns = (
        *declared("calibration", "finder"),
        Column("error", lambda row: Cell(row["error"].degrees, repr(row["error"].value))),
        Column("between classes", lambda row: ABSENT if row["between"] is None else row["between"].degrees),
        Column("random directions", lambda row: draws_words(row["draws"])),
        Column("unedited", lambda row: f"{shown(floor)}°"),
        Column("n", lambda row: count(row["n"])),
    )
    caption = (
        f"Mean absolute difference of requested and decoded angle. Brackets: {run.confidence} over {run.units}; of random directions "
        "the least and the largest draw. Between classes: at the requested angles that no clip shows, where no class mean was seen. "
        "Unedited: error of decoding the clip's own angle, the least to hope for. A random angle misses by "
        f"{CHANCE:g}°."
    )
    table_of_all = grid(rows, columns, caption, lambda row: f"{row['edit']}: {HOW.get(row['edit'], row['edit'])}")
    caption = (
        f"Layer {count(table['layer'].iloc[0])}, {finders[0]}; requested angles on the ring, each tied to the head of its arrow: the mean "
        f"of the decoded angles (length 1 when all clips agree, no interval). n = {table['scene'].nunique()} {run.tested}, "
        f"{edited['requested'].nunique()} requested angles. Control: random directions of the same rank, and the unedited clips, whose own "
        "angle takes the place of the requested one."
    )
    drawing = compass.draw("steering", "Requested and decoded angle", _compasses(plain, edited, finders[0], edits))
    return [*findings(*said), Figure(drawing, caption), table_of_all]


def _compasses(plain: pd.DataFrame, edited: pd.DataFrame, finder: str, edits: list[str]) -> list[list[Compass | None]]:
    """The unedited clips and each edit above, the same edits in random directions below."""
    own = edited[edited["finder"] == finder]
    above: list[Compass | None] = [_compass("unedited clips", BLACK, plain)]
    below: list[Compass | None] = [None]
    for edit in edits:
        by = {control: own[(own["edit"] == edit) & (own["control"] == control)] for control in ("subspace", "random")}
        above.append(_compass(f"{short(finder, LABEL)}, {edit}", WAYS[edits.index(edit) % len(WAYS)], by["subspace"]))
        below.append(_compass(f"random, {edit}", GREY, by["random"]))
    return [above, below]


def _between(part: pd.DataFrame) -> Error | None:
    """Mean error at the requested angles between those that clips show; None where there are none."""
    rows = between_classes(part[part["control"] == "subspace"])
    return None if rows.empty else Error(*mean_error(rows).ends)


def _less(own: pd.DataFrame, edit: str, other: str, units: str) -> str:
    """One way of steering beside the first one, on the same scenes."""
    rows, others = (own[own["edit"] == name] for name in (edit, other))
    between, theirs = between_classes(rows), between_classes(others)
    among = None if between.empty else Error(*error_difference(between, theirs).ends)
    return beside_words(edit, other, Error(*error_difference(rows, others).ends), among, rows["scene"].nunique(), units)


def _compass(title: str, color: str, rows: pd.DataFrame) -> Compass:
    return Compass(title, rows["requested"].to_numpy(), rows["decoded"].to_numpy(), color)


def _error(run: RunFolder, part: pd.DataFrame, finder: str, edit: str) -> tuple[Error, float, list[float]]:
    """Mean error with the interval that the summary stores, the number of scenes, and the error of every control draw."""
    own, null = part[part["control"] == "subspace"], part[part["control"] == "random"]
    stored = ((run.summary.get("calibration") or {}).get(edit) or {}).get(finder) or {}
    low, high = (float(stored[end]) if finite(stored.get(end)) else nan for end in ("low", "high"))
    draws = [float(angle_errors(rows).mean()) for _, rows in null.groupby("draw")]
    return Error(float(angle_errors(own).mean()), low, high), float(own["scene"].nunique()), draws
