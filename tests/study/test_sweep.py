"""A sweep: which cells a file asks for, and that each is run, left, refused or gone on with, whatever the others do."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import jepascope as js
from jepascope.disk.folder import Folder
from jepascope.errors import BadArgument, RunFolderError
from jepascope.study.machine import Machine
from jepascope.study.progress import Silent
from jepascope.study.sweep import run as running
from jepascope.study.sweep.cells import MOST_NAME, Cell, cells_of
from jepascope.study.sweep.run import FAILED, STORE, Outcome, check_folder, foreseen, part_of, run_cells, standing

FILE = """
base: quick
test_scenes: 8
over:
  variable: [direction, speed]
  model: [nano, nano-wide]
  seed: [0, 1]
"""
TWELVE = ", ".join(map(str, range(2, 14)))
MANY = f"over: {{seed: [{TWELVE}], draws: [{TWELVE}], peels: [{TWELVE}]}}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(FILE)
    return path


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    return path


def test_every_combination_is_a_cell_and_those_of_one_encoder_follow_each_other(file: Path) -> None:
    cells = cells_of(file)
    assert len(cells) == len({cell.name for cell in cells}) == 8
    assert [cell.given["model"] for cell in cells] == ["nano"] * 4 + ["nano-wide"] * 4
    first = cells[0]
    assert first.name == "model=nano,variable=direction,seed=0"
    assert first.spec is not None and (first.spec.test_scenes, first.spec.draws, first.spec.chapters) == (8, 20, ())


def test_a_combination_that_makes_no_study_is_a_cell_that_says_why(tmp_path: Path) -> None:
    good, bad = cells_of(written(tmp_path, "over: {variable: [direction, nothing]}"))
    assert good.spec is not None and bad.spec is None and "no such variable" in bad.refused
    assert standing(bad, tmp_path) == Outcome(bad, "failed", bad.refused)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model: nano", "no fields under 'over'"),
        ("over: []", "no fields under 'over'"),
        ("over: {seed: 3}", "over.seed is no list"),
        ("over: {seed: []}", "over.seed is no list"),
        ("over: {seeds: [1, 2]}", "no field 'seeds' (did you mean seed?); `jepascope spec` lists"),
        ("over: {zzzz: [1, 2]}", "no field 'zzzz'; `jepascope spec` lists"),
        ("test_scene: 3\nover: {seed: [1, 2]}", "no field 'test_scene'"),
        ("seed: 3\nover: {seed: [1, 2]}", "stands under over and beside it"),
        ("base: [quick]\nover: {seed: [1]}", "base is the name"),
        ("base: fast\nover: {seed: [1]}", "no preset 'fast'"),
        ("over: {seed: [1, 1]}", "two cells would be called seed=1"),
        ("over: {variable: [no]}", "names are text"),
        (
            "over: {" + ", ".join(f"{field}: [{', '.join(map(str, range(2, 14)))}]" for field in ("seed", "draws", "peels")) + "}",
            "1,728 studies",
        ),
        ("- over", "'field: value' lines"),
        ("over: {seed: [1, 2]", "not a readable YAML"),
    ],
)
def test_a_file_that_is_no_sweep_is_one_line_with_the_field(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BadArgument) as refused:
        cells_of(written(tmp_path, text))
    assert reason in str(refused.value) and "\n" not in str(refused.value)


def test_code_that_a_sweep_names_is_not_run_unasked(tmp_path: Path) -> None:
    (cell,) = cells_of(written(tmp_path, "over: {finders: [['os.path:join']]}"))
    assert cell.spec is None and "--trust-code" in cell.refused


def test_odd_and_long_values_have_names_that_folders_can_have(tmp_path: Path) -> None:
    names = [cell.name for cell in cells_of(written(tmp_path, f"over: {{labels: ['a/../b c.csv', '{'x' * 200}.csv', '../é']}}"))]
    assert len({*names}) == 3 and all(len(name) <= MOST_NAME and "/" not in name and ".." not in name[:2] for name in names)


def test_files_of_cells_lie_beside_the_sweep(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("scene,word\n" + "\n".join(f"{scene},{'ab'[scene % 2]}" for scene in range(400)) + "\n")
    (cell,) = cells_of(written(tmp_path, "variable: word\nover: {labels: [mine.csv]}"))
    assert cell.spec is not None and cell.spec.labels == str(tmp_path / "mine.csv")


def test_a_base_may_be_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("draws: 30\n")
    (cell,) = cells_of(written(tmp_path, "base: mine.yaml\nover: {seed: [4]}"))
    assert cell.spec is not None and cell.spec.draws == 30


def test_what_plan_refuses_is_known_before_anything_runs(tmp_path: Path) -> None:
    good, bad = cells_of(written(tmp_path, "base: quick\nover: {model: [nano, nonsuch]}"))
    planned, seconds = foreseen(good, tmp_path, Machine())
    assert planned.state == "waiting" and seconds > 0
    refused, nothing = foreseen(bad, tmp_path, Machine())
    assert refused.state == "failed" and "nonsuch" in refused.said and nothing == 0


def test_a_folder_of_something_else_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    check_folder(tmp_path / "new")
    (tmp_path / "cells").mkdir()
    check_folder(tmp_path)
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(BadArgument, match="neither empty nor the folder of a sweep; nothing was changed"):
        check_folder(tmp_path)
    with pytest.raises(BadArgument, match="is a file"):
        check_folder(tmp_path / "thesis.tex")
    with pytest.raises(BadArgument, match="nothing was changed"):  # whoever runs it, from Python too
        js.sweep(written(tmp_path, "base: quick\nover: {seed: [0]}"), out=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells", "odd.yaml", "thesis.tex"]


@pytest.mark.parametrize("many", [1, 3, 4, 11])
def test_parts_of_an_array_are_all_cells_once(file: Path, many: int) -> None:
    cells = cells_of(file)
    parts = [part_of(cells, f"{number}/{many}") for number in range(1, many + 1)]
    assert sorted(cell.name for part in parts for cell in part) == sorted(cell.name for cell in cells)


@pytest.mark.parametrize("part", ["0/4", "5/4", "1", "a/b", "-1/2", "1/0", ""])
def test_a_part_that_there_is_not_is_refused(file: Path, part: str) -> None:
    with pytest.raises(BadArgument, match="--part"):
        part_of(cells_of(file), part)


class Stage:
    """Stands in for studies: what was loaded and run, and what happens at a cell."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, happens: dict[str, BaseException]) -> None:
        self.loaded: list[object] = []
        self.ran: list[str] = []
        self.stores: set[Path | None] = set()
        self.happens = happens

        @contextmanager
        def opened(machine: Machine, *key: object) -> Any:
            self.loaded.append(key[0])
            yield type("Encoder", (), {"fits": None})()

        def study(spec: Any, folder: Path, encoder: Any, progress: Any, store: Path | None = None) -> dict[str, Any]:
            self.ran.append(folder.name)
            self.stores.add(store)
            if folder.name in self.happens:
                raise self.happens[folder.name]
            summary = {"title": f"{spec.variable} was found", "model": spec.model}
            Folder(folder).write("summary.json", json.dumps(summary))
            return summary

        def found(folder: Path, *_: object) -> Any:
            path = folder / "summary.json"
            return json.loads(path.read_text()) if path.exists() else None

        monkeypatch.setattr(running, "opened_encoder", opened)
        monkeypatch.setattr(running, "run_study", study)
        monkeypatch.setattr(running, "seal", lambda *_: None)
        monkeypatch.setattr(
            running, "sealed", lambda folder, *_: json.loads(s.read_text()) if (s := folder / "summary.json").exists() else None
        )

    def run(self, cells: list[Cell], out: Path) -> list[Outcome]:
        return list(run_cells(cells, out, Machine(), Silent(), lambda _: None, lambda *_: None))


