"""A benchmark's result as one HTML page and its figures, made from bench.json alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jepascope.bench.entries import BENCHMARKS
from jepascope.bench.run import RESULT
from jepascope.catalog import attribute
from jepascope.disk.folder import Folder
from jepascope.disk.plain import read_object
from jepascope.errors import RunFolderError, setting
from jepascope.report.blocks import Section
from jepascope.report.build import build_report, render_page, write_drawings, write_whole
from jepascope.report.opened import opened

PAGE = "bench.html"


def build_bench(folder: Path) -> Path:
    """Write ``folder``/bench.html and the figures beside it. RunFolderError where bench.json is missing or damaged."""
    try:
        record = read_bench(folder)
        chapters = [opened("result", "What came out?", sections_of(record))]
        asked = " ".join(["jepascope bench", record["benchmark"], setting(**record["settings"])]).strip()
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"'{folder / RESULT}' cannot be read ({error}); run jepascope bench again.") from None
    for study in record.get("studies", ()):  # run folders that it made, each with a page of its own
        build_report(folder / study)
    write_drawings(folder, chapters)
    about = {"name": record["benchmark"], "question": record["question"], "asked": asked, "source": RESULT}
    html = render_page("bench.html.j2", chapters, **about)
    return write_whole(folder / PAGE, html)


def read_bench(folder: Path) -> dict[str, Any]:
    """What a benchmark recorded."""
    return read_object(Folder(folder), RESULT)


def sections_of(record: dict[str, Any]) -> list[Section]:
    """The sections that the benchmark's page has, the result first."""
    name = record["benchmark"]
    with BENCHMARKS.blamed(name):
        made: list[Section] = attribute(BENCHMARKS.entry(name).page, f"the page of benchmark '{name}'")(record)
    return made
