"""Section of stage three: is the variable there once, in parts, or in copies?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pandas as pd

from jepascope.findings.beside import unread_judge
from jepascope.findings.copies import by_verdict, verdict_words
from jepascope.findings.names import short
from jepascope.findings.numbers import ABSENT, Cell, count, count_range, finite, interval_cell, percent, percent_span, shown, span
from jepascope.findings.selection import has_twins
from jepascope.findings.verdict import unread_words
from jepascope.portability.verdict import VERDICTS
from jepascope.report.blocks import Block, Figure, Finding, Grid, Heading, findings
from jepascope.report.charts import beside_controls
from jepascope.report.charts.beside_controls import Panel
from jepascope.report.charts.beside_controls import Row as Marks
from jepascope.report.charts.curves import UNIT, ZERO
from jepascope.report.charts.looks import CONTROLS
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, Row, exact, grid, left_out, words
from jepascope.report.sections.declared import section
from jepascope.report.sections.peeling import peeling_blocks

LOOKS = {name: replace(CONTROLS[name], hollow=name != "subspace") for name in ("subspace", "random", "variance")}
MOST_PANELS = 6
MOST_LETTERS = 30  # of a name above a panel
MOST_ROWS, REST = 40, "pairs are in verdicts.parquet"


@section("degeneracy", "Degeneracy", absent="no test of pairs and no peeling (stage port; folders of earlier versions have none)")
def degeneracy_section(run: RunFolder) -> list[Block]:
    """A verdict for each pair of finders with its evidence, then the degeneracy curve."""
    verdicts, peeled = run.table("verdicts"), peeling_blocks(run)
    if (verdicts is not None or peeled) and (unread := unread_judge(run)) is not None:
        why = (
            f"Not told: {unread_words(unread)}, and verdicts rest on effects by it (verdicts.parquet and peeling.parquet hold what moved)."
        )
        return [Finding(why)]
    blocks: list[Block] = []
    if verdicts is not None:
        verdicts = by_verdict(verdicts)
        blocks += [*findings(*verdict_words(verdicts)), _meanings(verdicts), *_parts(run, verdicts)]
        blocks += [_effect_grid(verdicts, run.confidence), _geometry_grid(verdicts, run.confidence)]
    return [*blocks, Heading("Degeneracy curve"), *peeled] if peeled else blocks


def _meanings(verdicts: pd.DataFrame) -> Grid:
    counts = Counter(verdicts["verdict"])
    rows = tuple((name, what, count(counts[name])) for name, what in VERDICTS.items())
    return Grid(("verdict", "what it means", "pairs"), rows, "The verdicts that a pair can get, and how many got each.", words=2)


def pair_parts(table: pd.DataFrame, a: str, b: str) -> dict[str, pd.DataFrame]:
    """The rows of each part of a pair as seen from (a, b): the table stores "a without b" of either order, and the rest once."""
    forward = table[(table["a"] == a) & (table["b"] == b)]
    back = table[(table["a"] == b) & (table["b"] == a)]
    mirrored = {"a": "b", "a without b": "b without a", "b": "a", "b without a": "a without b", "whole": "whole"}
    parts = {}
    for part, other in mirrored.items():
        own, theirs = forward[forward["part"] == part], back[back["part"] == other]
        parts[part] = own if len(own) else theirs
    for part, name in (("a", a), ("b", b)):
        if parts[part].empty:  # alone, nothing ablated: it may stand without a partner
            parts[part] = table[(table["a"] == name) & (table["part"] == "a")].drop_duplicates("control")
    return {part: rows for part, rows in parts.items() if len(rows)}


def _parts(run: RunFolder, verdicts: pd.DataFrame) -> list[Block]:
    table = run.table("degeneracy")
    if table is None:
        return []
    pairs = {(a, b): pair_parts(table, a, b) for a, b in zip(verdicts["a"], verdicts["b"], strict=True)}
    panels = [_panel(a, b, parts) for (a, b), parts in pairs.items() if parts]
    if not panels:
        return []
    draws = count_range(table[table["control"] != "subspace"]["draws"])
    twin = "twin" if has_twins(run) else "donor"
    caption = (
        f"CE of a swap at layer {count_range(table['layer'])}: share of the change to the {twin} that is made (1, dotted: as good as the "
        f"{twin} itself), n = {count_range(table['n'])} test scenes; lines: {run.confidence}. a, b, a and b: swapped with nothing ablated. "
        f"a without b: b is ablated in clip and {twin}, and what a then holds of the two is swapped. Control (hollow): random and "
        f"variance-matched subspaces of the same rank that lie outside both, in the same test, mean of {draws} draws."
        + left_out(len(panels), MOST_PANELS, "pairs are in the tables")
    )
    drawing = beside_controls.draw("degeneracy", "Each subspace with the other one gone", panels[:MOST_PANELS], "CE of the swap", across=2)
    return [Figure(drawing, caption)]


def _panel(a: str, b: str, parts: dict[str, pd.DataFrame]) -> Panel:
    """What each does alone and with the other gone, and both together, beside controls that lie outside both."""
    rows = []
    for part, table in parts.items():
        by = {row["control"]: row for row in table.to_dict("records")}
        rows.append(Marks.of("a and b" if part == "whole" else part, by, looks=LOOKS))
    levels = (replace(ZERO, upright=True), replace(UNIT, upright=True))
    return Panel(rows, levels, f"a: {short(a, MOST_LETTERS)}\nb: {short(b, MOST_LETTERS)}")


def _effect_grid(verdicts: pd.DataFrame, confidence: str) -> Grid:
    columns = (
        words("a", "a"),
        words("b", "b"),
        Column("a without b", lambda row: _alone(row, "a")),
        Column("b without a", lambda row: _alone(row, "b")),
        Column("surplus", _surplus),
        Column("fresh probe", _refit),
    )
    caption = (
        "What each carries when the other is gone: CE of a's swap with b ablated in both clips, and the reverse; below it the mean CE of "
        "variance-matched subspaces outside both, and Δ, the interval of the difference. Surplus: the two less what both do together "
        "(the whole): 0 where parts add up, as much as the whole where either is enough. Fresh probe: its accuracy at the site after one "
        f"of the two is ablated (the lower); erased: after all that goes along with it is taken away, another copy of the same code "
        f"included. Brackets: {confidence}; n = {count_range(verdicts['n'])} test scenes."
    )
    return grid(verdicts, columns, caption, lambda row: str(row["verdict"]), MOST_ROWS, REST)


def _surplus(row: Row) -> Cell:
    surplus, whole = (interval_cell(*(row[f"{name}{end}"] for end in ("", "_low", "_high"))) for name in ("surplus", "whole"))
    return Cell(f"{surplus.text}\nwhole {whole.text}", surplus.exact) if whole.exact else surplus


def _refit(row: Row) -> Cell:
    refit = f"{percent(row['refit_accuracy'])} {percent_span(row['refit_low'], row['refit_high'])}"
    refit += f"\nerased {percent(row['erased_accuracy'])}" if finite(row["erased_accuracy"]) else ""
    return _under(refit, row["refit_chance"], percent)


def _alone(row: Row, side: str) -> Cell:
    own = interval_cell(*(row[f"{side}_alone{end}"] for end in ("", "_low", "_high")))
    if not own.exact:
        return Cell(ABSENT)
    excess = f"\nΔ {span(row[f'{side}_excess_low'], row[f'{side}_excess_high'])}" if finite(row[f"{side}_excess_low"]) else ""
    return Cell(f"{own.text}\nvariance {shown(row[f'{side}_floor'])}{excess}", own.exact)


def _geometry_grid(verdicts: pd.DataFrame, confidence: str) -> Grid:
    columns = (
        words("a", "a"),
        words("b", "b"),
        Column(
            "SAS",
            lambda row: Cell(
                f"{shown(row['sas'])}\nchance {shown(row['sas_chance'])}; split-half {shown(row['ceiling'])}", exact(row["sas"])
            ),
        ),
        Column("readings", _readings),
        Column("RCE", lambda row: Cell(_rce(row), exact(row["rce"]))),
    )
    caption = (
        "How the same pairs lie, what they read and what one does in place of the other. SAS: no unit, a property of the pair. Readings: "
        "mean squared canonical correlation of what the two read on held-out clips (1: the same numbers). RCE: effect of one over effect "
        f"of the other, at the dose named. Brackets: {confidence}."
    )
    return grid(verdicts, columns, caption, None, MOST_ROWS, REST)


def _readings(row: Row) -> Cell:
    return _under(interval_cell(*(row[f"readings{end}"] for end in ("", "_low", "_high"))).text, row["readings_chance"], shown)


def _rce(row: Row) -> str:
    if not finite(row["rce"]):
        return ABSENT
    value = interval_cell(row["rce"], row["rce_low"], row["rce_high"]).text
    return f"{value}\ndose {row['rce_dose']:g}{', saturated' if bool(row['saturated']) else ''}"


def _under(text: str, chance: Any, show: Any) -> Cell:
    """A value with its chance on the next line; absent where it was not measured."""
    return Cell(ABSENT) if text.startswith(ABSENT) else Cell(f"{text}\nchance {show(chance)}")
