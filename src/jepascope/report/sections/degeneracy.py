"""Section of stage three: is the variable there once, in parts, or in copies?"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from jepascope.findings.beside import unread_judge
from jepascope.findings.copies import by_verdict, verdict_words
from jepascope.findings.numbers import ABSENT, Cell, count, count_range, finite, interval_cell, percent, percent_span, shown, span
from jepascope.findings.selection import has_twins
from jepascope.findings.verdict import unread_words
from jepascope.portability.verdict import VERDICTS
from jepascope.report.blocks import Block, Figure, Finding, Grid, Heading, Section, not_run
from jepascope.report.figures.degeneracy import PairParts, degeneracy_parts, pair_parts
from jepascope.report.folder import RunFolder
from jepascope.report.sections.peeling import peeling_blocks

TITLE = "Degeneracy"
MOST_PANELS = 6
MOST_ROWS = 40


def degeneracy_section(run: RunFolder) -> Section:
    """A verdict for each pair of finders with its evidence, then the degeneracy curve."""
    verdicts = run.table("verdicts")
    peeled = peeling_blocks(run)
    if verdicts is None and not peeled:
        return not_run("degeneracy", TITLE, "no test of pairs and no peeling (stage port; folders of earlier versions have none)")
    if (unread := unread_judge(run)) is not None:
        why = (
            f"Not told: {unread_words(unread)}, and verdicts rest on effects by it (verdicts.parquet and peeling.parquet hold what moved)."
        )
        return Section("degeneracy", TITLE, (Finding(why),))
    blocks: list[Block] = []
    if verdicts is not None:
        verdicts = by_verdict(verdicts)
        blocks += [Finding(text) for text in verdict_words(verdicts)]
        blocks.append(_meanings(verdicts))
        blocks += _parts(run, verdicts)
        blocks += [_effect_grid(verdicts, run.confidence), _geometry_grid(verdicts, run.confidence)]
    if peeled:
        blocks += [Heading("Degeneracy curve"), *peeled]
    return Section("degeneracy", TITLE, tuple(blocks))


def _meanings(verdicts: pd.DataFrame) -> Grid:
    counts = Counter(verdicts["verdict"])
    rows = tuple((name, what, count(counts[name])) for name, what in VERDICTS.items())
    return Grid(("verdict", "what it means", "pairs"), rows, "The verdicts that a pair can get, and how many got each.", words=2)


def _parts(run: RunFolder, verdicts: pd.DataFrame) -> list[Block]:
    table = run.table("degeneracy")
    if table is None:
        return []
    pairs: list[PairParts] = [pair_parts(table, str(row["a"]), str(row["b"])) for row in verdicts.to_dict("records")]
    pairs = [pair for pair in pairs if pair.parts]
    if not pairs:
        return []
    left = len(pairs) - MOST_PANELS
    draws = count_range(table[table["control"] != "subspace"]["draws"])
    twin = "twin" if has_twins(run) else "donor"
    caption = (
        f"CE of a swap at layer {count_range(table['layer'])}: share of the change to the {twin} that is made (1, dotted: as good as the "
        f"{twin} itself), n = {count_range(table['n'])} test scenes; lines: {run.confidence}. a, b, a and b: swapped with nothing ablated. "
        f"a without b: b is ablated in clip and {twin}, and what a then holds of the two is swapped. Control (hollow): random and "
        f"variance-matched subspaces of the same rank that lie outside both, in the same test, mean of {draws} draws."
        + (f" {left} more pairs are in the tables." if left > 0 else "")
    )
    return [Figure(degeneracy_parts(pairs[:MOST_PANELS]), caption)]


def _effect_grid(verdicts: pd.DataFrame, confidence: str) -> Grid:
    rows: list[tuple[Cell | str, ...]] = []
    for verdict, part in verdicts.head(MOST_ROWS).groupby("verdict", sort=False):
        rows.append((Cell(str(verdict), strong=True),))
        for row in part.to_dict("records"):
            refit = f"{percent(row['refit_accuracy'])} {percent_span(row['refit_low'], row['refit_high'])}"
            if finite(row["erased_accuracy"]):
                refit += f"\nerased {percent(row['erased_accuracy'])}"
            surplus = interval_cell(*(row[f"surplus{end}"] for end in ("", "_low", "_high")))
            whole = interval_cell(*(row[f"whole{end}"] for end in ("", "_low", "_high")))
            rows.append(
                (
                    str(row["a"]),
                    str(row["b"]),
                    _alone(row, "a"),
                    _alone(row, "b"),
                    Cell(f"{surplus.text}\nwhole {whole.text}", surplus.exact) if whole.exact else surplus,
                    _under(refit, row["refit_chance"], percent),
                )
            )
    caption = (
        "What each carries when the other is gone: CE of a's swap with b ablated in both clips, and the reverse; below it the mean CE of "
        "variance-matched subspaces outside both, and Δ, the interval of the difference. Surplus: the two less what both do together "
        "(the whole): 0 where parts add up, as much as the whole where either is enough. Fresh probe: its accuracy at the site after one "
        f"of the two is ablated (the lower); erased: after all that goes along with it is taken away, another copy of the same code "
        f"included. Brackets: {confidence}; n = {count_range(verdicts['n'])} test scenes.{_rest(verdicts)}"
    )
    return Grid(("a", "b", "a without b", "b without a", "surplus", "fresh probe"), tuple(rows), caption, words=2)


def _alone(row: dict[Any, Any], side: str) -> Cell:
    own = interval_cell(*(row[f"{side}_alone{end}"] for end in ("", "_low", "_high")))
    if not own.exact:
        return Cell(ABSENT)
    excess = f"\nΔ {span(row[f'{side}_excess_low'], row[f'{side}_excess_high'])}" if finite(row[f"{side}_excess_low"]) else ""
    return Cell(f"{own.text}\nvariance {shown(row[f'{side}_floor'])}{excess}", own.exact)


def _geometry_grid(verdicts: pd.DataFrame, confidence: str) -> Grid:
    rows = tuple(
        (
            str(row["a"]),
            str(row["b"]),
            Cell(f"{shown(row['sas'])}\nchance {shown(row['sas_chance'])}; split-half {shown(row['ceiling'])}", _exact(row["sas"])),
            _under(interval_cell(*(row[f"readings{end}"] for end in ("", "_low", "_high"))).text, row["readings_chance"], shown),
            Cell(_rce(row), _exact(row["rce"])),
        )
        for row in verdicts.head(MOST_ROWS).to_dict("records")
    )
    caption = (
        "How the same pairs lie, what they read and what one does in place of the other. SAS: no unit, a property of the pair. Readings: "
        "mean squared canonical correlation of what the two read on held-out clips (1: the same numbers). RCE: effect of one over effect "
        f"of the other, at the dose named. Brackets: {confidence}.{_rest(verdicts)}"
    )
    return Grid(("a", "b", "SAS", "readings", "RCE"), rows, caption, words=2)


def _rce(row: dict[Any, Any]) -> str:
    if not finite(row["rce"]):
        return ABSENT
    value = interval_cell(row["rce"], row["rce_low"], row["rce_high"]).text
    return f"{value}\ndose {row['rce_dose']:g}{', saturated' if bool(row['saturated']) else ''}"


def _under(text: str, chance: Any, show: Any) -> Cell:
    """A value with its chance on the next line; absent where it was not measured."""
    return Cell(ABSENT) if text.startswith(ABSENT) else Cell(f"{text}\nchance {show(chance)}")


def _exact(value: Any) -> str:
    return repr(float(value)) if finite(value) else ""


def _rest(verdicts: pd.DataFrame) -> str:
    return f" {len(verdicts) - MOST_ROWS} more pairs are in verdicts.parquet." if len(verdicts) > MOST_ROWS else ""
