"""The whole spectrum of principal angles: SAS is only its mean squared cosine."""

from __future__ import annotations

import pandas as pd

from jepascope.report.figures.canvas import DASHES, GREY, MARKERS, PALE, SERIES, Drawing, canvas, finish, legend_below, style
from jepascope.report.numbers import shown


def angle_spectrum(angles: pd.DataFrame) -> Drawing:
    """Principal angles of each pair in rising order, beside those of random subspaces of the same ranks."""
    with style("angles"):
        figure, (axes,) = canvas(3.1)
        reference = angles.groupby("index")[["random_mean", "random_low", "random_high"]].mean()
        axes.fill_between(reference.index, reference["random_low"], reference["random_high"], color=PALE, lw=0)
        axes.plot(reference.index, reference["random_mean"], color=GREY, ls=(0, (1, 1.5)), label="random subspaces")
        spoken = [f"random subspaces {shown(reference['random_mean'].min())} to {shown(reference['random_mean'].max())} degrees"]
        for number, ((a, b), rows) in enumerate(angles.groupby(["a", "b"], sort=False)):
            rows = rows.sort_values("index")
            colour, marker, dash = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)], DASHES[number % len(DASHES)]
            axes.plot(rows["index"], rows["degrees"], label=f"{a} and {b}", color=colour, marker=marker, ls=dash)
            spoken.append(f"{a} and {b} {shown(rows['degrees'].min())} to {shown(rows['degrees'].max())} degrees")
        indices = sorted({int(index) for index in angles["index"]})
        axes.set_xticks(indices[:: max(1, -(-len(indices) // 16))])
        axes.set_ylim(0, 92)
        axes.set_yticks([0, 30, 60, 90])
        axes.set_xlabel("principal angle, in rising order")
        axes.set_ylabel("degrees")
        legend_below(figure, 2)
        return finish(figure, "angles", "Principal angles between subspaces", "; ".join(spoken) + ".")
