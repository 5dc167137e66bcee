"""BenchmarkEntry: what every benchmark declares of itself. Imports no torch, so that ``bench`` lists them at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jepascope.catalog import Catalog, Entry

Value = str | int | float
Setting = tuple[Value, str]
"""Its default, which says what kind of value it takes, and what it is."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkEntry(Entry):
    """``run``: a function ``(asked: Asked) -> Result``. ``page``: one of the result's record, ``-> list[Section]``, whose first section the
    terminal shows. ``question``: what is asked, the page's title. ``settings``: what ``--set`` changes. ``packages``: modules that it
    imports and that only some users have, installed as the package's extra ``extra``. ``takes``: how long, in words."""

    question: str = ""
    page: str = ""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    extra: str = "bench"
    takes: str = ""


BENCHMARKS = Catalog("benchmark", BenchmarkEntry, "jepascope.bench.kinds")
