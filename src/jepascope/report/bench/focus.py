"""The page of ``bench focus``: four variables on a trained encoder of somebody else's."""

from __future__ import annotations

import math
from typing import Any

from jepascope.findings.names import control_name
from jepascope.findings.numbers import ABSENT, Cell, cell_of, count, finite, interval_words, shown, stacked
from jepascope.report.blocks import Block, Figure, Finding, Paragraph, Section
from jepascope.report.charts import beside_controls, curves
from jepascope.report.charts.canvas import GREY
from jepascope.report.charts.curves import Axis, Level, Series
from jepascope.report.charts.looks import CONTROLS, SHORT, Look
from jepascope.report.grids import Column, grid, words

EDITS = {"swap": "swap", "ablate": "ablation"}

Json = dict[str, Any]


def sections(record: Json) -> list[Section]:
    """The result, accuracy by layer, every study's own headline, and where the encoder comes from."""
    return [_summary(record), _controls(record), _layers(record), _studies(record), _encoder(record)]


def _summary(record: Json) -> Section:
    variables = record["variables"]
    blocks: list[Block] = [Finding(line) for line in lines(record)]
    columns = [
        words("variable", lambda row: row[0]),
        Column("accuracy", lambda row: stacked(cell_of(row[1]["accuracy"]))),
        Column("untrained", lambda row: shown(row[1]["untrained"])),
        Column("best layer", lambda row: count(row[1]["best_layer"])),
        *(column for edit in EDITS for column in (_effect(edit), _closest_control(edit))),
    ]
    n = "; ".join(f"{name}: {count(row['accuracy']['n'])} clips, {count(row['ce']['swap']['n'])} scenes" for name, row in variables.items())
    caption = (
        "At each variable's best layer, chosen on the fit split: accuracy of a dense probe on test clips, and the same probe on untrained "
        "twins; CE of swap and of ablation, each with the control that does most (mean of its draws; all of them below). "
        f"Brackets: 95 % intervals. {n}. Draws of every control: {record['settings']['draws']}."
    )
    blocks.append(grid(variables.items(), columns, caption))
    panels = [
        beside_controls.Panel([_drawn(name, row["ce"][edit]) for name, row in variables.items()], title=said)
        for edit, said in EDITS.items()
    ]
    drawing = beside_controls.draw("bench-focus-ce", "Effects beside their controls", panels, "CE at the best layer", across=2)
    blocks.append(
        Figure(drawing, "CE of the subspace and of its four matched controls; 95 % intervals; the scenes are those of the table.")
    )
    return Section("summary", "Result", tuple(blocks))


def lines(record: Json) -> list[str]:
    """One sentence a variable: how it is read, and what a swap does beside the control that does most."""
    return [_line(name, row) for name, row in record["variables"].items()]


def _line(name: str, row: Json) -> str:
    swap = row["ce"]["swap"]
    read = (
        f"{name}: read at layer {row['best_layer']} with accuracy {interval_words(row['accuracy'])} (untrained twins "
        f"{shown(row['untrained'])}, chance {shown(row['accuracy']['chance'])})"
    )
    if not finite(swap["value"]):
        return f"{read}; the margin does not move even with the real twin, so that a swap has no effect to speak of."
    closest = _closest(swap)
    beside = f"; of its controls {control_name(closest)} does most, {interval_words(swap['controls'][closest])}" if closest else ""
    return (
        f"{read}; a swap of the rank-{row['rank']} subspace moves the margin by {interval_words(swap)} of the way to the twin "
        f"(n = {count(swap['n'])} scenes){beside}."
    )


def _closest(effect: Json) -> str:
    """The control that does most; "" where none has a value."""
    known = {name: row["value"] for name, row in effect["controls"].items() if finite(row["value"])}
    return max(known, key=lambda name: known[name], default="")


def _effect(edit: str) -> Column:
    return Column(f"CE {edit}", lambda row: stacked(cell_of(row[1]["ce"][edit])))


