"""Figures of the planted scorecard: who recovers what, effects against their analytic values, and what tells causal from inert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jepascope.findings.numbers import MINUS, shown
from jepascope.report.figures.canvas import BLUE, GREY, MARKERS, SERIES, VERMILION, Drawing, canvas, finish, legend_below, style

DARK = 0.55  # of the scale: from here on the number in a cell is white


def recovery_map(values: Mapping[str, Mapping[str, float | None]], finders: Sequence[str]) -> Drawing:
    """Calibrated SAS with the planted causal subspace, networks x finders, the number in every cell."""
    networks = list(values)
    grid = np.array([[_or_nan(values[network].get(finder)) for network in networks] for finder in finders])
    with style("planted"):
        figure, (axes,) = canvas(1.0 + 0.27 * len(finders))
        axes.imshow(np.clip(grid, 0, 1), cmap="Greys", vmin=0, vmax=1.15, aspect="auto")
        for (row, column), value in np.ndenumerate(grid):
            text = "refuses" if np.isnan(value) else f"{value + 0.0:.2f}".replace("-", MINUS)
            axes.text(column, row, text, ha="center", va="center", fontsize=8.5, color="white" if value > DARK else "black")
        axes.set_xticks(range(len(networks)), networks)
        axes.set_yticks(range(len(finders)), finders)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        best = [
            f"{network}: {finders[int(np.nanargmax(grid[:, i]))]} {shown(float(np.nanmax(grid[:, i])))}"
            for i, network in enumerate(networks)
            if np.isfinite(grid[:, i]).any()
        ]
        spoken = "1 is perfect, 0 chance. Highest by network: " + "; ".join(best) + "."
        return finish(figure, "planted", "Recovery of the planted causal subspace (calibrated SAS)", spoken)


def expected_effects(points: Sequence[tuple[str, str, dict[str, Any]]]) -> Drawing:
    """Measured against calculated CE: (network, edit, figures) of every subspace."""
    edits = list(dict.fromkeys(edit for _, edit, _ in points))
    networks = list(dict.fromkeys(network for network, _, _ in points))
    with style("planted-effects"):
        figure, axes = canvas(2.9, columns=max(1, len(edits)), sharex=True, sharey=True)
        inside = total = 0
        for panel, edit in zip(axes, edits, strict=False):
            panel.axline((0, 0), slope=1, color=GREY, lw=0.8, ls=(0, (6, 2)))
            for network, colour, marker in zip(networks, SERIES, MARKERS, strict=False):
                rows = [figures for name, kind, figures in points if name == network and kind == edit and figures["value"] is not None]
                x, y = [row["expected"] for row in rows], [row["value"] for row in rows]
                spans = [
                    [v - row["low"] for v, row in zip(y, rows, strict=True)],
                    [row["high"] - v for v, row in zip(y, rows, strict=True)],
                ]
                panel.errorbar(x, y, np.clip(spans, 0, None), fmt=marker, color=colour, ms=3.5, lw=0.7, mfc="none", label=network)
                inside += sum(bool(row["inside"]) for row in rows)
                total += len(rows)
            panel.set_title(edit)
            panel.set_xlabel("CE from the equations")
        axes[0].set_ylabel("CE measured")
        legend_below(figure, 3)
        spoken = f"The calculated value lies in the measured interval in {inside} of {total} cases."
        return finish(figure, "planted-effects", "Causal effects, measured against calculated", spoken)


def rejection_areas(areas: Mapping[str, Mapping[str, float]]) -> Drawing:
    """Area under the ROC curve of each score, with its interval; 0.5 tells nothing."""
    names = list(areas)
    with style("planted-rejection"):
        figure, (axes,) = canvas(0.9 + 0.35 * len(names))
        for place, name in enumerate(names):
            area = areas[name]
            by_effect = name != "accuracy"
            axes.plot([area["low"], area["high"]], [place, place], color=BLUE if by_effect else VERMILION, lw=2)
            axes.plot(area["area"], place, "o" if by_effect else "s", color=BLUE if by_effect else VERMILION)
        axes.axvline(0.5, color="black", ls=(0, (1, 1.5)), lw=1)
        axes.set_yticks(range(len(names)), ["probe accuracy" if name == "accuracy" else f"CE ({name})" for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel("area under the ROC curve, causal against inert (dotted: no better than guessing)")
        spoken = "; ".join(f"{name} {shown(area['area'])}" for name, area in areas.items()) + "."
        return finish(figure, "planted-rejection", "What tells causal subspaces from decoys", spoken)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)
