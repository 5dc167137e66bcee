"""Step: one piece of a study, declared once. Running, resuming, planning and timing a study all read the same list of them.

Imports neither torch nor pandas: a step names the function that does its work, and that is imported when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from jepascope.catalog import attribute
from jepascope.study.sizes import Counts, Passes
from jepascope.study.spec import StudySpec


def _nothing(_: Counts) -> Iterable[Passes]:
    return ()


def _never(_: StudySpec) -> str:
    return ""


def _always(_: StudySpec) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Step:
    """``name``: as it stands in log.jsonl and seconds.json. ``run``: the ``module:function`` of the study that does it.

    ``needs``: what the function is given, in this order: tables that earlier steps wrote, results of earlier steps, or what the study
    holds. ``tables``: what it gives back, written together; a step whose tables are in the folder is not run again. Without tables it is
    always run (what it makes is kept elsewhere) and its result is there under its name. ``cost``: what goes through the encoder for it.
    ``chapter``: which of the spec's ``chapters`` it belongs to ("": it is in every study). ``skipped``: why a spec leaves it out besides
    ("" where it does not). ``asked``: whether a spec asks for it at all: its tables are there only then. ``beside``: CPU seconds that the
    demo spends in it besides the blocks, and ``share``: what of ``cost``, an upper bound, it comes to; both as measured, for the time that
    is left.
    """

    name: str
    run: str
    needs: tuple[str, ...]
    tables: tuple[str, ...] = ()
    cost: Callable[[Counts], Iterable[Passes]] = _nothing
    skipped: Callable[[StudySpec], str] = _never
    asked: Callable[[StudySpec], bool] = _always
    chapter: str = ""
    beside: float = 0.0
    share: float = 1.0

    def left_out(self, spec: StudySpec) -> str:
        """Why a spec leaves it out ("" where it does not); its tables are empty then."""
        return f"the study leaves {self.chapter} out (chapters)" if self.chapter not in ("", *spec.chapters) else self.skipped(spec)

    @property
    def work(self) -> Callable[..., Any]:
        """The function, imported when it is asked for."""
        return attribute(f"jepascope.study.{self.run}", f"step '{self.name}'")  # type: ignore[no-any-return]