def _closest_control(edit: str) -> Column:
    def cell(row: tuple[str, Json]) -> Cell | str:
        effect = row[1]["ce"][edit]
        name = _closest(effect)
        return Cell(f"{shown(effect['controls'][name]['value'])}\n({control_name(name)})") if name else ABSENT

    return Column("closest control", cell)


def _controls(record: Json) -> Section:
    variables = record["variables"]
    rows = [
        (edit, name)
        for edit in EDITS
        for name in ("subspace", *dict.fromkeys(control for row in variables.values() for control in row["ce"][edit]["controls"]))
    ]

    def of(variable: str) -> Column:
        def cell(row: tuple[str, str]) -> Cell | str:
            effect = variables[variable]["ce"][row[0]]
            held = effect if row[1] == "subspace" else effect["controls"].get(row[1])
            return cell_of(held) if held else ABSENT

        return Column(variable, cell)

    columns = (words("CE of", lambda row: "the subspace" if row[1] == "subspace" else control_name(row[1])), *map(of, variables))
    caption = (
        f"The subspace and every control, with 95 % intervals (of a control: mean of {record['settings']['draws']} draws, or fewer where "
        "nothing is drawn). Untrained: the whole pipeline on untrained twins."
    )
    made = grid(rows, columns, caption, lambda row: EDITS[row[0]])
    return Section("controls", "Beside every control", (made,))


def _drawn(name: str, effect: Json) -> beside_controls.Row:
    return beside_controls.Row.of(name, {"subspace": _known(effect), **{key: _known(row) for key, row in effect["controls"].items()}})


def _known(figures: Json) -> Json:
    """With NaN for what is not known, as tables have it."""
    return {name: math.nan if figures[name] is None else figures[name] for name in ("value", "low", "high")}


def _layers(record: Json) -> Section:
    panels = []
    for name, row in record["variables"].items():
        series = [
            Series(said, [int(layer) for layer in values], list(values.values()), look)
            for said, values, look in (
                ("trained", row["by_layer"]["dense"], CONTROLS["subspace"]),
                ("untrained twins", row["by_layer"]["dense_untrained"], Look(GREY, "s", SHORT, hollow=True)),
            )
        ]
        panels.append(curves.Panel(series, [Level(row["accuracy"]["chance"], "chance", share=True)], title=name))
    drawing = curves.draw("bench-focus-layers", "Accuracy by layer", panels, Axis("layer", "layer"), Axis("accuracy"))
    caption = "Dense probes of every layer on test clips, trained and untrained; the interval at the best layer is in the table above."
    return Section("layers", "By layer", (Figure(drawing, caption),))


def _studies(record: Json) -> Section:
    blocks: list[Block] = [Paragraph("Each variable has a run folder and a page of its own, which the sentences below are from.")]
    rows = [(name, row["headline"], f"{name}/report.html") for name, row in record["variables"].items()]
    columns = (words("variable", lambda row: row[0]), words("headline", lambda row: row[1]), words("page", lambda row: row[2]))
    blocks.append(grid(rows, columns, "What each study says of itself, word for word."))
    return Section("studies", "Every variable's study", tuple(blocks))


def _encoder(record: Json) -> Section:
    about, difference = record["encoder"], record["encoder"]["difference"]
    held = (
        f"on one image of noise its final latents differ from those of the file run by onnxruntime by {shown(difference)} at most"
        if finite(difference)
        else "onnxruntime is not installed here, so it was not held against the file run by it"
    )
    text = (
        f"{about['name']}: {about['parameters']:,} parameters, {about['depth']} blocks of width {about['width']}, {about['tokens']} tokens "
        f"a clip. Source: {about['source']}. The file was parsed and never run; {held}. It is an image encoder: nothing in it sees motion."
    )
    return Section("encoder", "The encoder", (Paragraph(text),))
