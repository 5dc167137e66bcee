"""Subspaces as geometry: the SAS matrix."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import shown
from jepascope.report.figures.canvas import Drawing, canvas, finish, style


def sas_matrix(sas: pd.DataFrame, drawing: str = "sas-matrix") -> Drawing:
    """SAS of every pair, with the number in every cell; the diagonal is a subspace with itself."""
    names = list(dict.fromkeys([*sas["a"], *sas["b"]]))
    values = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(values, 1.0)
    spoken = []
    for row in sas.itertuples():
        i, j = names.index(str(row.a)), names.index(str(row.b))
        values[i, j] = values[j, i] = float(row.value)  # type: ignore[arg-type]
        spoken.append(f"{row.a} and {row.b}: {shown(row.value)}")
    with style(drawing):
        figure, (axes,) = canvas(0.9 + 0.45 * len(names))
        size = 8.5 if len(names) <= 9 else 6
        axes.imshow(values, cmap="Greys", vmin=0, vmax=1.15, aspect="auto")
        for (i, j), value in np.ndenumerate(values):
            text = "1 (itself)" if i == j else shown(float(value), 2)
            axes.text(j, i, text, ha="center", va="center", color="white" if value > 0.6 else "black", fontsize=size)
        labels = [short(name, LABEL) for name in names]
        if len(names) > 4 or max(map(len, labels)) > 12:
            axes.set_xticks(range(len(names)), labels, rotation=30, ha="right", rotation_mode="anchor")
        else:
            axes.set_xticks(range(len(names)), labels)
        axes.set_yticks(range(len(names)), labels)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        chance = sas["chance"].mean()
        return finish(
            figure,
            drawing,
            "SAS between finders",
            "; ".join(spoken) + f". Chance {shown(chance)}.",
        )
