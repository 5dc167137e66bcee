"""Several runs in one drawing: accuracy and causal effect over relative depth, and the effect beside its controls, run by run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jepascope.findings.numbers import finite, percent, shown, with_interval
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.report.figures.canvas import DASHES, GREY, MARKERS, SERIES, Drawing, canvas, finish, legend_below, style
from jepascope.report.figures.effect_bars import LOOKS

MOST_LINES = len(SERIES)
NO_VALUE = "no value"


@dataclass(frozen=True)
class Curve:
    """One run over depth: relative depths, values and intervals, what it is held against (chance, or a control), and its best depth.

    ``place`` among the runs gives it one look in every drawing.
    """

    name: str
    place: int
    depth: Sequence[float]
    value: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    beside: Sequence[float]
    best: float


def over_depth(curves: Sequence[Curve], name: str, title: str, ylabel: str, beside: str, share: bool) -> Drawing:
    """One line a run, told apart by dash and marker as well as colour; a ring at each run's best layer; dotted: what it is held against.

    Runs after the first MOST_LINES are left out: there are no more looks that can be told apart.
    """
    say = percent if share else shown
    with style(name):
        figure, (axes,) = canvas(3.9)
        spoken = []
        for curve in curves:
            if curve.place >= MOST_LINES:
                continue
            colour, marker, dash = SERIES[curve.place], MARKERS[curve.place], DASHES[curve.place]
            axes.fill_between(curve.depth, curve.low, curve.high, color=colour, alpha=0.13, lw=0)
            axes.plot(curve.depth, curve.value, color=colour, marker=marker, ls=dash, label=curve.name, zorder=4)
            axes.plot(curve.depth, curve.beside, color=colour, ls=(0, (1, 1.5)), lw=1, marker=marker, ms=2.5, mfc="white", zorder=3)
            at = [value for depth, value in zip(curve.depth, curve.value, strict=True) if depth == curve.best]
            if at:
                axes.plot([curve.best], at[:1], ls="none", marker="o", ms=11, mfc="none", mec=colour, mew=1.2, zorder=5)
            spoken.append(f"{curve.name}: {_spoken(curve, say)}")
        axes.plot([], [], color="black", ls=(0, (1, 1.5)), lw=1, label=beside)
        axes.plot([], [], ls="none", marker="o", ms=9, mfc="none", mec="black", label="best layer")
        axes.set_xlim(-0.03, 1.03)
        if share:
            axes.set_ylim(0, 1.03)
        else:
            axes.axhline(0, color="black", lw=0.7)
        axes.set_xlabel("relative depth (layer over number of blocks)")
        axes.set_ylabel(ylabel)
        legend_below(figure, 3)
        return finish(figure, name, title, "; ".join(spoken) + f". Dotted: {beside}.")


def _spoken(curve: Curve, say: object) -> str:
    assert callable(say)
    known = [(value, depth) for value, depth in zip(curve.value, curve.depth, strict=True) if finite(value)]
    if not known:
        return "no values"
    value, depth = max(known, key=lambda pair: (pair[0], -pair[1]))
    return f"from {say(known[0][0])} at relative depth {shown(known[0][1], 2)}, highest {say(value)} at {shown(depth, 2)}"


Bars = Mapping[str, tuple[float, float, float]]


def effect_by_run(groups: Sequence[tuple[str, Bars]], finder: str) -> Drawing:
    """Bars with intervals for each run: the finder's subspace and its controls, hatched as in a run's own report."""
    step = len(LOOKS) + 1
    name = "compared-effects"
    with style(name):
        figure, (axes,) = canvas(1.0 + 0.16 * step * len(groups))
        spoken = []
        for order, (run, bars) in enumerate(groups):
            for place, (control, (colour, hatch)) in enumerate(LOOKS.items()):
                if control not in bars:
                    continue
                value, low, high = bars[control]
                y = order * step + place
                if not finite(value):
                    axes.text(0, y, f" {NO_VALUE}", va="center", fontsize=8, color=GREY)
                    spoken.append(f"{run}, {CONTROL_WORDS[control]}: {NO_VALUE}")
                    continue
                axes.barh(y, value, 0.78, color=colour, hatch=hatch, ec="black", lw=0.7, label=CONTROL_WORDS[control])
                if finite(low) and finite(high):
                    axes.plot([low, high], [y, y], color="black", lw=1.3, marker="|", ms=5, zorder=5)
                spoken.append(f"{run}, {CONTROL_WORDS[control]}: {with_interval(value, low, high)}")
        axes.axvline(0, color="black", lw=0.7)
        axes.set_yticks(np.arange(len(groups)) * step + 2, [run for run, _ in groups])
        axes.set_ylim(len(groups) * step - 1.2, -0.8)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("causal effect of ablation (1 = the whole margin)")
        legend_below(figure, 3)
        return finish(figure, name, f"Ablating the {finder} subspace beside its controls, run by run", "; ".join(spoken) + ".")
