"""The notebooks of docs/notebooks: stored without what they print, readable here, and (slow) run to their end in a kernel of their own."""

from __future__ import annotations

import ast
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

import jepascope as js
from jepascope.cli.app import app

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMED = re.compile(r"\b(?:js|jepascope)\.([a-z]\w*(?:\.[a-z]\w*)?)")
COMMAND = re.compile(r"`jepascope ([a-z]+)")


def stored(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def code_of(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in stored(path)["cells"] if cell["cell_type"] == "code"]


def words_of(path: Path) -> str:
    return "\n".join("".join(cell["source"]) for cell in stored(path)["cells"] if cell["cell_type"] == "markdown")


def test_there_are_six() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == ["1-", "2-", "3-", "4-", "5-", "6-"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_stored_is_text_and_code_alone_in_cells_that_are_named(path: Path) -> None:
    notebook = stored(path)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5) and set(notebook["metadata"]) == {"kernelspec", "language_info"}
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(names) == len(set(names)) and all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)
    assert all(cell["metadata"] == {} for cell in notebook["cells"])
    assert all((cell["outputs"], cell["execution_count"]) == ([], None) for cell in notebook["cells"] if cell["cell_type"] == "code")
    assert words_of(path).startswith("# ") and words_of(path).count("\n# ") == 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_name_that_is_used_is_there(path: Path) -> None:
    for cell in code_of(path):
        ast.parse(cell)
    for name in {name for text in (*code_of(path), words_of(path)) for name in NAMED.findall(text)}:
        value: Any = js
        for part in name.split("."):
            value = getattr(value, part)
    commands = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert {*COMMAND.findall(words_of(path))} <= commands
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", words_of(path)):
        assert (FOLDER / target).is_file(), target


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_to_its_end_in_a_fresh_kernel_with_warnings_as_errors(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is returned is shown, progress leaves nothing, and the last cell is something to look at."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(js.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = nbformat.read(path, 4)
    first = nbformat.v4.new_code_cell("import warnings\nwarnings.simplefilter('error')", id="warnings")
    notebook.cells.insert(0, first)
    # what a cell shows may come late from a kernel on a busy machine; nbclient waits four seconds for it and goes on without
    client = nbclient.NotebookClient(notebook, timeout=600, iopub_timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in notebook.cells if cell["cell_type"] == "code" for output in cell["outputs"]]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert not [output for output in outputs if "<progress" in output.get("data", {}).get("text/html", "")]
    last = [cell for cell in notebook.cells if cell["cell_type"] == "code"][-1]["outputs"]
    assert any(output.get("data", {}).get(kind) for output in last for kind in ("image/png", "text/html"))  # progress leaves empty ones
