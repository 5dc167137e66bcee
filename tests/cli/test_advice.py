"""Every command, option, field and extra that jepascope offers anywhere is one that there is: in its source, its help and its pages."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from doc_blocks import FENCE, pages
from jepascope.bench.entries import BENCHMARKS
from jepascope.cli import app
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import read_value

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "jepascope").rglob("*.py"))
COMMANDS: dict[str, Any] = typer.main.get_group(app).commands
ELSEWHERE = {
    *("--help", "--version", "--local-dir", "--index-url", "--head", "--num-gpus", "--port", "--array"),
    *("--minutes", "--only", "--trials"),
}  # of jepascope itself, hf, pip, ray, sbatch, and of tests/campaign
PLACE = "PLACE"  # what stands in for a value that is known when a message is made


def options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help", "-h"}


EVERY_OPTION = set().union(*map(options, COMMANDS.values())) | ELSEWHERE


def constants(path: Path) -> Iterator[tuple[int, str]]:
    """Every text in a module, docstrings included; those with values in them have PLACE there."""
    nodes: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_text()), False)]
    while nodes:
        node, inside = nodes.pop()
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else PLACE for part in node.values]
            yield node.lineno, "".join(str(part) for part in parts)
            inside = True
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not inside:
            yield node.lineno, node.value
        nodes += [(child, inside) for child in ast.iter_child_nodes(node)]


@cache
def texts() -> list[tuple[str, str]]:
    """Where, and what. Read by the tests and not while they are collected: every worker collects all tests and runs few of them."""
    read = [(f"{path.relative_to(ROOT)}:{line}", text) for path in SOURCES for line, text in constants(path)]
    return read + [(path.name, FENCE.sub("", path.read_text())) for path in pages()]  # blocks of code: tests/docs


CALL = re.compile(r"(?<![\w./'-])jepascope (?P<command>[a-z]+)(?P<rest>[^`\n|;#)]*)")
OFFERED = re.compile(r"[`'](?:\.venv/bin/)?jepascope (?P<command>[a-z]+)\b")


def calls() -> Iterator[tuple[str, str, str]]:
    for where, text in texts():
        for call in CALL.finditer(text):
            if call["command"] in COMMANDS:
                rest = re.split(r"(?:[.,:] |\.$|'(?: |$)|\bjepascope\b| -- )", call["rest"])[0]
                yield where, call["command"], rest


def test_there_is_something_to_check() -> None:
    assert len({command for _, command, _ in calls()}) == len(COMMANDS) and len([*calls()]) > 100


def test_commands_that_are_offered_exist_and_have_the_options_that_are_offered_with_them() -> None:
    for where, command, rest in calls():
        for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", rest):
            assert option in options(COMMANDS[command]) | {"--version"}, f"{where}: jepascope {command} has no {option}"
    for where, text in texts():
        for call in OFFERED.finditer(text):
            assert call["command"] in COMMANDS, f"{where}: there is no jepascope {call['command']}"


def test_options_that_are_named_alone_are_options_of_some_command() -> None:
    for where, text in texts():
        if where == "CONTRIBUTING.md":
            continue
        own = re.sub(r"pip install [^`\n]*", "", text)  # whose options are another program's
        for option in re.findall(r"(?<![\w`-])`?(--[a-z][a-z-]+)(?![\w-])", own):
            assert option in EVERY_OPTION, f"{where}: no command has {option}"


BENCH_SETTINGS = {name for entry in BENCHMARKS.own.values() for name in entry.settings}


def test_fields_that_are_set_are_fields_and_their_values_are_read() -> None:
    seen = 0
    for where, text in texts():
        for word in re.findall(r"--set ('[^']*'|[a-z_]+=[^\s'`,;.]+)", text):
            field, _, value = shlex.split(word)[0].partition("=")
            if field not in StudySpec.model_fields:
                assert field in BENCH_SETTINGS, f"{where}: neither a spec nor a benchmark has a field {field}"
                continue
            if value and PLACE not in value:
                assert read_value(field, value) is not None, f"{where}: --set {word}"
                seen += 1
    assert seen > 3


def test_extras_that_are_to_be_installed_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {extra for _, text in texts() for extras in re.findall(r"jepascope\[([a-z,]+)\]", text) for extra in extras.split(",")}
    assert named and named <= set(project["optional-dependencies"])
    assert {extra for extra in ("flow", "ray")} <= named


EXAMPLES = [
    (f"{name} --help", line.strip())
    for name, command in COMMANDS.items()
    for line in re.sub(r"^Examples?:", "", command.epilog or "").split("|")
    if line.strip()
]  # those of pages are read by tests/docs


@pytest.mark.parametrize(("where", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_examples_are_read_by_the_commands_that_they_name(where: str, line: str) -> None:
    _, name, *words = shlex.split(line, comments=True)
    COMMANDS[name].make_context(name, words)


def test_every_command_has_an_example() -> None:
    assert {line.split()[1] for _, line in EXAMPLES} == set(COMMANDS)
