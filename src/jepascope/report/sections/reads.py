"""Section of stage two: an edit seen from every later layer, and what a fresh probe finds after it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.beside import unread_judge
from jepascope.findings.judges import judge_words
from jepascope.findings.numbers import ABSENT, Cell, count_range, finite, interval_cell, with_interval
from jepascope.findings.selection import EDIT_WORDS, EDITS, claim_layer, finders_of, in_order, main_ranks, of_tokens
from jepascope.findings.verdict import unread_words
from jepascope.report.blocks import Block, Figure, Finding, Grid, Section, not_run
from jepascope.report.figures.read_matrix import read_matrix
from jepascope.report.folder import RunFolder
from jepascope.report.sections.refits import refit_blocks
from jepascope.stats import MIN_DRAWS

TITLE = "Edit layer × read layer"
MOST_COLUMNS = 5  # read layers in the table


def reads_section(run: RunFolder) -> Section:
    """Heat map of the first finder's ablation, the course of every effect along the layers, frozen against fresh probes."""
    blocks = [*_course(run), *refit_blocks(run)]
    return Section("reads", TITLE, tuple(blocks)) if blocks else not_run("reads", TITLE, "no read-outs at later layers (stage intervene)")


def one_judge(frame: pd.DataFrame) -> pd.DataFrame:
    """The linear probe's rows, or those of the only judge that there is."""
    judges = list(frame["judge"].unique())
    return frame[frame["judge"] == ("probe" if "probe" in judges else judges[0])]


def _course(run: RunFolder) -> list[Block]:
    table = run.table("reads")
    if table is None:
        return []
    reads = one_judge(of_tokens(run, table))
    reads = reads[reads["rank"] == reads["finder"].map(main_ranks(reads))]
    finders, layer = finders_of(run, reads), claim_layer(run, reads)
    edits = in_order(reads["edit"], EDITS)
    first = reads[(reads["finder"] == finders[0]) & (reads["edit"] == edits[0])]
    at = reads[reads["layer"] == layer]
    unread = unread_judge(run, str(reads["judge"].iloc[0]))
    words = (
        [f"{unread_words(unread).capitalize()}, so that nothing is said of where effects fade or grow."]
        if unread
        else [
            fade_words(_of(at, finder, edit), f"{EDIT_WORDS.get(edit, edit).capitalize()}, {finder}")
            for edit in edits
            for finder in finders[:1]
        ]
    )
    null = first[first["control"] != "subspace"]
    caption = (
        f"{finders[0]}, {EDIT_WORDS.get(edits[0], edits[0])}: CE by {judge_words(str(reads['judge'].iloc[0]))}, one trained on the "
        "unedited clips of each read layer (share of its own clean margin, no unit). On the diagonal no block has run after the edit. n = "
        f"{count_range(first['n'])} {run.tested}. Control: random directions of the same rank, mean over {count_range(null['draws'])} "
        "draws. Intervals in the table below (claims' layer) and in reads.parquet."
    )
    return [
        *(Finding(sentence) for sentence in words if sentence),
        Figure(read_matrix(first, finders[0], EDIT_WORDS.get(edits[0], edits[0])), caption),
        _grid(run, at, finders, edits, layer),
    ]


def _of(at: pd.DataFrame, finder: str, edit: str) -> pd.DataFrame:
    return at[(at["finder"] == finder) & (at["edit"] == edit)]


def fade_words(rows: pd.DataFrame, name: str) -> str:
    """Whether one edit's effect fades or grows from the edited layer to the last, as far as the two intervals are apart."""
    own = rows[rows["control"] == "subspace"].sort_values("read_layer").to_dict("records")
    if len(own) < 2:
        return ""
    here, last = own[0], own[-1]
    said = f"{name}: CE {_size(here)} where it is read at the edited layer {here['read_layer']:.0f} itself, {_size(last)} at layer "
    said += f"{last['read_layer']:.0f}"
    if not all(finite(row[end]) for row in (here, last) for end in ("low", "high")):
        return f"{said}; without intervals it is not known whether it fades."
    if last["high"] < here["low"]:
        why = " Blocks that restore what was taken (self-repair) do this, and so does a code computed afresh from other directions."
        return f"{said}. The effect fades along the layers.{why if own[0]['edit'] == 'ablate' else ''}"
    if last["low"] > here["high"]:
        return f"{said}. The effect grows along the layers: later read-outs see more of it than one where the edit was made."
    return f"{said}. The two are not told apart (overlapping intervals): neither fading nor growing is shown."


def _size(row: dict[Any, Any]) -> str:
    return with_interval(row["value"], row["low"], row["high"])


def _grid(run: RunFolder, at: pd.DataFrame, finders: list[str], edits: list[str], layer: int) -> Grid:
    layers = sorted({int(value) for value in at["read_layer"]})
    if len(layers) > MOST_COLUMNS:
        step = (len(layers) - 1) / (MOST_COLUMNS - 1)
        layers = [layers[round(step * index)] for index in range(MOST_COLUMNS)]
    rows: list[tuple[Cell | str, ...]] = []
    for edit in edits:
        rows.append((Cell(EDIT_WORDS.get(edit, edit), strong=True),))
        for finder in finders:
            part = _of(at, finder, edit)
            for control, name in (("subspace", finder), ("random", "random directions")):
                found = part[part["control"] == control].drop_duplicates("read_layer").set_index("read_layer")
                if found.empty:
                    continue
                draws = f" ({count_range(found['draws'])} draws)" if control != "subspace" else ""
                cells = [_cell(found.loc[read]) if read in found.index else ABSENT for read in layers]
                rows.append((f"{name}{draws}", *cells))
    head = ("edited subspace", *(f"read at layer {read}{' (edited)' if read == layer else ''}" for read in layers))
    caption = (
        f"Edited at layer {layer}, read at later layers: CE. n = {count_range(at['n'])} {run.tested}. Brackets: {run.confidence} over "
        f"{run.units}; of a control's mean draw over {run.units} and draws, or with fewer than {MIN_DRAWS} draws the least and the largest."
    )
    return Grid(head, tuple(rows), caption)


def _cell(row: Any) -> Cell:
    return interval_cell(float(row["value"]), float(row["low"]), float(row["high"]))
