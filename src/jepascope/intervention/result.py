"""Effects: what ``jepascope.intervene`` returns: a table of causal effects that can draw and explain itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from jepascope.intervention.empty_cells import explain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Effects(pd.DataFrame):
    """One row for the subspace and one for each control, with the columns of ce.parquet; a part of it is a plain frame.

    >>> effects.frame
    >>> effects.plot()
    >>> effects.explain()
    """

    @property
    def frame(self) -> pd.DataFrame:
        """The table by itself."""
        frame = pd.DataFrame(self)
        frame.attrs = dict(self.attrs)
        return frame

    def explain(self) -> list[str]:
        """Why cells are empty, or a control has no row, in sentences."""
        return explain(self.frame)

    def plot(self) -> Figure:  # type: ignore[override]
        """CE of the subspace beside that of its controls, with 95 % intervals over scenes."""
        from matplotlib.figure import Figure

        table = self.frame.dropna(subset=["value"]).iloc[::-1]
        figure = Figure(figsize=(6, 0.6 + 0.32 * max(1, len(table))), layout="constrained")
        axes = figure.subplots()
        for place, row in enumerate(table.to_dict("records")):
            own = row["control"] == "subspace"
            ends: Any = [[row["value"] - row["low"]], [row["high"] - row["value"]]]
            axes.errorbar(row["value"], place, xerr=ends, fmt="o" if own else "s", color="black" if own else "0.5", capsize=3)
        axes.set_yticks(range(len(table)), [str(name) for name in table["control"]])
        axes.axvline(0, color="0.8", lw=0.8, zorder=0)
        axes.set_xlabel("CE: share of the margin (95 % interval over scenes)")
        return figure
