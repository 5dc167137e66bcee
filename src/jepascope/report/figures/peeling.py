"""The degeneracy curve: what each peeled subspace does while the earlier ones are ablated, until it meets its control."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import shown, with_interval
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.report.figures.canvas import BLACK, BLUE, GREY, ORANGE, VERMILION, Drawing, canvas, finish, legend_below, style
from jepascope.report.figures.pairs import ACROSS

NULLS = {"random": (GREY, "s", (0, (2, 1.5)), 0.07), "variance": (ORANGE, "^", (0, (6, 2)), 0.14)}


def degeneracy_curve(peeling: pd.DataFrame, name: str = "degeneracy-curve") -> Drawing:
    """CE by stage, a panel for each finder; filled where a stage lies above both controls. Beside it each stage with all others gone."""
    finders = list(dict.fromkeys(peeling["finder"]))
    across = min(len(finders), ACROSS)
    down = -(-len(finders) // across)
    with style(name):
        figure, panels = canvas(1.1 + (2.5 if len(finders) == 1 else 1.9) * down, rows=down, columns=across, sharey=True)
        spoken = []
        for axes, finder in zip(panels, finders, strict=False):
            rows = peeling[peeling["finder"] == finder].sort_values("stage")
            for control, (colour, marker, dash, shift) in NULLS.items():
                null = rows[rows["control"] == control]
                label = CONTROL_WORDS[control]
                axes.vlines(null["stage"] + shift, null["low"], null["high"], color=colour, lw=1)
                axes.plot(null["stage"] + shift, null["value"], color=colour, marker=marker, mfc="white", ls=dash, label=label)
                if len(null):
                    spoken.append(f"{finder}, {label}: {shown(null['value'].min())} to {shown(null['value'].max())}")
            own = rows[rows["control"] == "subspace"]
            axes.vlines(own["stage"], own["low"], own["high"], color=BLUE, lw=1.3, zorder=4)
            axes.plot(own["stage"], own["value"], color=BLUE, marker="o", label="earlier stages ablated", zorder=5)
            met = own[~own["above"]]
            axes.plot(met["stage"], met["value"], ls="none", marker="o", mec=BLUE, mfc="white", label="no effect of its own", zorder=6)
            alone = own[own["alone"].notna()]
            axes.vlines(alone["stage"] - 0.09, alone["alone_low"], alone["alone_high"], color=VERMILION, lw=1)
            axes.plot(
                alone["stage"] - 0.09, alone["alone"], ls="none", marker="D", color=VERMILION, label="all other stages ablated", zorder=5
            )
            steps = (
                f"stage {int(row.stage)} {with_interval(row.value, row.low, row.high)}{'' if row.above else ', no effect of its own'}"
                for row in own.itertuples()
            )
            spoken.append(f"{finder}: {', '.join(steps)}")
            axes.axhline(0, color=BLACK, lw=0.7, zorder=1)
            stages = sorted({int(stage) for stage in rows["stage"]})
            axes.set_xticks(stages[:: max(1, -(-len(stages) // 12))])
            axes.set_xlabel("stage (subspaces peeled off in this order)" if len(finders) == 1 else "stage")
            if len(finders) > 1:
                axes.set_title(short(finder, LABEL), fontsize=8.5)
        for axes in panels[len(finders) :]:
            axes.set_axis_off()
        for axes in panels[::across]:
            axes.set_ylabel("CE of the swap")
        legend_below(figure, 2)
        return finish(figure, name, "Degeneracy curve", "; ".join(spoken) + ".")
