"""Section of stage three: is the variable there once, in parts, or in copies?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pandas as pd

from jepascope.findings.beside import unread_judge
from jepascope.findings.copies import by_verdict, peeling_words, verdict_words
from jepascope.findings.names import control_name, short
from jepascope.findings.numbers import Cell, cell_of, count, count_range, exact, finite, percent, share_words, shown, span
from jepascope.findings.selection import finders_of, has_twins
from jepascope.findings.verdict import unread_words
from jepascope.portability.verdict import VERDICTS
from jepascope.report.blocks import Block, Figure, Finding, Grid, Heading, findings, section
from jepascope.report.charts import beside_controls
from jepascope.report.charts.canvas import VERMILION, Drawing
from jepascope.report.charts.curves import UNIT, ZERO, Axis, Panel, Series, draw, whole
from jepascope.report.charts.looks import CONTROLS, Look
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, Row, beneath, declared, grid, left_out, spread, within

LOOKS = {name: replace(CONTROLS[name], hollow=name != "subspace") for name in ("subspace", "random", "variance")}
MOST_PANELS = 6
MOST_LETTERS = 30  # of a name above a panel
MOST_ROWS, MOST_STAGES, REST = 40, 60, "pairs are in verdicts.parquet"


@section("degeneracy", "Degeneracy", absent="no test of pairs and no peeling (stage port; folders of earlier versions have none)")
def degeneracy_section(run: RunFolder) -> list[Block]:
    """A verdict for each pair of finders with its evidence, then the degeneracy curve."""
    verdicts, peeling = run.table("verdicts"), run.table("peeling")
    if peeling is not None and not (peeling["control"] == "subspace").any():
        peeling = None
    if (verdicts is not None or peeling is not None) and (unread := unread_judge(run)) is not None:
        why = (
            f"Not told: {unread_words(unread)}, and verdicts rest on effects by it (verdicts.parquet and peeling.parquet hold what moved)."
        )
        return [Finding(why)]
    blocks: list[Block] = []
    if verdicts is not None:
        verdicts = by_verdict(verdicts)
        counts = Counter(verdicts["verdict"])
        meanings = tuple((name, what, count(counts[name])) for name, what in VERDICTS.items())
        text = "The verdicts that a pair can get, and how many got each."
        blocks += [*findings(*verdict_words(verdicts)), Grid(("verdict", "what it means", "pairs"), meanings, text, words=2)]
        blocks += [*_parts(run, verdicts), _effect_grid(verdicts, run.confidence), _geometry_grid(verdicts, run.confidence)]
    return [*blocks, Heading("Degeneracy curve"), *_peeled(run, peeling)] if peeling is not None else blocks


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
    """What each does alone and with the other gone, and both together, beside controls that lie outside both."""
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


def _panel(a: str, b: str, parts: dict[str, pd.DataFrame]) -> beside_controls.Panel:
    rows = []
    for part, table in parts.items():
        by = {row["control"]: row for row in table.to_dict("records")}
        rows.append(beside_controls.Row.of("a and b" if part == "whole" else part, by, looks=LOOKS))
    levels = (replace(ZERO, upright=True), replace(UNIT, upright=True))
    return beside_controls.Panel(rows, levels, f"a: {short(a, MOST_LETTERS)}\nb: {short(b, MOST_LETTERS)}")


def _effect_grid(verdicts: pd.DataFrame, confidence: str) -> Grid:
    columns = (
        *declared("verdicts", "a b"),
        Column("a without b", lambda row: alone_cell(row, "a")),
        Column("b without a", lambda row: alone_cell(row, "b")),
        Column("surplus", lambda row: beneath(surplus_cell(row), "whole", cell_of(row, "whole").text if finite(row["whole"]) else "")),
        Column("fresh probe", _refit),
    )
    caption = (
        "What each carries when the other is gone: CE of a's swap with b ablated in both clips, and the reverse; below it the mean CE of "
        "variance-matched subspaces outside both, and Δ, the interval of the difference. Surplus: the two less what both do together "
        "(the whole): 0 where parts add up, as much as the whole where either is enough; norms held: the same with the scale of every norm "
        "held at the unedited clip's, so that nothing is read louder because something else is gone. Fresh probe: its accuracy at the site "
        "after one of the two is ablated (the lower), which decides nothing; erased: after all that goes along with it is taken away, "
        f"another copy of the same code included. Brackets: {confidence}; n = {count_range(verdicts['n'])} test scenes."
    )
    return grid(verdicts, columns, caption, lambda row: str(row["verdict"]), MOST_ROWS, REST)


def surplus_cell(row: Row) -> Cell:
    """The surplus; below it the same with norms held, in folders that have it."""
    held = cell_of(row, "surplus_held").text if finite(row.get("surplus_held")) else ""
    return beneath(cell_of(row, "surplus"), "norms held", held)


def _refit(row: Row) -> Cell:
    refit = Cell(share_words(*(row[f"refit_{name}"] for name in ("accuracy", "low", "high"))))
    erased = percent(row["erased_accuracy"]) if finite(row["erased_accuracy"]) else ""
    return beneath(beneath(refit, "erased", erased), "chance", percent(row["refit_chance"]))


def alone_cell(row: Row, side: str) -> Cell:
    """CE of one subspace with the other gone; below it what its control does there, and the difference."""
    low, high = row.get(f"{side}_excess_low"), row.get(f"{side}_excess_high")
    own = beneath(cell_of(row, f"{side}_alone"), "variance", shown(row[f"{side}_floor"]))
    return beneath(own, "Δ", span(low, high) if finite(low) else "")


def _geometry_grid(verdicts: pd.DataFrame, confidence: str) -> Grid:
    columns = (
        *declared("verdicts", "a b"),
        Column(
            "SAS",
            lambda row: Cell(
                f"{shown(row['sas'])}\nchance {shown(row['sas_chance'])}; split-half {shown(row['ceiling'])}", exact(row["sas"])
            ),
        ),
        Column("readings", lambda row: beneath(Cell(cell_of(row, "readings").text), "chance", shown(row["readings_chance"]))),
        Column(
            "RCE", lambda row: beneath(cell_of(row, "rce"), "dose", f"{row['rce_dose']:g}{', saturated' if bool(row['saturated']) else ''}")
        ),
    )
    caption = (
        "How the same pairs lie, what they read and what one does in place of the other. SAS: no unit, a property of the pair. Readings: "
        "mean squared canonical correlation of what the two read on held-out clips (1: the same numbers). RCE: effect of one over effect "
        f"of the other, at the dose named. Brackets: {confidence}."
    )
    return grid(verdicts, columns, caption, None, MOST_ROWS, REST)


def _peeled(run: RunFolder, table: pd.DataFrame) -> list[Block]:
    """Subspaces peeled off one after another: words, the curve and its numbers."""
    finders = finders_of(run, table)
    blocks: list[Block] = [Finding(peeling_words(table[table["finder"] == finder], finder, run.summary)) for finder in finders]
    caption = curve_caption(table, f"at layer {count_range(table['layer'])} ", "twin" if has_twins(run) else "donor", run.confidence)
    drawing = degeneracy_curve(table[table["finder"].isin(finders[:MOST_PANELS])])
    stages = table.sort_values("stage", kind="stable").drop_duplicates(["finder", "stage", "control"])
    rows = [row for row in spread(stages, ["finder", "stage"], "control") if "subspace" in row]
    rows.sort(key=lambda row: finders.index(row["finder"]))
    columns = (
        *declared("peeling", "finder stage"),
        within("rank", "subspace", lambda own: count(own["rank"])),
        within("CE, earlier ablated", "subspace"),
        within("random", "random"),
        within("variance-matched", "variance"),
        within("CE, all others ablated", "subspace", lambda own: cell_of(own, "alone") if finite(own["alone"]) else ""),
        within("carries", "subspace", lambda own: "yes" if bool(own["above"]) else "no"),
        within("n", "subspace", lambda own: count(own["n"])),
    )
    numbers = f"The degeneracy curve in numbers. Brackets: {run.confidence}; of controls that of their mean draw."
    return [*blocks, Figure(drawing, caption), grid(rows, columns, numbers, most=MOST_STAGES, rest="stages are in peeling.parquet")]


def curve_caption(table: pd.DataFrame, where: str, partner: str, confidence: str, panels: str = "") -> str:
    """Of ``degeneracy_curve``."""
    draws = count_range(table[table["control"] != "subspace"]["draws"])
    return (
        f"CE of swapping the subspace of each stage {where}while all earlier ones are ablated (share of the change to the {partner}), "
        f"{panels}rank {count_range(table['rank'])}, n = {count_range(table['n'])} test scenes; vertical lines: {confidence}. Hollow: no "
        "effect of its own (above 0.05 and outside both controls), where the peeling ends. Diamonds: the same stage while all other "
        "stages are ablated, later ones too. Control: random and variance-matched subspaces of the same rank, outside all stages peeled "
        f"so far, mean of {draws} draws."
    )


def degeneracy_curve(peeling: pd.DataFrame, name: str = "degeneracy-curve") -> Drawing:
    """CE by stage, a panel for each finder; filled where a stage lies above both controls. Beside it each stage with all others gone."""
    finders = list(dict.fromkeys(peeling["finder"]))
    panels, label = [], "stage (subspaces peeled off in this order)" if len(finders) == 1 else "stage"
    for finder in finders:
        rows = peeling[peeling["finder"] == finder].assign(met=~peeling["above"].astype(bool))
        own = rows[rows["control"] == "subspace"]
        names: Any = {"where": "met", "hollow_label": "no effect of its own"}
        series = [
            Series.of(own, "stage", "value", "earlier stages ablated", CONTROLS["subspace"], **names),
            Series.of(own[own["alone"].notna()], "stage", "alone", "all other stages ablated", Look(VERMILION, "D", ""), shift=-0.09),
        ]
        for shift, control in ((0.07, "random"), (0.14, "variance")):
            null = rows[rows["control"] == control]
            series.append(Series.of(null, "stage", "value", control_name(control), LOOKS[control], shift=shift, says="range"))
        panels.append(Panel(series, [ZERO], finder, x=Axis(label, "stage", whole(rows["stage"]))))
    return draw(name, "Degeneracy curve", panels, Axis(), Axis("CE of the swap"), legend=2)
