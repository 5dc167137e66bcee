"""A sealed folder answers without a run; where anything in it is not as it was, it is looked through, whatever lies there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jepascope.disk.folder import Folder
from jepascope.errors import RunFolderError
from jepascope.study.seal import seal, sealed
from jepascope.study.spec import StudySpec


@pytest.fixture
def run(finished_run: Path, tiny_spec: StudySpec, tmp_path: Path) -> Path:
    shutil.copytree(finished_run, tmp_path / "run")
    seal(tmp_path / "run", tiny_spec, "float32")
    return tmp_path / "run"


def test_its_summary_is_told(run: Path, tiny_spec: StudySpec) -> None:
    assert sealed(run, tiny_spec, "float32") == json.loads((run / "summary.json").read_text())
    assert sealed(run, tiny_spec, "bfloat16") is None


def linked(path: Path) -> None:
    whole = path.rename(path.parents[1] / "elsewhere")
    path.symlink_to(whole)


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def flipped(path: Path) -> None:
    contents = path.read_bytes()
    path.write_bytes(contents[:-9] + bytes([contents[-9] ^ 4]) + contents[-8:])


HARMS = (linked, piped, a_folder, flipped, Path.unlink)


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("name", ["ce.parquet", "summary.json", "manifest.json", "report.html"])
def test_what_is_harmed_is_left_to_the_run(name: str, harm: Callable[[Path], object], run: Path, tiny_spec: StudySpec) -> None:
    harm(run / name)
    assert sealed(run, tiny_spec, "float32") is None


def test_one_in_use_is_refused(run: Path, tiny_spec: StudySpec) -> None:
    with Folder(run).hold(), pytest.raises(RunFolderError, match="in use"):
        sealed(run, tiny_spec, "float32")
