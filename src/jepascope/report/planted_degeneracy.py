"""Degeneracy on the page of planted networks: which network holds the variable in copies, by the same verdicts as in a study."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.numbers import ABSENT, Cell, count, count_range, interval_cell, number_cell, percent, percent_span, shown, stacked
from jepascope.report.blocks import Figure, Finding, Grid, Section
from jepascope.report.sections.peeling import degeneracy_curve

TITLE = "Degeneracy"
CALLED = "degenerate"

Json = dict[str, Any]


def degeneracy_line(networks: Json) -> list[str]:
    """One sentence: which networks are called degenerate, which are not, and how many copies were counted in each."""
    curves = _curves(networks)
    if not curves:
        return []
    by_verdict: dict[str, list[str]] = {CALLED: []}
    for name, curve in curves.items():
        by_verdict.setdefault(curve["verdict"], []).append(f"{name} ({_copies(curve['copies'])})")
    finders = ", ".join(dict.fromkeys(curve["finder"] for curve in curves.values()))
    said = "; ".join(f"{verdict}: {', '.join(names) or 'none'}" for verdict, names in by_verdict.items())
    return [f"Degeneracy (subspaces of {finders} peeled off one after another), called {said}."]


def degeneracy_section(card: Json) -> list[Section]:
    """The curves, what was found at each stage, and the pairs; nothing where degeneracy was left out."""
    networks, confidence = card["networks"], f"{100 * card['confidence']:g} %"
    curves = _curves(networks)
    if not curves:
        return []
    table = _table(curves)
    draws = count_range(table[table["control"] != "subspace"]["draws"])
    caption = (
        "CE of swapping the subspace of each stage while all earlier ones are ablated (share of the change to the twin), a panel for each "
        f"network, rank {count_range(table['rank'])}, n = {count_range(table['n'])} test scenes; vertical lines: {confidence} intervals. "
        "Hollow: no effect of its own (above 0.05 "
        "and outside both controls), where the peeling ends. Diamonds: the same stage while all other stages are ablated, later ones "
        f"too. Control: random and variance-matched subspaces of the same rank, outside all stages peeled so far, mean of {draws} draws."
    )
    blocks = [Finding(line) for line in degeneracy_line(networks)]
    figure = Figure(degeneracy_curve(table, "planted-degeneracy"), caption)
    grids = (_verdicts(curves, confidence), _stages(curves, confidence), _pairs(networks, confidence), _meanings(card))
    return [Section("degeneracy", TITLE, (*blocks, figure, *grids))]


def _curves(networks: Json) -> dict[str, Json]:
    """The curve of every network that has one."""
    found = {name: (network.get("degeneracy") or {}).get("peeling") for name, network in networks.items()}
    return {name: curve for name, curve in found.items() if curve}


def _copies(many: int) -> str:
    return "1 copy" if many == 1 else f"{many} copies"


def _table(curves: dict[str, Json]) -> pd.DataFrame:
    """The rows of a study's peeling table, the network in the place of the finder."""
    rows = []
    for name, curve in curves.items():
        for stage in curve["stages"]:
            where = {"finder": name, "stage": stage["stage"], "rank": stage["rank"]}
            rows.append({**where, **stage, "control": "subspace", "above": bool(stage["above"]), "draws": 1})
            rows += [{**where, **control, "control": kind, "above": False} for kind, control in stage["controls"].items()]
    table = pd.DataFrame(rows)
    effects = ["value", "low", "high", "alone", "alone_low", "alone_high"]
    return table.astype(dict.fromkeys(effects, float))


def _verdicts(curves: dict[str, Json], confidence: str) -> Grid:
    rows = tuple(
        (
            name,
            Cell(curve["verdict"], strong=True),
            curve["reason"],
            count(curve["copies"]),
            count(curve["carriers"]),
            _interval(curve, "whole"),
            _interval(curve, "surplus"),
        )
        for name, curve in curves.items()
    )
    caption = (
        "The verdict on each curve, by criteria that do not know the network. Copies: stages that alone carry more than half of what all "
        "carriers do together. Carriers: stages above both of their controls. Whole: CE of all carriers together; surplus: the sum of what "
        f"each does alone, less the whole: 0 where parts add up, as much as the whole where either is enough. Brackets: {confidence}."
    )
    return Grid(("network", "verdict", "reason", "copies", "carriers", "whole", "surplus"), rows, caption, words=3)


