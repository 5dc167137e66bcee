"""Degeneracy on the page of planted networks: which network holds the variable in copies, by the same verdicts as in a study."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.numbers import ABSENT, Cell, cell_of, count, percent, share_words, shown, stacked
from jepascope.report.blocks import Figure, Finding, Grid, Section
from jepascope.report.grids import Column, beneath, counted, grid, interval, number, words
from jepascope.report.sections.degeneracy import alone_cell, curve_caption, degeneracy_curve, surplus_cell

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
    called = "; ".join(f"{verdict}: {', '.join(names) or 'none'}" for verdict, names in by_verdict.items())
    return [f"Degeneracy (subspaces of {finders} peeled off one after another), called {called}."]


def degeneracy_section(card: Json) -> list[Section]:
    """The curves, what was found at each stage, and the pairs; nothing where degeneracy was left out."""
    networks, confidence = card["networks"], f"{100 * card['confidence']:g} %"
    curves = _curves(networks)
    if not curves:
        return []
    table = _table(curves)
    caption = curve_caption(table, "", "twin", f"{confidence} intervals", "a panel for each network, ")
    blocks = [Finding(line) for line in degeneracy_line(networks)]
    figure = Figure(degeneracy_curve(table, "planted-degeneracy"), caption)
    grids = (_verdicts(networks, curves, confidence), _stages(curves, confidence), _pairs(networks, confidence), _meanings(card))
    return [Section("degeneracy", TITLE, (*blocks, figure, *grids))]


def _curves(networks: Json) -> dict[str, Json]:
    """The curve of every network that has one."""
    curves = {name: (network.get("degeneracy") or {}).get("peeling") for name, network in networks.items()}
    return {name: curve for name, curve in curves.items() if curve}


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


def _verdicts(networks: Json, curves: dict[str, Json], confidence: str) -> Grid:
    columns = (
        words("network", lambda row: row["network"]),
        words("verdict", lambda row: Cell(row["verdict"], strong=True)),
        words("by construction", lambda row: row["right"].get("curve", ABSENT)),
        words("reason", lambda row: row["reason"]),
        counted("copies", "copies"),
        counted("carriers", "carriers"),
        interval("whole", "whole"),
        Column("surplus", surplus_cell),
        Column("all that is left", lambda row: cell_of(row, "rest")),
    )
    caption = (
        "The verdict on each curve, by criteria that do not know the network, and the right one. Copies: stages that alone carry more than "
        "half of what all carriers do together. Carriers: stages above both of their controls. Whole: CE of all carriers together; "
        "surplus: the sum of what each does alone, less the whole: 0 where parts add up, as much as the whole where either is enough; "
        "norms held: the same where no norm reads what is left louder. All that is left: CE of everything outside the carriers while they "
        "are ablated. "
        f"Brackets: {confidence}."
    )
    rows = [{"network": name, "right": networks[name].get("right", {}), **curve} for name, curve in curves.items()]
    return grid(rows, columns, caption)


def _stages(curves: dict[str, Json], confidence: str) -> Grid:
    def control(head: str, kind: str) -> Column:
        return Column(head, lambda row: stacked(cell_of(row["controls"][kind])) if row["controls"].get(kind) else ABSENT)

    columns = (
        words("stage", lambda row: f"stage {count(row['stage'])}"),
        words("nearest", lambda row: row["nearest"]),
        number("SAS", "nearest_sas"),
        interval("CE, earlier ablated", under=True),
        control("random", "random"),
        control("variance-matched", "variance"),
        interval("CE, others ablated", "alone", under=True),
        Column("carries", lambda row: "yes" if row["above"] else "no"),
    )
    caption = (
        "What each stage found. Nearest: the known subspace of the same rank that it is aligned with best, and calibrated SAS with it "
        "(0: chance; of one network and one draw of clips: no interval); verdicts are not given on it. CE with the earlier stages ablated, "
        f"that of its controls (mean draw), and CE with all other stages ablated. Brackets: {confidence} over scenes (and draws)."
    )
    rows = [{"network": name, **stage} for name, curve in curves.items() for stage in curve["stages"]]
    return grid(rows, columns, caption, lambda row: str(row["network"]))


def _pairs(networks: Json, confidence: str) -> Grid:
    rows = [
        {"network": name, "known": _known(network, pair), **pair}
        for name, network in networks.items()
        for pair in (network.get("degeneracy") or {}).get("pairs", [])
    ]
    draws = [control["draws"] for pair in rows for part in pair["parts"].values() for control in part["controls"].values()]
    columns = (
        words("pair", lambda row: f"a: {row['a']}, b: {row['b']}"),
        words("verdict", lambda row: Cell(row["verdict"], strong=True)),
        words("reason", lambda row: row["reason"]),
        Column("SAS", lambda row: Cell(f"{row['sas']:.3f}\nchance {shown(row['sas_chance'])}", repr(row["sas"]))),
        Column("readings", lambda row: beneath(cell_of(row, "readings"), "chance", shown(row["readings_chance"]))),
        Column("a without b", lambda row: alone_cell(row, "a")),
        Column("b without a", lambda row: alone_cell(row, "b")),
        words("by construction", lambda row: row["known"]),
        Column("surplus", surplus_cell),
        Column("fresh probe", _refit),
    )
    caption = (
        "Tests of pairs: the carriers that were peeled off, the two known subspaces that the right verdict is about (by construction), and "
        "a pattern with a filter. SAS: no interval, a property of the two. Readings: mean squared canonical correlation of what the two "
        "read on test clips (1: the same numbers). a without b: CE of a's swap with b ablated in both clips; below it variance-matched "
        f"subspaces outside both, mean of {max(draws, default=0)} draws, and Δ, the interval of the difference. Fresh probe: its accuracy "
        "at the site after one of the two is ablated, the lower of the two; it decides nothing. "
        f"Brackets: {confidence}; n = {rows[-1]['n'] if rows else 0} test scenes."
    )
    return grid(rows, columns, caption, lambda row: str(row["network"]))


def _known(network: Json, pair: Json) -> str:
    """The right verdict, where the pair is the one that it is known of."""
    answer = network.get("right", {})
    return str(answer["verdict"]) if answer.get("pair") and {pair["a"], pair["b"]} == set(answer["pair"]) else ABSENT


def _refit(pair: Json) -> Cell:
    own = share_words(*(pair[f"refit_{name}"] for name in ("accuracy", "low", "high")))
    return Cell(f"{own}\nlargest class {percent(pair['refit_chance'])}")


def _meanings(card: Json) -> Grid:
    rows = tuple((str(verdict), str(criterion)) for verdict, criterion in card["degeneracy_criteria"].items())
    return Grid(("verdict", "when"), rows, "Verdicts on degeneracy; none of them knows the network's name.", words=2)
