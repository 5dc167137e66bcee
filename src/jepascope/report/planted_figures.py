"""Figures of the planted scorecard: who recovers what, effects against their analytic values, and what tells causal from inert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jepascope.report.charts import beside_controls, curves, heat_map
from jepascope.report.charts.beside_controls import Mark, Row
from jepascope.report.charts.canvas import BLUE, GREY, MARKERS, SERIES, VERMILION, Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series
from jepascope.report.charts.heat_map import Map
from jepascope.report.charts.looks import LONG, Look


def recovery_map(values: Mapping[str, Mapping[str, float | None]], finders: Sequence[str]) -> Drawing:
    """Calibrated SAS with the planted causal subspace, networks x finders, the number in every cell."""
    networks = list(values)
    cells = np.array([[values[network].get(finder) for network in networks] for finder in finders], dtype=float)
    refused = {(int(i), int(j)): "refuses" for i, j in np.argwhere(np.isnan(cells))}
    title = "Recovery of the planted causal subspace (calibrated SAS)"
    return heat_map.draw("planted", title, [Map(cells, finders, networks, texts=refused)], also="1 is perfect, 0 chance")


def expected_effects(points: Sequence[tuple[str, str, dict[str, Any]]]) -> Drawing:
    """Measured against calculated CE: (network, edit, figures) of every subspace."""
    known = [(network, edit, row) for network, edit, row in points if row["value"] is not None]
    networks, ends = list(dict.fromkeys(network for network, _, _ in points)), [min([0.0, *(row["expected"] for *_, row in known)]), 1.0]
    panels = []
    for edit in dict.fromkeys(edit for _, edit, _ in points):
        series = [Series("", ends, ends, Look(GREY, dash=LONG, width=0.8), says="")]
        for network, colour, marker in zip(networks, SERIES, MARKERS, strict=False):
            rows = [row for name, kind, row in known if name == network and kind == edit]
            y, low, high = ([float(row[name]) for row in rows] for name in ("value", "low", "high"))
            look = Look(colour, marker, "", hollow=True, size=3.5)
            series.append(Series(network, [row["expected"] for row in rows], y, look, low, high, says="range"))
        panels.append(Panel(series, title=edit))
    inside = sum(bool(row["inside"]) for *_, row in known)
    also = f"the calculated value lies in the measured interval in {inside} of {len(known)} cases"
    title, x, y_axis = "Causal effects, measured against calculated", Axis("CE from the equations"), Axis("CE measured")
    return curves.draw("planted-effects", title, panels, x, y_axis, height=2.9, also=also)


def rejection_areas(areas: Mapping[str, Mapping[str, float]]) -> Drawing:
    """Area under the ROC curve of each score, with its interval; 0.5 tells nothing."""
    looks = {"CE": Look(BLUE, "o"), "probe accuracy": Look(VERMILION, "s")}
    rows = []
    for name, area in areas.items():
        what = "probe accuracy" if name == "accuracy" else "CE"
        label = what if name == "accuracy" else f"CE ({name})"
        rows.append(Row(label, [Mark(what, looks[what], area["area"], area["low"], area["high"])]))
    panel = beside_controls.Panel(rows, [Level(0.5, "no better than guessing", upright=True)], limits=(-0.02, 1.02))
    label = "area under the ROC curve, causal against inert"
    return beside_controls.draw("planted-rejection", "What tells causal subspaces from decoys", [panel], label)
