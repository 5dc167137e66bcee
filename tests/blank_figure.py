"""What stands for a figure in tests that read a page's words: it takes whatever is drawn on it, and is saved as an empty picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest


class Blank:
    """Axes, lines, spines, ...: whatever is asked of it is again one."""

    def __getattr__(self, name: str) -> Blank:
        if name.startswith("__"):
            raise AttributeError(name)
        return Blank()

    def __call__(self, *_: Any, **__: Any) -> Blank:
        return Blank()

    def __getitem__(self, _: Any) -> Blank:
        return Blank()

    def get_ylim(self) -> tuple[float, float]:
        return 0.0, 1.0

    def __iter__(self) -> Iterator[Blank]:
        return iter(())


class BlankFigure(Blank):
    """In place of matplotlib's ``Figure``."""

    def __init__(self, **_: Any) -> None:
        pass

    def subplots(self, rows: int, columns: int, **_: Any) -> Any:
        return SimpleNamespace(flat=[Blank() for _ in range(rows * columns)])

    def savefig(self, file: io.StringIO, **_: Any) -> None:
        file.write('<svg width="1pt" height="1pt" viewBox="0 0 1 1"></svg>')


@contextmanager
def words_only() -> Iterator[None]:
    """While it lasts figures of the report are blank. Not under the checks of types: a blank is no figure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jepascope.report.charts.canvas.Figure", BlankFigure)
        yield
