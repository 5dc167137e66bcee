"""What each control was meant to match, and what it reached."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.numbers import shown
from jepascope.intervention.control_words import CONTROL_WORDS, CONTROLS
from jepascope.report.figures.canvas import MARKERS, SERIES, Drawing, canvas, finish, legend_below, style

QUANTITIES = (("token variance, reached / target", "variance"), ("edit norm, reached / target", "norm"))


def matching(table: pd.DataFrame, finders: list[str]) -> Drawing:
    """Reached over target, for variance and norm: 1 is an exact match. Mean over draws, line from least to most."""
    with style("matching"):
        figure, panels = canvas(2.1 + 0.2 * max(len(finders), 3), columns=2, sharey=True)
        spoken = []
        for axes, (label, column) in zip(panels, QUANTITIES, strict=True):
            share = table[column] / table[f"{column}_target"].where(table[f"{column}_target"] != 0)
            for order, finder in enumerate(finders):
                for place, control in enumerate(CONTROLS):
                    values = share[(table["finder"] == finder) & (table["control"] == control)].dropna()
                    if values.empty:
                        continue
                    y = place + (order - (len(finders) - 1) / 2) * min(0.2, 0.8 / len(finders))
                    colour, marker = SERIES[order % len(SERIES)], MARKERS[order % len(MARKERS)]
                    axes.plot([values.min(), values.max()], [y, y], color=colour, lw=1.4)
                    axes.plot(values.mean(), y, color=colour, marker=marker, ls="none", label=finder)
                    spoken.append(f"{finder}, {CONTROL_WORDS[control]}: {column} {shown(float(values.mean()))}")
            axes.axvline(1, color="black", lw=1, ls=(0, (1, 1.5)))
            axes.set_xlim(left=0)
            axes.set_xlabel(label)
        panels[0].set_yticks(range(len(CONTROLS)), [CONTROL_WORDS[control] for control in CONTROLS])
        panels[0].set_ylim(len(CONTROLS) - 0.5, -0.5)
        legend_below(figure, 3)
        return finish(figure, "matching", "What the controls matched, reached over target", "; ".join(spoken) + ".")