def test_a_failed_cell_is_an_outcome_and_the_rest_goes_on(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = cells_of(file)
    stage = Stage(
        monkeypatch,
        {
            cells[1].name: RunFolderError("The disk is full."),
            cells[2].name: MemoryError(),
            cells[3].name: ZeroDivisionError("a bug\nof two lines"),
            cells[4].name: running.InUse("in use"),
        },
    )
    out = tmp_path / "sweep"
    outcomes = stage.run(cells, out)
    assert [outcome.state for outcome in outcomes] == [
        "finished",
        "failed",
        "failed",
        "failed",
        "elsewhere",
        "finished",
        "finished",
        "finished",
    ]
    assert outcomes[0].said == "direction was found" and outcomes[1].said == "The disk is full."
    assert "Out of memory" in outcomes[2].said and outcomes[3].said == "Unexpected ZeroDivisionError: a bug"
    assert stage.loaded == ["nano", "nano-wide"] and stage.stores == {out / STORE}
    assert [standing(cell, out).state for cell in cells] == ["finished", *["failed"] * 3, "waiting", *["finished"] * 3]
    assert standing(cells[1], out).said == "The disk is full."


def test_a_sweep_that_was_stopped_goes_on_and_what_was_mended_is_forgotten(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, out = cells_of(file), tmp_path / "sweep"
    with pytest.raises(KeyboardInterrupt):
        Stage(monkeypatch, {cells[0].name: RunFolderError("no room"), cells[2].name: KeyboardInterrupt()}).run(cells, out)
    assert (out / FAILED / f"{cells[0].name}.json").exists()
    again = Stage(monkeypatch, {})
    assert all(outcome.state == "finished" for outcome in again.run(cells, out))
    assert again.ran == [cell.name for cell in cells if cell is not cells[1]]  # which was finished
    assert not any((out / FAILED).iterdir())


def test_a_damaged_cell_is_said(file: Path, tmp_path: Path) -> None:
    cell = cells_of(file)[0]
    Folder(cell.folder(tmp_path)).write("summary.json", "{")
    outcome = standing(cell, tmp_path)
    assert outcome.state == "failed" and "summary.json" in outcome.said
