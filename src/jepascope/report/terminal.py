"""Tables for the terminal: one of a page, and the effects of an ``intervene`` folder."""

from __future__ import annotations

from pathlib import Path

from rich.table import Column, Table
from rich.text import Text

from jepascope.disk.folder import Folder
from jepascope.disk.manifest import Manifest
from jepascope.findings.beside import with_controls
from jepascope.findings.effect import SILENT, Effect, stored_readings
from jepascope.findings.facts import leads_in_turn
from jepascope.findings.names import control_name, controls_in
from jepascope.findings.numbers import count, interval_words, p_text, shown
from jepascope.findings.traced import SHOWN, component_words, of_role
from jepascope.findings.verdict import not_shown_words, ratio_words
from jepascope.report.blocks import Grid
from jepascope.report.tables import read_table
from jepascope.schema import TABLES
from jepascope.study.files import read_json

HEAD = ("edit at dose, judge", "against", "CE", "ratio", "p", "reading", "draws")


def grid_table(grid: Grid) -> Table:
    """A table of a page. Names come from strangers: plain text, never markup."""
    heads = [Column(Text(head), overflow="fold", justify="left" if at < grid.words else "right") for at, head in enumerate(grid.head)]
    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for row in grid.rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    return table


def parts_table(folder: Path) -> Table:
    """A line for each part of a ``trace`` folder and role: its value beside those of its controls."""
    components = read_table(Manifest(Folder(folder)), "components.parquet", TABLES["components"], {"components": True})
    assert components is not None  # its evidence was just claimed
    controls = controls_in(components["control"])
    heads = [Column(name, overflow="fold") for name in ("part", "finder")] + [
        Column(name, justify="right") for name in ("value", *controls)
    ]
    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for role, called in SHOWN.items():
        table.add_row(called, style="bold")
        for row in of_role(components, role):
            nulls = [interval_words(row["beside"][name][0]) if name in row["beside"] else "" for name in controls]
            table.add_row(component_words(row), str(row["finder"]), interval_words(row), *nulls)
    return table


def effect_table(folder: Path, layer: int | None = None, judge: str | None = None) -> Table:
    """Every edit, dose, judge and finder (or those of one layer and judge, as claims are made of them): its CE with its interval, and a
    line for each control."""
    table = Table(*HEAD, box=None, pad_edge=False, header_style="bold")
    # edits made beside a run's own are judged by the run's judges
    above, own = (read_json(path / "summary.json", {}) for path in (folder.parent, folder))
    in_turn = layer is not None and leads_in_turn(own)
    name = "leave_one_out" if in_turn else "ce"
    ce = read_table(Manifest(Folder(folder)), f"{name}.parquet", TABLES[name], {name: True, "leave_one_out": True})
    assert ce is not None  # its evidence was just claimed
    judges = stored_readings(above) | stored_readings(own["leave_one_out"] if in_turn else own, ce)
    layer = None if in_turn else layer
    ce = ce[(ce["layer"] == (ce["layer"] if layer is None else layer)) & (ce["judge"] == (ce["judge"] if judge is None else judge))]
    for row in with_controls(ce, judges):
        effect = Effect.of(row, judges.get(str(row["judge"])))
        what = f"{row['edit']} {row['finder']} (rank {count(row['rank'])}) at {row['dose']:g}, {row['judge']}"
        table.add_row(what, f"n = {count(row['n'])}", interval_words(row), "", "", not_shown_words(effect), style="bold")
        for name, (null, against) in row["beside"].items():
            compared = against.standing not in SILENT
            table.add_row(
                "",
                control_name(name),
                interval_words(null),
                ratio_words(against) if compared else "",
                p_text(null["p"]) if compared else "",
                against.standing,
                shown(null["draws"], 0),
            )
    return table
