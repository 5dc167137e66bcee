"""The planted scorecard as one HTML page and its figures, made from planted.json alone."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from jepascope.errors import RunFolderError
from jepascope.findings.effect import Against, Effect
from jepascope.findings.numbers import ABSENT, Cell, count, interval_cell, number_cell, shown, with_interval
from jepascope.findings.verdict import ratio_words
from jepascope.intervention.control_entry import MATCHED
from jepascope.report.blocks import Block, Figure, Finding, Grid, Paragraph, Section
from jepascope.report.build import render_page, write_text
from jepascope.report.planted_degeneracy import degeneracy_line, degeneracy_section
from jepascope.report.planted_figures import expected_effects, recovery_map, rejection_areas


def build_planted(out: Path) -> Path:
    """Write ``out``/planted.html and the figures beside it. Raises RunFolderError where planted.json is missing or damaged."""
    source = out / "planted.json"
    try:
        card = json.loads(source.read_text(encoding="utf-8"))
        networks = [_network(name, network) for name, network in card["networks"].items()]
        sections = [_summary(card), *degeneracy_section(card), *networks, _criteria(card)]
        byline = f"{len(card['networks'])} networks · seed {card['seed']} · {card['draws']} draws of every control"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"'{source}' cannot be read ({error}); run jepascope planted again.") from None
    for drawing in (drawing for section in sections for drawing in section.drawings):
        write_text(out / f"{drawing.name}.svg", f'<?xml version="1.0" encoding="utf-8"?>\n{drawing.svg}\n')
    return write_text(out / "planted.html", render_page("planted.html.j2", sections=sections, byline=byline, source=source.name))


def _summary(card: dict[str, Any]) -> Section:
    networks = card["networks"]
    finders = list(
        dict.fromkeys(name for network in networks.values() for name, row in network["subspaces"].items() if not row["reference"])
    )
    values = {
        name: {finder: row["sas_causal"] for finder, row in network["subspaces"].items() if not row["reference"]}
        for name, network in networks.items()
    }
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
        found = [finder for finder, row in network["subspaces"].items() if not row["reference"] and row["verdict"] == "recovered"]
        rest = "; ".join(f"{times} {words}" for words, times in verdicts.most_common() if words != "recovered")
        lines.append(f"{name}: recovered by {', '.join(found) if found else 'no finder'}" + (f" ({rest})." if rest else "."))
    repaired = card["networks"].get("self_repair", {}).get("reads") or {}
    if repaired:
        fades = ", ".join(
            f"{shown(row['subspace']['value'])} at layer {layer} ({row['subspace']['expected']:g})" for layer, row in repaired.items()
        )
        lines.append(f"self_repair: ablating the causal subspace, read layer by layer: {fades}; in brackets what the equations give.")
    lines += degeneracy_line(card["networks"])
    areas = card["decoy_rejection"]
    if areas:
        said = {name: with_interval(area["area"], area["low"], area["high"]) for name, area in areas.items()}
        seeds = areas["ablate"]["seeds"]
        lines.append(
            f"Decoys (n = {seeds} seeds): CE tells causal from inert subspaces with an area under the curve of {said['ablate']} (ablate) "
            f"and {said['swap']} (swap), probe accuracy with {said['accuracy']}"
            + (": it prefers the decoy." if areas["accuracy"]["high"] < 0.5 else ".")
        )
    return lines


def _network(name: str, network: dict[str, Any]) -> Section:
    head = (
        "subspace",
        "verdict",
        "rank",
        "SAS causal",
        "SAS inert",
        "probe inside",
        "CE ablate",
        "from equations",
        "CE swap",
        "from equations",
    )
    rows: list[tuple[Cell | str, ...]] = []
    against: list[tuple[Cell | str, ...]] = []
    for group, reference in (("found", False), ("known", True)):
        rows.append((group,))
        for finder, row in network["subspaces"].items():
            if row["reference"] != reference:
                continue
            if row["refusal"]:
                rows.append((finder, f"{row['verdict']}: {row['refusal']}", *[ABSENT] * (len(head) - 2)))
                continue
            accuracy = interval_cell(row["accuracy"], row["accuracy_low"], row["accuracy_high"])
            edits = [cell for edit in ("ablate", "swap") for cell in _beside(row["edits"][edit])]
            rows.append(
                (
                    finder,
                    row["verdict"],
                    count(row["rank"]),
                    number_cell(row["sas_causal"]),
                    number_cell(row["sas_inert"]),
                    accuracy,
                    *edits,
                )
            )
            against += [(f"{finder}, {edit}", *_ratios(figures)) for edit, figures in row["edits"].items()]
    n = next((figures["n"] for row in network["subspaces"].values() for figures in row["edits"].values()), 0)
    caption = (
        f"SAS is calibrated (0: chance). Probe inside: accuracy of a dense probe that sees the subspace alone (chance 0.125), n = {n} test "
        "scenes, as for CE; brackets: 95 % intervals. * the calculated value lies outside the interval."
    )
    ratios = (
        "The same subspaces against each control: CE of the control (mean of its draws) and, in brackets after it, the ratio of the "
        "subspace's CE to it with its interval. Known subspaces have no finder, so no shuffled labels."
    )
    return Section(
        name,
        name,
        (
            Paragraph(f"{network['about'][:1].upper()}{network['about'][1:]}."),
            Grid(head, tuple(rows), caption, words=2),
            *_reads(network.get("reads") or {}),
            Grid(("subspace, edit", "CE", *MATCHED), tuple(against), ratios),
        ),
    )


def _reads(reads: dict[str, Any]) -> tuple[Grid, ...]:
    """By layer: what ablating the causal subspace does to the output plane."""
    if not reads:
        return ()
    own = {layer: row["subspace"] for layer, row in reads.items()}
    rows: list[tuple[Cell | str, ...]] = [
        ("CE of ablation", *(_beside(figures)[0] for figures in own.values())),
        ("from equations", *(_beside(figures)[1] for figures in own.values())),
        ("random directions", *(number_cell(row["random"]["value"]) for row in reads.values() if "random" in row)),
    ]
    caption = (
        "The causal subspace ablated and read off the output plane at every later layer (edited at layer 1; brackets: 95 % intervals; "
        "random directions: mean of the draws). Where later blocks repair what is missing, the effect fades."
    )
    return (Grid(("read at", *(f"layer {layer}" for layer in own)), tuple(rows), caption),)


def _beside(figures: dict[str, Any]) -> tuple[Cell, str]:
    """The measured CE, and what it should be."""
    star = "" if figures["inside"] else " *"
    return interval_cell(figures["value"], figures["low"], figures["high"]), f"{figures['expected'] + 0.0:.3f}{star}".replace(
        "-0.000", "0.000"
    )


def _ratios(figures: dict[str, Any]) -> tuple[Cell | str, ...]:
    cells: list[Cell | str] = [shown(figures["value"])]
    for control in MATCHED:
        row = figures["controls"].get(control)
        if row is None:
            cells.append(ABSENT)
            continue
        cells.append(f"{shown(row['value'])} ({ratio_words(Against.of(row, Effect.of(figures), control))})")
    return tuple(cells)


def _criteria(card: dict[str, Any]) -> Section:
    rows = tuple((str(verdict), str(criterion)) for verdict, criterion in card["criteria"].items())
    caption = "Verdicts are given by these criteria, in this order; none of them knows the network's name."
    return Section("criteria", "How a verdict is given", (Grid(("verdict", "when"), rows, caption, words=2),))
