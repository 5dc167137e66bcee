"""The page as chapters and folds: everything is in one of them, once, and can be read by whoever runs no script."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from blank_figure import words_only
from jepascope.findings.questions import QUESTIONS
from jepascope.report import build_report
from jepascope.report.blocks import DECLARED
from jepascope.report.chapters import CHAPTERS, ORDER

MOST_VISIBLE = 1500


class Folds(HTMLParser):
    """Words that stand outside folds, drawings and what is shown on demand; the chapter and the fold of every section."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.chapter = ""
        self.within: dict[str, tuple[str, str]] = {}
        self.hidden: list[str] = []
        self.open: list[tuple[str, bool]] = []
        self.fold = ""
        self.html = html
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "hidden" in given:
            self.hidden.append(tag)
        self.chapter = given.get("data-chapter") or self.chapter
        if tag == "details":
            self.fold = given.get("data-fold") or self.fold
        if tag == "section" and "data-chapter" not in given and given.get("id"):
            self.within[str(given["id"])] = (self.chapter, self.fold)
        closed = (tag == "details" and "open" not in given) or tag in {"svg", "style", "script", "head"} or given.get("role") == "tooltip"
        if tag not in {"meta", "img", "br", "input", "link"}:
            self.open.append((tag, closed))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        around = [closed for _, closed in self.open]
        if any(tag == "summary" for tag, _ in self.open):
            around[[tag for tag, _ in self.open].index("summary") - 1] = False  # what names a fold is seen
        if not any(around):
            self.words += data.split()


@pytest.fixture(scope="module")
def folds(shared: Callable[..., Path], complete: Path) -> Folds:
    def report(folder: Path) -> None:
        shutil.copytree(complete, folder, dirs_exist_ok=True)
        with words_only():
            build_report(folder)

    return Folds((shared("folded-report", report) / "report.html").read_text(encoding="utf-8"))


def test_every_section_belongs_to_one_chapter() -> None:
    assert sorted(ORDER) == sorted(DECLARED)  # each once, and all of them
    names = [*ORDER, *(chapter.anchor for chapter in CHAPTERS)]
    assert len(set(names)) == len(names) and len(CHAPTERS) == 5


def test_every_section_keeps_its_anchor_inside_a_fold_of_its_chapter(folds: Folds) -> None:
    for chapter in CHAPTERS:
        for anchor in chapter.sections:
            assert folds.within[anchor][0] == chapter.anchor
            assert folds.within[anchor][1] in (anchor, f"{chapter.anchor}-not-run")


def test_few_words_stand_outside_folds(folds: Folds) -> None:
    assert 100 < len(folds.words) <= MOST_VISIBLE


def test_nothing_is_hidden_from_whoever_runs_no_script(folds: Folds) -> None:
    assert not folds.hidden


def test_what_takes_turns_stands_one_below_another_where_no_script_runs(folds: Folds) -> None:
    assert "data-tab=" in folds.html and ' role="tab' not in folds.html.split("<script>")[0]  # the script makes them


def test_the_first_screen_has_a_reply_to_every_question_and_at_most_three_doubts(folds: Folds) -> None:
    assert re.findall('data-question="([^"]*)"', folds.html) == [question.name for question in QUESTIONS]
    doubts = re.search(r"data-distrust.*?</section>", folds.html, flags=re.S)
    assert doubts is not None and 0 < doubts[0].count("<li>") <= 3
