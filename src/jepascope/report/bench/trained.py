"""The page of ``bench trained``: networks trained to read direction from a known plane."""

from __future__ import annotations

import math
from typing import Any

from jepascope.findings.names import control_name
from jepascope.findings.numbers import ABSENT, Cell, cell_of, count, interval_words, number_cell, shown, stacked
from jepascope.report.blocks import Block, Figure, Finding, Grid, Section
from jepascope.report.charts import beside_controls
from jepascope.report.grids import Column, grid, words
from jepascope.report.planted import criteria_section, network_section
from jepascope.report.planted_degeneracy import degeneracy_line, degeneracy_section

KNOWN = {"truth": "the known plane", "inert": "the other plane"}
DOES = {
    "task": "says the clip's class",
    "interchange": "says the other's class",
    "complement": "still says its own",
    "decoy": "says the other's",
}
EXCHANGED = {"task": "nothing", "interchange": "the known plane", "complement": "everything else", "decoy": "the other plane"}

Json = dict[str, Any]


def sections(record: Json) -> list[Section]:
    """The result, how the networks came out of training, degeneracy, a section a network, the criteria."""
    networks = [network_section(name, network) for name, network in record["networks"].items()]
    return [_summary(record), _training(record), *degeneracy_section(record), *networks, criteria_section(record)]


def _summary(record: Json) -> Section:
    networks = record["networks"]
    blocks: list[Block] = [Finding(line) for name, network in networks.items() for line in network_lines(name, network)]
    blocks += [Finding(line) for line in degeneracy_line(networks)]
    rows = [(name, finder, row) for name, network in networks.items() for finder, row in network["subspaces"].items()]
    rows.sort(key=lambda row: list(networks).index(row[0]))
    columns = (
        words("subspace", lambda row: KNOWN.get(row[1], row[1])),
        words("verdict", lambda row: row[2]["verdict"]),
        Column("SAS known", lambda row: ABSENT if row[2]["refusal"] else number_cell(row[2]["sas_causal"])),
        Column("SAS other", lambda row: ABSENT if row[2]["refusal"] else number_cell(row[2]["sas_inert"])),
        Column("probe inside", lambda row: ABSENT if row[2]["refusal"] else stacked(cell_of(row[2], "accuracy"))),
        Column("CE swap", lambda row: ABSENT if row[2]["refusal"] else stacked(cell_of(row[2]["edits"]["swap"]))),
        Column("closest control", lambda row: ABSENT if row[2]["refusal"] else _closest_cell(row[2]["edits"]["swap"])),
        Column("CE ablate", lambda row: ABSENT if row[2]["refusal"] else stacked(cell_of(row[2]["edits"]["ablate"]))),
    )
    caption = (
        "Every subspace at the known plane's rank. SAS with the known and with the other plane, calibrated (0: chance, 1: the same); probe "
        "inside: accuracy of a probe that sees the subspace alone (chance 0.125); CE with 95 % intervals, and beside a swap's the control "
        "that does most (mean of its draws)."
    )
    blocks.append(grid(rows, columns, caption, lambda row: row[0]))
    panels = [
        beside_controls.Panel(
            [
                beside_controls.Row.of(KNOWN.get(finder, finder), _drawn(effect))
                for finder, row in network["subspaces"].items()
                if not row["refusal"] and (effect := row["edits"]["swap"])
            ],
            title=name,
        )
        for name, network in networks.items()
    ]
    drawing = beside_controls.draw("bench-trained-swap", "Swaps beside their controls", panels, "CE of swap", across=len(panels))
    blocks.append(
        Figure(drawing, f"CE of a swap with the twin (1: as far as the real change), n = {_scenes(record)} scenes; 95 % intervals.")
    )
    return Section("summary", "Result", tuple(blocks))


def network_lines(name: str, network: Json) -> list[str]:
    """What came out on one network, failures as plainly as successes."""
    lines = []
    for subspace, called in KNOWN.items():
        row = network["subspaces"][subspace]
        effect = row["edits"]["swap"]
        said = f"{name}: {called}, which a probe reads with accuracy {interval_words(row, 'accuracy')}"
        if effect["value"] is None:
            lines.append(f"{said}, has no effect to speak of: the head's margin does not move even with the real twin.")
            continue
        control, closest = _closest(effect)
        lines.append(
            f"{said}, has CE(swap) {interval_words(effect)} (n = {count(effect['n'])} scenes); of its controls {control_name(control)} "
            f"does most, {interval_words(closest)}."
        )
    found = {finder: row for finder, row in network["subspaces"].items() if not row["reference"]}
    by_verdict: dict[str, list[str]] = {}
    for finder, row in found.items():
        sas = "" if row["refusal"] else f" (SAS {shown(row['sas_causal'], 2)})"
        by_verdict.setdefault(row["verdict"], []).append(f"{finder}{sas}")
    if found:
        lines.append(f"{name}: " + "; ".join(f"{verdict}: {', '.join(finders)}" for verdict, finders in by_verdict.items()) + ".")
    return lines


def _closest(effect: Json) -> tuple[str, Json]:
    """The control that does most; the first where there is no margin to take a share of."""
    controls = effect["controls"]
    name = max(controls, key=lambda control: -math.inf if controls[control]["value"] is None else controls[control]["value"])
    return name, controls[name]


def _drawn(effect: Json) -> Json:
    """A row of the figure: the subspace's own effect and its controls'."""
    return {"subspace": _known(effect), **{name: _known(row) for name, row in effect["controls"].items()}}


def _known(figures: Json) -> Json:
    """With NaN for what is not known, as tables have it."""
    return {name: math.nan if value is None else value for name, value in figures.items() if name != "controls"}


def _closest_cell(effect: Json) -> Cell:
    control, row = _closest(effect)
    return Cell(f"{shown(row['value'])}\n({control})", repr(row["value"]))


def _scenes(record: Json) -> str:
    rows = [row for network in record["networks"].values() for row in network["subspaces"].values() if not row["refusal"]]
    return count(rows[0]["edits"]["swap"]["n"])


def _training(record: Json) -> Section:
    rows = [
        (name, what, share, network["sizes"]) for name, network in record["networks"].items() for what, share in network["measured"].items()
    ]
    columns = (
        words("exchanged with another clip", lambda row: EXCHANGED[row[1]]),
        words("the network's own head", lambda row: DOES[row[1]]),
        Column("share of clips", lambda row: cell_of(row[2])),
        Column("clips", lambda row: count(row[2]["n"])),
    )
    sizes = "; ".join(
        f"{name}: {', '.join(f'{KNOWN[plane]} {shown(size)}' for plane, size in network['sizes'].items())}"
        for name, network in record["networks"].items()
    )
    caption = (
        "What the networks were trained for, on clips that training cannot have drawn; 95 % intervals. How far class means lie from their "
        f"mean in each plane (root mean square): {sizes}."
    )
    made: Grid = grid(rows, columns, caption, lambda row: row[0])
    return Section("training", "What the networks were trained for", (made,))
