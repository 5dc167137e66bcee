"""The causal effect beside all of its controls, one figure for each family of edits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jepascope.findings.numbers import finite, shown, with_interval
from jepascope.findings.selection import EDIT_WORDS
from jepascope.intervention.control_words import CONTROL_WORDS, CONTROLS
from jepascope.report.figures.canvas import BLUE, ORANGE, SKY, VERMILION, Drawing, canvas, finish, legend_below, style

LOOKS = {
    "subspace": (BLUE, ""),
    "random": ("white", "///"),
    "variance": (ORANGE, "xxx"),
    "shuffled": (SKY, "|||"),
    "norm": (VERMILION, "---"),
}


def draw_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """CE of every single draw, sum of numerators over sum of denominators (science: CE), and its share of ``correct`` clips."""
    keys = ["finder", "edit", "control", "draw"]
    sums = effects.groupby(keys, as_index=False).agg({"numerator": "sum", "denominator": "sum", "correct": "mean"})
    return sums.assign(value=sums["numerator"] / sums["denominator"].where(sums["denominator"] != 0))


def effect_bars(ce: pd.DataFrame, draws: pd.DataFrame | None, finders: list[str], edit: str) -> Drawing:
    """Horizontal bars with intervals: the finder's subspace and its four controls; every null draw is a dot."""
    kinds = ("subspace", *CONTROLS)
    step = len(kinds) + 1
    name = f"effect-{edit}"
    with style(name):
        figure, (axes,) = canvas(0.95 + 0.16 * step * len(finders))
        spoken = []
        for order, finder in enumerate(finders):
            for place, control in enumerate(kinds):
                found = ce[(ce["finder"] == finder) & (ce["control"] == control)]
                if found.empty:
                    continue
                row = found.iloc[0]
                y = order * step + place
                colour, hatch = LOOKS[control]
                value = row["value"] if finite(float(row["value"])) else 0.0
                axes.barh(y, value, height=0.78, color=colour, hatch=hatch, ec="black", lw=0.7, label=CONTROL_WORDS[control])
                if finite(float(row["low"])) and finite(float(row["high"])):
                    axes.plot([row["low"], row["high"]], [y, y], color="black", lw=1.3, marker="|", ms=5, zorder=5)
                if draws is not None and control != "subspace":
                    null = draws[(draws["finder"] == finder) & (draws["control"] == control)]["value"]
                    shift = np.linspace(-0.22, 0.22, max(len(null), 1))  # spread by draw number, so that equal draws do not hide each other
                    axes.plot(null, y + shift[: len(null)], ls="none", marker="o", ms=2.2, mfc="white", mec="black", mew=0.5, zorder=4)
                spoken.append(f"{finder}, {CONTROL_WORDS[control]}: {with_interval(row['value'], row['low'], row['high'])}")
        axes.axvline(0, color="black", lw=0.7)
        axes.set_yticks([order * step + 2 for order in range(len(finders))], finders)
        axes.set_ylim(len(finders) * step - 1.2, -0.8)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("causal effect (1 = the whole effect)")
        legend_below(figure, 3)
        return finish(
            figure,
            name,
            f"Causal effect of {EDIT_WORDS.get(edit, edit)}, beside its controls",
            "; ".join(spoken) + f". Null draws shown as dots{_spread(draws)}.",
        )


def _spread(draws: pd.DataFrame | None) -> str:
    if draws is None:
        return " where stored"
    null = draws[draws["control"] != "subspace"]["value"]
    return f", from {shown(float(null.min()))} to {shown(float(null.max()))}" if null.notna().any() else ""
