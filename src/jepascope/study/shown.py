"""What ``jepascope.intervene`` returns: a table of causal effects that draws itself, says how they stand to their controls, and why cells
are empty."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from jepascope.clips.picture import figure_png, image
from jepascope.errors import BadArgument
from jepascope.findings.beside import with_controls
from jepascope.findings.effect import Against, Effect, stored_readings, worst_first
from jepascope.findings.names import control_name, edit_name, short
from jepascope.findings.numbers import with_interval
from jepascope.findings.verdict import ratio_words, verdict
from jepascope.intervention.empty_cells import explain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

READINGS = "readings"
"""Key of a table's ``attrs``: how its judges read the variable of unedited scenes, by name, where that is known."""


class Effects(pd.DataFrame):
    """One row for the subspace and one for each control, with the columns of ce.parquet; a part of it is a plain frame.

    >>> effects.frame
    >>> effects.plot()
    >>> effects.verdicts(), effects.explain()
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

    def verdicts(self) -> list[str]:
        """How the effect stands to zero and to each control, the closest first, in the words of a report; a sentence for each judge."""
        said = []
        for own in self._beside():
            effect = Effect.of(own, self._readings.get(own["judge"]))
            said.append(verdict(_called(own["finder"]), effect, _against(own), _called(edit_name(own["edit"]))))
        return said

    def standings(self) -> dict[str, str]:
        """How the subspace stands to each control ("outside its draws", "not told apart", ...), the closest first, by the first judge."""
        return {against.control: against.standing for against in worst_first(_against(self._beside()[0]))}

    def plot(self) -> Figure:  # type: ignore[override]
        """CE of the subspace beside that of its controls, with 95 % intervals over scenes; of several judges one after the other."""
        from jepascope.study.plot import Plot

        table = self.frame.dropna(subset=["value"]).iloc[::-1]
        figure = Plot(figsize=(6, 0.6 + 0.32 * max(1, len(table))), layout="constrained")
        axes, several = figure.subplots(), self["judge"].nunique() > 1
        for place, row in enumerate(table.to_dict("records")):
            own = row["control"] == "subspace"
            ends: Any = [[row["value"] - row["low"]], [row["high"] - row["value"]]]
            axes.errorbar(row["value"], place, xerr=ends, fmt="o" if own else "s", color="black" if own else "0.5", capsize=3)
        names = (table["control"] + ", " + table["judge"]) if several else table["control"]
        axes.set_yticks(range(len(table)), names.to_list())
        axes.axvline(0, color="0.8", lw=0.8, zorder=0)
        axes.set_xlabel("CE: share of the margin (95 % interval over scenes)")
        return figure

    def _repr_html_(self) -> str:
        """What was edited, the figure, and how each control stands to the subspace."""
        own = self.frame.iloc[0]
        done = f"{_called(edit_name(own['edit']))} at dose {own['dose']:g}: {_called(own['finder'])}, rank {own['rank']:g}, "
        said = html.escape(f"{done}layer {own['layer']:g}, {own['tokens']} tokens, {own['n']:g} scenes. Brackets: 95 % intervals.")
        table = f'<div style="overflow-x: auto">{pd.DataFrame(self._rows()).to_html(index=False, border=0)}</div>'
        picture = image(figure_png(self.plot()), "CE of the subspace beside its controls", "36em")
        return f"<p>{said[:1].upper()}{said[1:]}</p>{picture}{table}<p>All columns: .frame. In words: .verdicts(), .explain().</p>"

    def _rows(self) -> list[dict[str, str]]:
        """Of every row what is read first."""
        rows, several = list[dict[str, str]](), self["judge"].nunique() > 1
        for own in self._beside():
            judge = {"judge": own["judge"]} if several else {}
            rows.append({**judge, **_row(own, "", "")})
            rows += [{**judge, **_row(row, ratio_words(against), against.standing)} for row, against in own["beside"].values()]
        return rows

    def _beside(self) -> list[dict[Any, Any]]:
        return with_controls(self.frame, self._readings)

    @property
    def _readings(self) -> dict[Any, Any]:
        return dict(self.attrs.get(READINGS, {}))


def _row(row: Any, ratio: str, standing: str) -> dict[str, str]:
    size = with_interval(row["value"], row["low"], row["high"])
    return {"row": row["control"], "that is": control_name(row["control"]), "CE": size, "ratio": ratio, "the subspace stands": standing}


def _called(name: object) -> str:
    """What a notebook's cell holds is called as it is there."""
    return str(name).removeprefix("__main__:")


def _against(own: Any) -> list[Against]:
    return [against for _, against in own["beside"].values()]


def of_table(ce: pd.DataFrame, summary: Mapping[str, Any], wanted: Mapping[str, str | None]) -> Effects:
    """Rows of a run's table ``ce`` at the layer of its claims: of one edit, judge and finder (None: the first)."""
    rows = ce[ce["layer"] == summary["best_layer"]]
    for name, value in wanted.items():
        there = rows[name].unique()
        if value is not None and value not in there:
            raise BadArgument(f"{name}: this run has no '{short(value)}' at the layer of its claims; it has {', '.join(map(str, there))}.")
        rows = rows[rows[name] == (there[0] if value is None else value)]
    made = Effects(rows.reset_index(drop=True))
    made.attrs[READINGS] = stored_readings(summary, ce)
    return made
