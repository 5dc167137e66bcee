"""The table of the value probes: one output by layer, for each token selection and kind of held-out clips."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.numbers import ABSENT, Cell, interval_cell, shown
from jepascope.findings.values import ERROR, HELD, R2
from jepascope.report.blocks import Grid
from jepascope.report.charts.looks import WITHOUT_ENCODER
from jepascope.report.folder import RunFolder


def value_grid(run: RunFolder, rows: pd.DataFrame, output: str, unit: str, circular: bool) -> Grid:
    """``rows`` of one output; error alone for angles, R^2 and error for numbers, each beside the untrained twins."""
    model = rows[rows["encoder"] == "model"]
    measures = (ERROR,) if circular else (R2, ERROR)
    columns = [(t, h) for t in ("all", "object") for h in HELD if ((model["tokens"] == t) & (model["held_out"] == h)).any()]
    body: list[tuple[Cell | str, ...]] = []
    for layer in sorted({int(value) for value in model["layer"]}):
        cells: list[Cell | str] = [f"{layer}*" if layer == run.best_layer else str(layer)]
        for tokens, held in columns:
            at = rows[(rows["layer"] == layer) & (rows["tokens"] == tokens) & (rows["held_out"] == held)]
            own, fresh = at[at["encoder"] == "model"], at[at["encoder"] == "untrained"][measures[0][0]].dropna()
            cells += [_figure(own.iloc[0], measure) if len(own) else ABSENT for measure in measures]
            if held == "clips":
                cells.append(_seeds(fresh))
        body.append(tuple(cells))
    names = ("error",) if circular else ("R²", "error")
    head = ["layer"]
    for tokens, held in columns:
        head += [f"{what}, {tokens} tokens, {held}" for what in (*names, *((f"untrained {names[0]}",) if held == "clips" else ()))]
    quantity = "error in degrees" if circular else f"R², and mean absolute error{f' in {unit}' if unit else ''}"
    chance = model["chance"].dropna()
    caption = (
        f"{output}: {quantity}. Brackets: {run.confidence}, over clips (held-out clips) or over arcs (held-out arcs). Untrained: mean, and "
        f"least to most over seeds on the same clips. Error of the best constant guess: {shown(chance.mean()) if len(chance) else ABSENT}. "
        f"* the layer at which claims are made.{_floor(model)}{_plain(rows, measures[0])}"
    )
    return Grid(tuple(head), tuple(body), caption)


def _seeds(fresh: pd.Series[float]) -> str:
    """Untrained twins: a range over seeds is no interval and does not look like one."""
    if fresh.empty:
        return ABSENT
    mean = shown(fresh.mean())
    return f"{mean} (1 seed)" if len(fresh) == 1 else f"{mean} ({shown(fresh.min())} to {shown(fresh.max())})"


def _floor(model: pd.DataFrame) -> str:
    """What held-out arcs of a perfect circle would have, where it is more than rounding."""
    floor = model["floor"].dropna().max()
    return f" Held-out arcs of a perfect circle: {shown(floor)}°." if floor > 0.005 else ""


def _figure(row: Any, measure: tuple[str, str, str]) -> Cell:
    value, low, high = (float(row[name]) for name in measure)
    return interval_cell(value, low, high)


def _plain(rows: pd.DataFrame, measure: tuple[str, str, str]) -> str:
    """What the same probe reads with no encoder at all."""
    said = []
    for encoder, (who, *_) in WITHOUT_ENCODER.items():
        found = rows[(rows["encoder"] == encoder) & (rows["held_out"] == "clips")]
        if len(found):
            said.append(f"{who} {_figure(found.iloc[0], measure)}")
    return f" Without an encoder: {'; '.join(said)}." if said else ""
