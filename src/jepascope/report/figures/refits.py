"""Frozen against fresh: how much of the variable is read after the subspace is ablated, by read layer."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import percent, percent_span
from jepascope.report.figures.canvas import BLACK, BLUE, GREY, PALE, VERMILION, Drawing, canvas, finish, layer_axis, legend_below, style
from jepascope.report.figures.pairs import ACROSS


def refit_lines(refits: pd.DataFrame, frozen: pd.DataFrame, finders: list[str]) -> Drawing:
    """A panel for each finder. ``refits`` are the rows of one judge; ``frozen`` has finder, read_layer and accuracy."""
    clean = refits[refits["control"] == "clean"].drop_duplicates("read_layer").sort_values("read_layer")
    across, down = min(len(finders), ACROSS), -(-len(finders) // ACROSS)
    layers = sorted({int(layer) for layer in refits["read_layer"]})
    with style("refits"):
        figure, panels = canvas(1.3 + (2.6 if len(finders) == 1 else 1.9) * down, rows=down, columns=across, sharex=True, sharey=True)
        spoken = []
        for axes, finder in zip(panels, finders, strict=False):
            own = refits[(refits["finder"] == finder) & (refits["control"] == "subspace")].sort_values("read_layer")
            null = refits[(refits["finder"] == finder) & (refits["control"] == "random")].groupby("read_layer")["accuracy"]
            before = frozen[frozen["finder"] == finder].sort_values("read_layer")
            axes.plot(clean["read_layer"], clean["accuracy"], color=BLACK, ls="-", marker="D", ms=3.5, label="unedited")
            if len(null):
                axes.fill_between(null.mean().index, null.min(), null.max(), color=PALE, lw=0)
                axes.plot(
                    null.mean().index, null.mean(), color=GREY, ls=(0, (2, 1.5)), marker="s", mfc="white", label="fresh, random ablated"
                )
            axes.vlines(own["read_layer"], own["low"], own["high"], color=BLUE, lw=1.2)
            axes.plot(own["read_layer"], own["accuracy"], color=BLUE, marker="o", label="fresh, subspace ablated", zorder=5)
            axes.plot(before["read_layer"], before["accuracy"], color=VERMILION, ls=(0, (6, 2)), marker="^", mfc="white", label="frozen")
            axes.axhline(float(refits["chance"].mean()), color=BLACK, ls=(0, (1, 1.5)), lw=1, label="chance")
            if len(finders) > 1:
                axes.set_title(short(finder, LABEL), fontsize=8.5)
            if len(own):
                row = own.iloc[-1]
                spoken.append(
                    f"{finder}, fresh at layer {int(row['read_layer'])}: {percent(row['accuracy'])} {percent_span(row['low'], row['high'])}"
                )
            if len(before):
                spoken.append(f"{finder}, frozen: {percent(before['accuracy'].iloc[-1])}")
        for axes in panels[len(finders) :]:
            axes.set_axis_off()
        for number, axes in enumerate(panels[: len(finders)]):
            axes.set_ylim(0, 1.03)
            layer_axis(axes, layers)
            axes.set_xlabel("read at layer" if number + across >= len(finders) else "")
        for axes in panels[::across]:
            axes.set_ylabel("accuracy")
        if len(clean):
            spoken.append(f"unedited {percent(clean['accuracy'].iloc[-1])}")
        spoken.append(f"chance {percent(refits['chance'].mean())}")
        legend_below(figure, 3)
        return finish(figure, "refits", "What a frozen and a fresh probe read after ablation", "; ".join(spoken) + ".")
