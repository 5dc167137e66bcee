"""The systems of a clone of MelouxM/CAE (arXiv 2607.00267) with their explanations. Its suites are imported, because the user names it.

A system whose packages or libraries are not here is left out with the reason, and never stands for one that was run.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from jepascope.errors import BadArgument, first_line

SUITES = "[01][0-9]_*.py"  # in its folder test/, by the number of the system
CLONE = "git clone https://github.com/MelouxM/CAE"
NOISE = "noise"  # a valid explanation of a system that is measured with noise: neither a valid nor an invalid one


@dataclass(frozen=True)
class Explanation:
    """``valid``: what the suite says of it. ``condition_of(run)``: the system with the explanation (``engine``) and what the suite scores
    (``tasks``, ``analytical``), drawn by the number of the run."""

    system: str
    condition: str
    valid: bool
    outputs: tuple[str, ...]
    condition_of: Callable[[int], Any]


def explanations(folder: Path, numbers: Sequence[str]) -> tuple[list[Explanation], dict[str, str]]:
    """Every explanation that can be built here, and of each system that cannot, or is not among ``numbers``, the reason. BadArgument for a
    folder that is no clone."""
    suites = sorted((folder / "test").glob(SUITES))
    if not suites or not (folder / "systems").is_dir():
        raise BadArgument(f"'{folder}' is no clone of MelouxM/CAE; make one with `{CLONE}` and give it with --set systems=CAE.")
    found: list[Explanation] = []
    left_out: dict[str, str] = {}
    with _importing(folder):
        for suite in suites:
            if suite.stem.partition("_")[0] not in numbers:
                left_out[suite.stem] = "not asked for"
                continue
            try:
                module = _imported(suite)
            except Exception as error:  # each of them needs packages or libraries of its own
                left_out[suite.stem] = f"{type(error).__name__}: {first_line(error)}"
                continue
            for name, conditions, outputs, build in _experiments(suite.stem, module):
                try:
                    build(conditions[0], 0)
                except Exception as error:
                    left_out[name] = f"{type(error).__name__}: {first_line(error)}"
                    continue
                first = conditions[0]
                found += [
                    Explanation(name, each, each.startswith("valid") or each == first, outputs, _of(build, each))
                    for each in conditions
                    if each != NOISE
                ]
    return found, left_out


def _experiments(stem: str, module: Any) -> Iterator[tuple[str, list[str], tuple[str, ...], Callable[[str, int], Any]]]:
    """A suite's system; of the suite of controlled experiments each one."""
    if hasattr(module, "build_condition"):
        yield stem, list(module.CONDITIONS), tuple(module.OUTPUTS), module.build_condition
    for number, experiment in getattr(module, "EXPERIMENTS", {}).items():
        outputs = getattr(module, f"_EXP{number}")["outputs"]
        yield (
            f"{stem.partition('_')[0]} {experiment['title']}",
            list(experiment["conditions"]),
            tuple(outputs),
            experiment["build_condition"],
        )


def _of(build: Callable[[str, int], Any], condition: str) -> Callable[[int], Any]:
    return lambda run: build(condition, run)


def _imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"cae_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _importing(folder: Path) -> Iterator[None]:
    """The suites import their neighbours by bare names, and print; Python's path is afterwards what it was."""
    before = list(sys.path)
    sys.path.append(str(folder / "test"))
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        sys.path[:] = before
