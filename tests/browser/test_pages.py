"""What holds for every page: it is quiet, fits a phone, keeps nobody out, can be read without scripts and on paper, and runs no name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pages import PAGES
from watched import NARROW, Visit, barriers, sideways, unfold, words

pytestmark = pytest.mark.drawn
Written = Callable[[str], Path]


HIDDEN = """() => [...document.querySelectorAll('main section, main figure, main p, main pre')].filter(part => !part.checkVisibility())
  .map(part => part.id || part.textContent.slice(0, 40))"""


EVERY_DAY = ("report",)


def marked(*names: str) -> list[Any]:
    """Pages by name; those that have the report's templates are looked at in CI alone."""
    return [pytest.param(name, marks=[] if name in EVERY_DAY else [pytest.mark.slow]) for name in names]


@pytest.fixture(params=marked(*(name for name in PAGES if name != "strangers")))  # which is the report by other names
def path(request: pytest.FixtureRequest, page_at: Written) -> Path:
    return page_at(request.param)


@pytest.mark.parametrize("name", marked(*PAGES))
def test_nothing_scrolls_sideways_but_boxes_that_are_made_for_it(name: str, page_at: Written, visit: Visit) -> None:
    page = visit(page_at(name), *NARROW)
    assert sideways(page) == 0
    unfold(page)
    assert sideways(page) == 0
    page.set_viewport_size({"width": 1280, "height": 800})
    assert sideways(page) == 0


@pytest.mark.slow
def test_nobody_is_kept_out(path: Path, visit: Visit) -> None:
    page = visit(path)
    unfold(page)
    assert barriers(page) == []


@pytest.mark.slow
def test_nobody_is_kept_out_in_the_dark(page_at: Written, visit: Visit) -> None:
    """All pages have one style sheet, and but for colours the dark page is the other."""
    page = visit(page_at("report"), dark=True)
    unfold(page)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != visit(page_at("report")).evaluate(
        "getComputedStyle(document.body).backgroundColor"
    )
    assert barriers(page, ("color-contrast",)) == []


@pytest.mark.slow
def test_without_scripts_everything_can_be_read(path: Path, visit: Visit) -> None:
    with_scripts = visit(path)
    unfold(with_scripts)
    page = visit(path, scripts=False)
    for fold in page.locator("summary:visible").all()[:5]:
        fold.click()
        assert fold.evaluate("fold => fold.parentElement.open")
    unfold(page)
    assert page.evaluate(HIDDEN) == []
    assert len(words(page, within="main")) >= len(words(with_scripts, within="main")) > 50  # there tabs take turns


def test_paper_shows_everything(path: Path, visit: Visit) -> None:
    page = visit(path)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(HIDDEN) == []


@pytest.mark.slow
def test_harmful_names_are_words_and_nothing_else(page_at: Written, visit: Visit, complaints: list[str]) -> None:
    page = visit(page_at("strangers"))
    unfold(page)
    page.wait_for_timeout(100)
    assert complaints == []
    said = page.inner_text("body")
    for word in ("<script>alert('ran')</script>", "onerror=alert('ran')", "{{ 7 * 7 }}", "🧪🎥"):
        assert word in said, word
    assert page.locator("script").count() == 1 and page.locator("img[src=x], [onmouseover], [onerror]").count() == 0
