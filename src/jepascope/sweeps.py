"""A sweep from Python: the same cells, folders and page as the command line's.

>>> sweep = js.sweep("sweep.yaml", out="runs/sweep")
>>> sweep.cells, sweep.runs, sweep.page
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepascope.runs import Run

if TYPE_CHECKING:
    import pandas as pd

    from jepascope.study.progress import Progress


@dataclass(frozen=True)
class Sweep:
    """Many studies of one file. ``cells``: each with what sets it apart, how far it is, and what it found or why it failed; ``runs``: the
    finished ones by name; ``page``: the HTML that compares them."""

    path: Path
    cells: pd.DataFrame = field(repr=False)
    runs: Mapping[str, Run] = field(repr=False)
    page: Path = field(repr=False)

    def _repr_html_(self) -> str:
        return str(self.cells.to_html(border=0))


def sweep(
    file: str | Path, out: str | Path | None = None, device: str = "cpu", workers: int | None = 1, progress: Progress | None = None
) -> Sweep:
    """Run every cell of ``file`` that is not finished, as ``jepascope sweep`` does. A cell that fails is a row with its reason.

    ``out``: the sweep's folder; default: runs/NAME OF THE FILE. ``workers``: processes on a CPU; None: one a core. Raises BadArgument for a
    file that is no sweep, and for a folder that holds something else.
    """
    import pandas as pd

    from jepascope.report.build import build_report
    from jepascope.report.sweep.page import build_sweep
    from jepascope.study.machine import Machine
    from jepascope.study.notebook import watched
    from jepascope.study.sweep.cells import cells_of, folder_of
    from jepascope.study.sweep.run import run_cells

    path = Path(file).expanduser()
    cells, folder = cells_of(path), folder_of(path, None if out is None else Path(out).expanduser())
    with watched(progress) as shown:
        given = _Titled(shown, len(cells))
        outcomes = list(run_cells(cells, folder, Machine(device=device, workers=workers), given, given.told, build_report))
        page = build_sweep(outcomes, folder)
    rows = {outcome.cell.name: {**outcome.cell.given, "state": outcome.state, "said": outcome.said} for outcome in outcomes}
    runs = {outcome.cell.name: Run(outcome.cell.folder(folder)) for outcome in outcomes if outcome.state == "finished"}
    return Sweep(folder, pd.DataFrame.from_dict(rows, orient="index"), runs, page)


class _Titled:
    """Progress that says which cell is at work. What a study says by the way stands on its own page."""

    def __init__(self, shown: Progress, cells: int) -> None:
        self.shown, self.cells, self.number, self.name = shown, cells, 0, ""

    def told(self, outcome: Any) -> None:
        self.number, self.name = self.number + 1, outcome.cell.name

    def start(self, what: str) -> Any:
        return self.shown.start(f"cell {self.number} of {self.cells}, {self.name}: {what}")

    def say(self, line: str) -> None:
        pass