def _stages(curves: dict[str, Json], confidence: str) -> Grid:
    rows: list[tuple[Cell | str, ...]] = []
    for name, curve in curves.items():
        rows.append((Cell(name, strong=True),))
        rows += [
            (
                f"stage {count(stage['stage'])}",
                stage["nearest"],
                number_cell(stage["nearest_sas"]),
                stacked(interval_cell(stage["value"], stage["low"], stage["high"])),
                *(_control(stage, kind) for kind in ("random", "variance")),
                stacked(_interval(stage, "alone")),
                "yes" if stage["above"] else "no",
            )
            for stage in curve["stages"]
        ]
    caption = (
        "What each stage found. Nearest: the known subspace of the same rank that it is aligned with best, and calibrated SAS with it "
        "(0: chance; of one network and one draw of clips: no interval); verdicts are not given on it. CE with the earlier stages ablated, "
        f"that of its controls (mean draw), and CE with all other stages ablated. Brackets: {confidence} over scenes (and draws)."
    )
    head = ("stage", "nearest", "SAS", "CE, earlier ablated", "random", "variance-matched", "CE, others ablated", "carries")
    return Grid(head, tuple(rows), caption, words=2)


def _pairs(networks: Json, confidence: str) -> Grid:
    rows: list[tuple[Cell | str, ...]] = []
    n, draws = 0, 0
    for name, network in networks.items():
        pairs = (network.get("degeneracy") or {}).get("pairs", [])
        if pairs:
            rows.append((Cell(name, strong=True),))
        for pair in pairs:
            n = pair["n"]
            draws = max([draws, *(control["draws"] for part in pair["parts"].values() for control in part["controls"].values())])
            rows.append(
                (
                    f"a: {pair['a']}, b: {pair['b']}",
                    Cell(pair["verdict"], strong=True),
                    pair["reason"],
                    Cell(f"{pair['sas']:.3f}\nchance {shown(pair['sas_chance'])}", repr(pair["sas"])),
                    _above(pair, "readings"),
                    _alone(pair, "a"),
                    _alone(pair, "b"),
                    _interval(pair, "surplus"),
                    Cell(
                        f"{percent(pair['refit_accuracy'])} {percent_span(pair['refit_low'], pair['refit_high'])}\n"
                        f"largest class {percent(pair['refit_chance'])}"
                    ),
                )
            )
    caption = (
        "Tests of pairs: the carriers that were peeled off (where there are fewer than two: the causal and the inert subspace), and a "
        "pattern with a filter. SAS: no interval, a property of the two. Readings: mean squared canonical correlation of what the two read "
        "on test clips (1: the same numbers). a without b: CE of a's swap with b ablated in both clips; below it variance-matched "
        f"subspaces outside both, mean of {draws} draws. Fresh probe: its accuracy at the site after one of the two is ablated, the lower "
        f"of the two. Brackets: {confidence}; n = {n} test scenes."
    )
    head = ("pair", "verdict", "reason", "SAS", "readings", "a without b", "b without a", "surplus", "fresh probe")
    return Grid(head, tuple(rows), caption, words=3)


def _meanings(card: Json) -> Grid:
    rows = tuple((str(verdict), str(criterion)) for verdict, criterion in card["degeneracy_criteria"].items())
    return Grid(("verdict", "when"), rows, "Verdicts on degeneracy; none of them knows the network's name.", words=2)


def _interval(row: Json, name: str) -> Cell:
    return interval_cell(row[name], row[f"{name}_low"], row[f"{name}_high"])


def _control(stage: Json, kind: str) -> Cell | str:
    control = stage["controls"].get(kind)
    return stacked(interval_cell(control["value"], control["low"], control["high"])) if control else ABSENT


def _alone(pair: Json, side: str) -> Cell:
    own = _interval(pair, f"{side}_alone")
    return Cell(f"{own.text}\nvariance {shown(pair[f'{side}_floor'])}", own.exact)


def _above(pair: Json, name: str) -> Cell:
    own = _interval(pair, name)
    return Cell(f"{own.text}\nchance {shown(pair[f'{name}_chance'])}", own.exact)
