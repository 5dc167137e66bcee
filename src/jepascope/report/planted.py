"""The planted scorecard as one HTML page and its figures, made from planted.json alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from jepascope.disk.folder import Folder
from jepascope.disk.plain import read_object
from jepascope.errors import RunFolderError
from jepascope.findings.effect import Against, Effect
from jepascope.findings.numbers import ABSENT, Cell, cell_of, count, number_cell, shown, with_interval
from jepascope.findings.verdict import ratio_words
from jepascope.intervention.control_entry import AS_GIVEN
from jepascope.report.blocks import Block, Figure, Finding, Grid, Paragraph, Section
from jepascope.report.build import render_page, write_drawings, write_whole
from jepascope.report.grids import Column, grid, words
from jepascope.report.opened import opened
from jepascope.report.planted_degeneracy import degeneracy_line, degeneracy_section
from jepascope.report.planted_figures import expected_effects, recovery_map, rejection_areas


def build_planted(out: Path) -> Path:
    """Write ``out``/planted.html and the figures beside it. Raises RunFolderError where planted.json is missing or damaged."""
    source = out / "planted.json"
    try:
        card = read_object(Folder(out), source.name)
        networks = [network_section(name, network) for name, network in card["networks"].items()]
        chapters = [opened("result", "Which methods find it?", [_summary(card), *networks, criteria_section(card)])]
        if copies := degeneracy_section(card):
            chapters.append(opened("copies", "Are copies told from one another?", copies))
        byline = f"{len(card['networks'])} networks · seed {card['seed']} · {card['draws']} draws of every control"
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"'{source}' cannot be read ({error}); run jepascope planted again.") from None
    write_drawings(out, chapters)
    return write_whole(out / "planted.html", render_page("planted.html.j2", chapters, byline=byline, source=source.name))


def _summary(card: dict[str, Any]) -> Section:
    networks = card["networks"]
    values = {
        name: {finder: row["sas_causal"] for finder, row in network["subspaces"].items() if not row["reference"]}
        for name, network in networks.items()
    }
    finders = list(dict.fromkeys(finder for of_network in values.values() for finder in of_network))
    effects = [
        (name, edit, figures)
        for name, network in networks.items()
        for row in network["subspaces"].values()
        for edit, figures in row["edits"].items()
    ]
    inside = sum(bool(figures["inside"]) for _, _, figures in effects)
    largest = max((abs(figures["value"] - figures["expected"]) for _, _, figures in effects if figures["value"] is not None), default=0.0)
    blocks: list[Block] = [Finding(line) for line in headline(card)]
    blocks.append(
        Figure(
            recovery_map(values, finders),
            "Calibrated SAS of every finder's subspace with the causal subspace that was planted, at that subspace's own rank (or the "
            "finder's largest, where that is less). 1: the same subspace; 0: chance. One network and one draw of clips each: no interval.",
        )
    )
    blocks.append(
        Figure(
            expected_effects(effects),
            "CE of every finder's and every known subspace, measured by the judge "
            f"({100 * card['confidence']:g} % interval over test scenes), against the value that the network's equations give: inside the "
            f"interval (within rounding) in {inside} of {len(effects)} cases; largest difference {shown(largest)}. Cases share "
            "clips, so they are no independent tests of the intervals.",
        )
    )
    areas = card["decoy_rejection"]
    if areas:
        blocks.append(
            Figure(
                rejection_areas(areas),
                "Causal and inert subspaces of the decoy network in the same shapes (the plane, one direction of it, the plane and two "
                f"nuisance directions), over {next(iter(areas.values()))['seeds']} seeds, each with a frame and clips of its own; "
                "interval over seeds (bootstrap; of no width where every seed agrees).",
            )
        )
    return Section("summary", "Result", tuple(blocks))


def headline(card: dict[str, Any]) -> list[str]:
    """What came out, failures as plainly as successes: one sentence a network, one on degeneracy, and one on decoys."""
    lines = []
    for name, network in card["networks"].items():
        verdicts = Counter(row["verdict"] for row in network["subspaces"].values() if not row["reference"])
        recovered = [finder for finder, row in network["subspaces"].items() if not row["reference"] and row["verdict"] == "recovered"]
        rest = "; ".join(f"{times} {words}" for words, times in verdicts.most_common() if words != "recovered")
        lines.append(f"{name}: recovered by {', '.join(recovered) or 'no finder'}" + (f" ({rest})." if rest else "."))
    repaired = card["networks"].get("self_repair", {}).get("reads") or {}
    if repaired:
        fades = ", ".join(
            f"{shown(row['subspace']['value'])} at layer {layer} ({row['subspace']['expected']:g})" for layer, row in repaired.items()
        )
        lines.append(f"self_repair: ablating the causal subspace, read layer by layer: {fades}; in brackets what the equations give.")
    lines += degeneracy_line(card["networks"])
    areas = card["decoy_rejection"]
    if areas:
        texts = {name: with_interval(area["area"], area["low"], area["high"]) for name, area in areas.items()}
        seeds = areas["ablate"]["seeds"]
        lines.append(
            f"Decoys (n = {seeds} seeds): CE tells causal from inert subspaces with an area under the curve of {texts['ablate']} (ablate) "
            f"and {texts['swap']} (swap), probe accuracy with {texts['accuracy']}"
            + (": it prefers the decoy." if areas["accuracy"]["high"] < 0.5 else ".")
        )
    return lines


def network_section(name: str, network: dict[str, Any]) -> Section:
    subspaces = [{"subspace": finder, **row} for finder, row in network["subspaces"].items()]
    subspaces.sort(key=lambda row: bool(row["reference"]))
    measured = [row for row in subspaces if not row["refusal"]]
    n = next((figures["n"] for row in measured for figures in row["edits"].values()), 0)

    calculated = any(figures["expected"] is not None for row in measured for figures in row["edits"].values())

    def of_edit(edit: str) -> tuple[Column, ...]:
        effect = Column(f"CE {edit}", lambda row: ABSENT if row["refusal"] else cell_of(row["edits"][edit]))
        return (effect, Column("from equations", lambda row: ABSENT if row["refusal"] else _expected(row["edits"][edit])))[: 1 + calculated]

    def of_control(control: str) -> Column:
        return Column(control, lambda row: _against(row[2], control))

    columns = (
        words("subspace", lambda row: row["subspace"]),
        words("verdict", lambda row: f"{row['verdict']}{': ' * bool(row['refusal'])}{row['refusal'] or ''}"),
        Column("rank", lambda row: count(row["rank"]) if not row["refusal"] else ABSENT),
        Column("SAS causal", lambda row: number_cell(row["sas_causal"]) if not row["refusal"] else ABSENT),
        Column("SAS inert", lambda row: number_cell(row["sas_inert"]) if not row["refusal"] else ABSENT),
        Column("probe inside", lambda row: cell_of(row, "accuracy") if not row["refusal"] else ABSENT),
        *of_edit("ablate"),
        *of_edit("swap"),
    )
    caption = (
        f"SAS is calibrated (0: chance). Probe inside: accuracy of a dense probe that sees the subspace alone (chance 0.125), n = {n} test "
        "scenes, as for CE; brackets: 95 % intervals." + " * the calculated value lies outside the interval." * calculated
    )
    of_controls = (
        words("subspace, edit", lambda row: f"{row[0]}, {row[1]}"),
        Column("CE", lambda row: shown(row[2]["value"])),
        *map(of_control, AS_GIVEN),
    )
    ratios = (
        "The same subspaces against each control: CE of the control (mean of its draws) and, in brackets after it, the ratio of the "
        "subspace's CE to it with its interval. Known subspaces have no finder, so no shuffled labels."
    )
    edits = [(row["subspace"], edit, figures) for row in measured for edit, figures in row["edits"].items()]
    about = Paragraph(f"{network['about'][:1].upper()}{network['about'][1:]}.")
    of_all = grid(subspaces, columns, caption, lambda row: Cell("known" if row["reference"] else "found"))
    return Section(name, name, (about, of_all, *_reads(network.get("reads") or {}), grid(edits, of_controls, ratios)))


def _reads(reads: dict[str, Any]) -> list[Grid]:
    """By layer: what ablating the causal subspace does to the output plane."""
    rows: dict[str, Callable[[dict[str, Any]], Cell | str]] = {
        "CE of ablation": lambda at: cell_of(at["subspace"]),
        "from equations": lambda at: _expected(at["subspace"]),
        "random directions": lambda at: number_cell(at["random"]["value"]),
    }
    caption = (
        "The causal subspace ablated and read off the output plane at every later layer (edited at layer 1; brackets: 95 % intervals; "
        "random directions: mean of the draws). Where later blocks repair what is missing, the effect fades."
    )
    columns = [words("read at", lambda row: row[0])]
    columns += [Column(f"layer {layer}", partial(_at, at)) for layer, at in reads.items()]
    return [grid(rows.items(), columns, caption)] if reads else []


def _at(reads: dict[str, Any], row: tuple[str, Callable[[dict[str, Any]], Cell | str]]) -> Cell | str:
    return row[1](reads)


def _expected(figures: dict[str, Any]) -> str:
    """What a CE should be; with a star where the measured interval lies elsewhere."""
    return f"{figures['expected'] + 0.0:.3f}{'' if figures['inside'] else ' *'}".replace("-0.000", "0.000")


def _against(figures: dict[str, Any], control: str) -> str:
    row = figures["controls"].get(control)
    return ABSENT if row is None else f"{shown(row['value'])} ({ratio_words(Against.of(row, Effect.of(figures), control))})"


def criteria_section(card: dict[str, Any]) -> Section:
    rows = tuple((str(verdict), str(criterion)) for verdict, criterion in card["criteria"].items())
    caption = "Verdicts are given by these criteria, in this order; none of them knows the network's name."
    return Section("criteria", "How a verdict is given", (Grid(("verdict", "when"), rows, caption, words=2),))
