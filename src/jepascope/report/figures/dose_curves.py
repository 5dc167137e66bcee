"""Causal effect over the dose, a panel for each finder, beside random and variance-matched directions."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import shown, with_interval
from jepascope.findings.selection import EDIT_WORDS
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.report.figures.canvas import BLUE, GREY, ORANGE, Drawing, canvas, finish, legend_below, style
from jepascope.report.figures.pairs import ACROSS

LOOKS = {"random": (GREY, "s", (0, (2, 1.5)), "///"), "variance": (ORANGE, "^", (0, (6, 2)), "")}


def dose_curves(curves: pd.DataFrame, finders: list[str], edit: str) -> Drawing:
    """``curves`` are the rows of one edit and judge; lines are CE, bars its interval, bands the least and the largest draw."""
    name = f"dose-{edit}"
    across = min(len(finders), ACROSS)
    down = -(-len(finders) // ACROSS)
    with style(name):
        figure, panels = canvas(1.1 + (2.6 if len(finders) == 1 else 2.0) * down, rows=down, columns=across, sharex=True, sharey=True)
        spoken = []
        for axes, finder in zip(panels, finders, strict=False):
            rows = curves[curves["finder"] == finder].sort_values("dose")
            for control, (colour, marker, dash, hatch) in LOOKS.items():
                null = rows[rows["control"] == control]
                if null.empty:
                    continue
                label = CONTROL_WORDS[control]
                axes.fill_between(null["dose"], null["low"], null["high"], fc=colour, ec=colour, alpha=0.18, lw=0.6, hatch=hatch)
                axes.plot(null["dose"], null["value"], color=colour, marker=marker, mfc="white", ls=dash, label=label)
                spoken.append(f"{finder}, {label}: {shown(null['value'].min())} to {shown(null['value'].max())}")
            own = rows[rows["control"] == "subspace"]
            axes.vlines(own["dose"], own["low"], own["high"], color=BLUE, lw=1.3, zorder=4)
            axes.plot(own["dose"], own["value"], color=BLUE, marker="o", label=CONTROL_WORDS["subspace"], zorder=5)
            steps = (f"dose {row.dose:g} {with_interval(row.value, row.low, row.high)}" for row in own.itertuples())
            spoken.append(f"{finder}: {', '.join(steps)}")
            _frame(axes, finder, len(finders))
        for axes in panels[len(finders) :]:
            axes.set_axis_off()
        for number, axes in enumerate(panels[: len(finders)]):
            if number + across >= len(finders):
                axes.set_xlabel("dose")
                axes.tick_params(labelbottom=True)
        for axes in panels[::across]:
            axes.set_ylabel("causal effect")
        legend_below(figure, 3)
        what = EDIT_WORDS.get(edit, edit)
        return finish(figure, name, f"Causal effect of {what} over the dose", "; ".join(spoken) + ".")


def _frame(axes: Axes, finder: str, many: int) -> None:
    axes.axhline(0, color="black", lw=0.7, zorder=1)
    axes.axvline(1, color=GREY, lw=0.8, ls=(0, (1, 1.5)), zorder=1)
    if many > 1:
        axes.set_title(short(finder, LABEL), fontsize=8.5)
