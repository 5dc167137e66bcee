"""Running a sweep: cell after cell, each in a run folder of its own; captures are shared, and a cell that fails stops no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jepascope.disk.folder import Folder, is_own
from jepascope.disk.plain import read_object
from jepascope.disk.refusals import InUse
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import OUT_OF_MEMORY, BadArgument, JepascopeError, RunFolderError, first_line
from jepascope.findings.names import short
from jepascope.study.files import read_json
from jepascope.study.folder import Run, check_place
from jepascope.study.found import title_in
from jepascope.study.machine import Machine, opened_encoder
from jepascope.study.plan import make_plan
from jepascope.study.progress import Progress
from jepascope.study.run import run_study
from jepascope.study.seal import seal, sealed
from jepascope.study.spec import StudySpec
from jepascope.study.sweep.cells import CELLS, Cell

STORE, FAILED = "activations", "failed"
"""Folders of a sweep: captures that all cells share, and why cells failed."""
PAGE, DATA = "sweep.html", "sweep.json"
State = Literal["finished", "failed", "elsewhere", "waiting", "running"]
Page = Callable[[Path, Any], object]


@dataclass(frozen=True)
class Outcome:
    """How far a cell is. ``said``: what it found, or the reason that it failed for; "" before. elsewhere: another process runs it."""

    cell: Cell
    state: State
    said: str = ""

    def stored(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"name": self.cell.name, "given": dict(self.cell.given), "state": self.state, "said": self.said}


def part_of(cells: Sequence[Cell], part: str) -> list[Cell]:
    """Of part "2/4" every fourth cell from the second on: what one index of an array job runs."""
    number, _, many = part.partition("/")
    if not (number.isdecimal() and many.isdecimal() and 1 <= int(number) <= int(many)):
        raise BadArgument(f"--part {short(part)}: write it as 1/4, 2/4, 3/4 or 4/4.")
    return list(cells[int(number) - 1 :: int(many)])


def standing(cell: Cell, out: Path) -> Outcome:
    """How far a cell is, by its folder alone."""
    if cell.spec is None:
        return Outcome(cell, "failed", cell.refused)
    try:
        if summary := read_json(cell.folder(out) / "summary.json", {}):
            return Outcome(cell, "finished", title_in(summary))
        reason = read_object(Folder(out), f"{FAILED}/{cell.name}.json").get("reason")
        return Outcome(cell, "failed", short(str(reason), 300))
    except FileNotFoundError:
        return Outcome(cell, "waiting")
    except RunFolderError as error:
        return Outcome(cell, "failed", str(error))


def foreseen(cell: Cell, out: Path, machine: Machine) -> tuple[Outcome, float]:
    """How far a cell is, and the seconds that it will take; one that has not run is failed where ``plan`` refuses it."""
    outcome = standing(cell, out)
    if cell.spec is None or outcome.state == "finished":
        return outcome, 0.0
    try:
        return outcome, make_plan(cell.spec, machine).seconds
    except JepascopeError as error:
        return Outcome(cell, "failed", str(error)), 0.0


def check_folder(out: Path) -> None:
    """Refuse a folder that holds something else, or cannot be written."""
    check_place(out, "the folder of a sweep", lambda name: name in (CELLS, STORE, FAILED, PAGE, DATA) or is_own(name))


def run_cells(
    cells: Sequence[Cell], out: Path, machine: Machine, progress: Progress, told: Callable[[Outcome], None], page: Page
) -> Iterator[Outcome]:
    """Every cell in turn, with its outcome; ``told`` hears of each that begins. ``page`` makes a run folder's report.

    What is finished is answered from its folder. A cell that another process runs is left to it, and one that cannot be run says why.
    """
    check_folder(out)
    Folder(out).make(FAILED)  # where nothing can be written, that is said before anything runs
    with _Encoders(machine) as encoders:
        for cell in cells:
            told(Outcome(cell, "running"))
            outcome = _outcome(cell, out, machine, encoders, progress, page)
            _note(outcome, out)
            yield outcome


class _Encoders(ExitStack):
    """The encoder of one cell after another: loaded anew only where the next one has another."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine
        self.held: tuple[tuple[object, ...], VideoEncoder] | None = None

    def of(self, spec: StudySpec) -> VideoEncoder:
        asked = (spec.model, spec.frames, spec.size)
        if self.held is None or self.held[0] != asked:
            self.held = None
            self.close()
            self.held = asked, self.enter_context(opened_encoder(self.machine, *asked))
        return self.held[1]


def _outcome(cell: Cell, out: Path, machine: Machine, encoders: _Encoders, progress: Progress, page: Page) -> Outcome:
    if cell.spec is None:
        return Outcome(cell, "failed", cell.refused)
    folder = cell.folder(out)
    try:
        summary = sealed(folder, cell.spec, machine.dtype)
        if summary is None:
            Run.check(folder, cell.spec)  # before anything slow
            encoder = encoders.of(cell.spec)
            summary = run_study(cell.spec, folder, encoder, progress, store=out / STORE)
            progress.start("the report")
            page(folder, encoder.fits)
            seal(folder, cell.spec, machine.dtype)
    except InUse:
        return Outcome(cell, "elsewhere")
    except JepascopeError as error:
        return Outcome(cell, "failed", str(error))
    except MemoryError:
        return Outcome(cell, "failed", OUT_OF_MEMORY)
    except OSError as error:
        return Outcome(cell, "failed", f"'{error.filename or folder}': {error.strerror or error}.")
    except Exception as error:  # one of ours, or of code of somebody's own: the other cells go on
        return Outcome(cell, "failed", f"Unexpected {type(error).__name__}: {first_line(error)}")
    return Outcome(cell, "finished", title_in(summary))


def _note(outcome: Outcome, out: Path) -> None:
    """Why a cell failed, for the page; what a later attempt mended is forgotten."""
    name, folder = f"{FAILED}/{outcome.cell.name}.json", Folder(out)
    if outcome.state == "failed" and outcome.cell.spec is not None:
        folder.write(name, json.dumps({"reason": outcome.said}))
    elif outcome.state == "finished":
        folder.remove(name)
