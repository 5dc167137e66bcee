"""Every block of code in the documentation is one that can be followed: commands and their options exist, Python compiles and names what
there is, files are what the program reads."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import re
import shlex
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import jepascope as js
from doc_blocks import ROOT, Block, blocks, blocks_of
from jepascope.cli import app
from jepascope.study.spec_file import make_spec
from jepascope.study.sweep.cells import OVER, cells_of

COMMANDS: dict[str, Any] = typer.main.get_group(app).commands
ELSEWHERE = {"apptainer", "cd", "curl", "docker", "export", "git", "hf", "jupyter", "ray", "sbatch", "python"}
"""Programs that are not ours; what they are told is not checked, but for Python's modules and files."""
PLAIN = {"text", "{toctree}", "{outside}", "{literalinclude}", "{image}", "{figure}", "{glossary}"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BLOCKS = [pytest.param(block, id=block.place) for block in blocks()]


def check_bash(block: Block, folder: Path) -> None:
    for words in block.commands:
        program, rest = words[0].removeprefix(".venv/bin/"), words[1:]
        if program == "jepascope":
            COMMANDS[rest[0]].make_context(rest[0], rest[1:])
        elif program == "make":
            targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
            assert targets.issuperset(word for word in rest if "=" not in word), words
        elif program == "pip":
            extras = re.findall(r"(?:jepascope|\.)\[([a-z,]+)\]", " ".join(rest))
            assert {extra for found in extras for extra in found.split(",")} <= set(PROJECT["optional-dependencies"]), words
        else:
            assert program in ELSEWHERE, f"{block.place}: is {program} a program? Its name belongs in ELSEWHERE then."
        if program == "python":
            assert find_run(rest), words


def find_run(words: list[str]) -> bool:
    """What Python is to run: a file of the repository, or a module."""
    return (ROOT / words[0]).is_file() if words[0] != "-m" else importlib.util.find_spec(words[1]) is not None


def check_python(block: Block, folder: Path) -> None:
    tree = ast.parse(block.text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("jepascope"):
            module = import_module(node.module)
            assert all(hasattr(module, name.name) for name in node.names), ast.unparse(node)
        if isinstance(node, ast.Call) and callable(function := public(node.func)):
            named = {word.arg: None for word in node.keywords if word.arg is not None}
            inspect.signature(function).bind_partial(**named)
        elif isinstance(node, ast.Attribute):
            public(node)


def public(node: ast.expr) -> object:
    """What ``js.name`` or ``js.folder.name`` is; AttributeError where there is none of that name, None for what is no name of ours."""
    if isinstance(node, ast.Name):
        return js if node.id == "js" else None
    if not isinstance(node, ast.Attribute) or (owner := public(node.value)) is None:
        return None
    return getattr(owner, node.attr) if inspect.ismodule(owner) else None


def check_yaml(block: Block, folder: Path) -> None:
    values = yaml.safe_load(block.text)
    if OVER in values:
        (folder / "sweep.yaml").write_text(block.text)
        assert not [cell.refused for cell in cells_of(folder / "sweep.yaml") if cell.refused]
    else:
        make_spec(values, block.place)


def check_from_code(block: Block, folder: Path) -> None:
    """What the site puts in: the function makes something of what is declared, without a word of refusal."""
    place, _, words = block.arguments.partition(" ")
    module, _, function = place.partition(".")
    assert getattr(import_module(f"reference.{module}"), function)(*shlex.split(words)).strip()


CHECKS = {
    "bash": check_bash,
    "{from-code}": check_from_code,
    "python": check_python,
    "yaml": check_yaml,
    "json": lambda block, folder: json.loads(block.text),
    "toml": lambda block, folder: tomllib.loads(block.text),
}


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_can_be_followed(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "_ext")
    if block.language not in PLAIN:
        assert block.language in CHECKS, f"{block.place}: name the language of the block; plain text is 'text'"
        CHECKS[block.language](block, tmp_path)


WRONG = [
    ("bash", "jepascope run --no-such-option"),
    ("bash", "jepascope runn"),
    ("bash", "make no-such-target"),
    ("bash", "pip install 'jepascope[nothing]'"),
    ("bash", "jepascop run"),
    ("bash", "python -m tests.no_such_module"),
    ("python", "js.no_such_name"),
    ("python", "js.clips.no_such_name()"),
    ("python", "js.find(activations, 'direction', layers=3)"),
    ("python", "from jepascope.runs import no_such_name"),
    ("python", "js.find(activations"),
    ("yaml", "no_such_field: 1"),
    ("yaml", "over: {no_such_field: [1]}"),
    ("yaml", "over: {finders: [[no_such_finder]]}"),
    ("json", "{"),
    ("toml", "="),
]


@pytest.mark.parametrize(("language", "text"), WRONG)
def test_a_block_that_cannot_be_followed_is_found(language: str, text: str, tmp_path: Path) -> None:
    (block,) = blocks_of(f"```{language}\n{text}\n```\n", "page.md")
    with pytest.raises((Exception, SystemExit)):
        CHECKS[language](block, tmp_path)


def test_blocks_are_found_with_their_lines_and_without_options_of_cells() -> None:
    page = "# Title\n\n```bash\nA=1 make test \\\n  demo # both\n```\n\n```{code-cell} ipython3\n:tags: [hide-input]\nx = 1\n```\n"
    shell, cell = blocks_of(page, "page.md")
    assert (shell.place, shell.commands) == ("page.md:3", [["make", "test", "demo"]])
    assert (cell.language, cell.text, cell.cell) == ("python", "x = 1\n", True)


def test_links_between_pages_lead_to_files() -> None:
    """In the repository; that they lead to pages of the site, its build says."""
    for page in {ROOT / block.page for block in blocks()}:
        for target in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
