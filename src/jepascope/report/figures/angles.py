"""The whole spectrum of principal angles: SAS is only its mean squared cosine."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import shown
from jepascope.findings.transfers import split
from jepascope.report.figures.canvas import GREY, PALE, Drawing, canvas, finish, legend_below, style
from jepascope.report.figures.pairs import ACROSS, MOST_LINES, look, one_a_finder


def angle_spectrum(angles: pd.DataFrame, name: str = "angles") -> Drawing:
    """Principal angles of each pair in rising order, beside those of random subspaces of the same ranks.

    More pairs than one panel holds get a panel for each finder, in which the lines are the other finders.
    """
    pairs = list(angles.groupby(["a", "b"], sort=False))
    spoken = [f"random subspaces {shown(angles['random_mean'].min())} to {shown(angles['random_mean'].max())} degrees"]
    spoken += [f"{a} and {b} {shown(rows['degrees'].min())} to {shown(rows['degrees'].max())} degrees" for (a, b), rows in pairs]
    with style(name):
        if len(pairs) <= MOST_LINES:
            figure, panels = canvas(3.1)
            panels[0].set_xlabel("principal angle, in rising order")
            _reference(panels[0], angles)
            for number, ((a, b), rows) in enumerate(pairs):
                _line(panels[0], rows, number, f"{short(a, LABEL)} and {short(b, LABEL)}")
        else:
            finders = list(dict.fromkeys([*angles["a"], *angles["b"]]))
            figure, panels = one_a_finder(finders, finders, "principal angle")
            for axes, finder in zip(panels, finders, strict=False):
                own = angles[(angles["a"] == finder) | (angles["b"] == finder)]
                _reference(axes, own)
                for (a, b), rows in own.groupby(["a", "b"], sort=False):
                    other = b if a == finder else a
                    _line(axes, rows, finders.index(other), short(other, LABEL))
        indices = sorted({int(index) for index in angles["index"]})
        fitting = 16 if len(panels) == 1 else 6
        for number, axes in enumerate(panels):
            axes.set_xticks(indices[:: max(1, -(-len(indices) // fitting))])
            axes.set_ylim(0, 92)
            axes.set_yticks([0, 30, 60, 90])
            if number % ACROSS == 0:
                axes.set_ylabel("degrees")
        legend_below(figure, 2 if len(panels) == 1 else 3)
        return finish(figure, name, "Principal angles between subspaces", "; ".join(spoken) + ".")


def angles_elsewhere(angles: pd.DataFrame, name: str = "angles-elsewhere") -> Drawing:
    """A panel for each thing that subspaces were carried across; a finder has one look in all of them, whatever it was carried to."""
    across = list(dict.fromkeys(angles["across"]))
    finders = list(dict.fromkeys(split(str(a))[0] for a in angles["a"]))
    spoken = []
    with style(name):
        figure, panels = one_a_finder([f"across {one}" for one in across], finders, "principal angle")
        for axes, one in zip(panels, across, strict=False):
            own = angles[angles["across"] == one]
            _reference(axes, own)
            for (a, b), rows in own.groupby(["a", "b"], sort=False):
                drawn = look(finders.index(split(str(a))[0])) | {"lw": 1.0, "ms": 3}
                axes.plot(rows.sort_values("index")["index"], rows.sort_values("index")["degrees"], **drawn)
                spoken.append(f"{a} and {b} {shown(rows['degrees'].min())} to {shown(rows['degrees'].max())} degrees")
            indices = sorted({int(index) for index in own["index"]})
            axes.set_xticks(indices[:: max(1, -(-len(indices) // 6))])
            axes.set_ylim(0, 92)
            axes.set_yticks([0, 30, 60, 90])
        for axes in panels[::ACROSS]:
            axes.set_ylabel("degrees")
        legend_below(figure, 3)
        return finish(figure, name, "Principal angles to subspaces found elsewhere", "; ".join(spoken) + ".")


def _reference(axes: Axes, angles: pd.DataFrame) -> None:
    reference = angles.groupby("index")[["random_mean", "random_low", "random_high"]].mean()
    axes.fill_between(reference.index, reference["random_low"], reference["random_high"], color=PALE, lw=0)
    axes.plot(reference.index, reference["random_mean"], color=GREY, ls=(0, (1, 1.5)), label="random subspaces")


def _line(axes: Axes, rows: pd.DataFrame, number: int, label: str) -> None:
    rows = rows.sort_values("index")
    axes.plot(rows["index"], rows["degrees"], label=label, **look(number))
