"""The page of a run: understood on its first screen, light, and all of it one click or key away."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from watched import DESKTOP, PHONE, Visit, unfold, words

pytestmark = pytest.mark.drawn
Written = Callable[[str], Path]

BELOW = """height => [...document.querySelectorAll('[data-first] *')].filter(part => part.checkVisibility())
  .filter(part => part.getBoundingClientRect().bottom > height + 1 && !part.closest('svg *')).map(part => part.outerHTML.slice(0, 80))"""


@pytest.fixture
def path(page_at: Written) -> Path:
    return page_at("report")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_first_screen_is_seen_without_scrolling_and_says_little(path: Path, visit: Visit, size: tuple[int, int]) -> None:
    page = visit(path, *size)
    assert page.evaluate(BELOW, size[1]) == []
    assert 20 < len(words(page, above=size[1])) <= 80
    for part in ("h1", "[data-question]", ".plot svg", ".film img", "[data-distrust] li"):
        assert page.locator(f"[data-first] {part}").first.is_visible(), part


@pytest.mark.slow
def test_the_whole_page_says_no_more_than_can_be_read(path: Path, visit: Visit) -> None:
    assert len(words(visit(path))) <= 1500


def test_the_page_is_light_and_there_in_a_second(path: Path, visit: Visit) -> None:
    """By the processor's time of the page's thread, in which no other process has a part: reading, layout, scripts and the first frame."""
    assert path.stat().st_size <= 3e6
    page = visit("about:blank")
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")
    page.goto(path.as_uri())
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    spent = {metric["name"]: metric["value"] for metric in client.send("Performance.getMetrics")["metrics"]}
    assert 0 < spent["ThreadTime"] < 1


REACH = """fold => { for (let part = fold.parentElement; part; part = part.parentElement) {
  if (part.matches('details')) part.open = true;
  if (part.matches('[data-tab][hidden]')) document.getElementById(part.getAttribute('aria-labelledby')).click();
} }"""


@pytest.mark.slow
def test_every_fold_opens_and_closes_by_mouse_and_by_keyboard(path: Path, visit: Visit) -> None:
    page = visit(path)
    folds = page.locator("details")
    assert folds.count() > 20
    for at in range(folds.count()):
        fold = folds.nth(at)
        summary = fold.locator("summary").first
        if not summary.is_visible():  # in a fold that is closed, or behind a tab
            fold.evaluate(REACH)
        if at % 2:
            summary.click()
        else:
            summary.press("Enter")
        assert fold.evaluate("fold => fold.open"), at
        if at % 5 == 0:
            summary.press("Space")
            assert not fold.evaluate("fold => fold.open"), at


SHOWN = """hash => new Promise(done => { location.hash = hash; setTimeout(() => {
  const target = document.getElementById(hash.slice(1)), box = target.getBoundingClientRect();
  done(target.checkVisibility() && box.top < innerHeight && box.bottom > 0); }, 20); })"""


@pytest.mark.slow
def test_every_anchor_opens_the_fold_that_holds_it(path: Path, visit: Visit) -> None:
    page = visit(path)
    anchors = sorted(set(page.evaluate("[...document.querySelectorAll('a[href^=\"#\"]')].map(link => link.hash)")) - {"#main"})
    assert len(anchors) > 20
    assert [anchor for anchor in anchors if not page.evaluate(SHOWN, anchor)] == []
    page.goto("about:blank")
    page.goto(f"{path.as_uri()}#provenance")  # a link from outside
    assert page.locator("#provenance").is_visible()


@pytest.mark.slow
def test_all_folds_open_and_close_at_once(path: Path, visit: Visit) -> None:
    page = visit(path)
    toggle, still = page.locator("nav .toggle"), "document.querySelectorAll('details.fold:not([open])').length"
    toggle.click()
    assert page.evaluate(still) == 0 and toggle.inner_text() == "Close all"
    toggle.press("Enter")
    assert page.evaluate(still) == page.locator("details.fold").count() and toggle.inner_text() == "Open all"


def test_on_a_phone_the_contents_are_a_drawer(path: Path, visit: Visit) -> None:
    page = visit(path, *PHONE, touch=True)
    drawer, menu = page.locator("#contents"), page.locator(".menu")
    assert not drawer.is_visible()
    menu.tap()
    assert drawer.is_visible()
    page.keyboard.press("Escape")
    assert not drawer.is_visible()
    menu.press("Enter")
    drawer.locator("a[href='#matching']").tap()
    assert not drawer.is_visible() and page.locator("#matching").is_visible()


INSIDE = "tip => { const box = tip.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth && box.width > 40; }"


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_terms_explain_themselves_to_pointer_key_and_finger(path: Path, visit: Visit, size: tuple[int, int]) -> None:
    page = visit(path, *size, touch=size == PHONE)
    terms = page.locator("[data-first] .term")
    assert terms.count() > 2
    for at in range(terms.count()):
        term, tip = terms.nth(at), terms.nth(at).locator("[role=tooltip]")
        assert not tip.is_visible()
        (term.locator("button").tap if size == PHONE else term.hover if at % 2 else term.locator("button").focus)()
        assert tip.is_visible() and tip.evaluate(INSIDE), term.inner_text()
        page.evaluate("document.activeElement.blur()")
        page.mouse.move(0, size[1] - 2)


def test_the_clips_move_stand_still_when_asked_and_for_whoever_wants_no_motion(path: Path, visit: Visit) -> None:
    page = visit(path)
    moving = "getComputedStyle(document.querySelector('.film img')).animationPlayState"
    assert page.evaluate(moving) == "running"
    page.locator(".film input").press("Space")
    assert page.evaluate(moving) == "paused"
    page.locator(".film input").click()
    assert page.evaluate(moving) == "running"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("document.getAnimations().length") == 0


VISIBLE = "panels => panels.filter(panel => panel.checkVisibility()).length"


@pytest.mark.slow
def test_every_tab_shows_its_panel_alone_by_mouse_and_by_keyboard(path: Path, visit: Visit) -> None:
    page = visit(path)
    unfold(page)
    lists = page.locator("[data-tabs]")
    assert lists.count() > 0
    for at in range(lists.count()):
        tabs, panels = lists.nth(at).locator(":scope > [role=tablist] > [role=tab]"), lists.nth(at).locator(":scope > [data-tab]")
        assert tabs.count() == panels.count() > 1
        for one in range(tabs.count()):
            tabs.nth(one).click()
            assert panels.nth(one).is_visible() and panels.evaluate_all(VISIBLE) == 1
            assert tabs.nth(one).get_attribute("aria-selected") == "true"
        for key, one in (("Home", 0), ("ArrowRight", 1), ("ArrowLeft", 0), ("ArrowLeft", tabs.count() - 1), ("End", tabs.count() - 1)):
            page.keyboard.press(key)
            assert panels.nth(one).is_visible() and panels.evaluate_all(VISIBLE) == 1, key
            assert tabs.nth(one).evaluate("tab => tab === document.activeElement")


COLUMN = """(table, column) => [...table.tBodies[0].rows].filter(row => !row.matches('.group')).map(row => row.cells[column])
  .filter(Boolean).map(cell => cell.querySelector('data')?.value ?? cell.textContent.trim())"""
BY_GROUP = """(table, column) => [...table.tBodies[0].rows].reduce((groups, row) => {
  if (row.matches('.group') || !groups.length) groups.push([]);
  const exact = row.cells[column]?.querySelector('data');
  if (!row.matches('.group') && exact) groups.at(-1).push(parseFloat(exact.value));
  return groups; }, []).map(group => group.filter(value => !Number.isNaN(value)))"""


@pytest.mark.slow
def test_every_head_of_a_table_sorts_its_column_and_gives_the_order_back(path: Path, visit: Visit) -> None:
    page = visit(path)
    unfold(page)
    tables = page.locator("table[data-sortable]:has(thead button):visible")
    assert tables.count() > 10
    numbers = 0
    for at in range(0, tables.count(), 4):  # each is made by the same lines
        table = tables.nth(at)
        heads = table.locator("thead button")
        column = heads.count() - 1
        before = table.evaluate(COLUMN, column)
        head = heads.nth(column)
        for press, sign in ((head.click, -1), (lambda head=head: head.press("Enter"), 1)):
            press()
            for values in table.evaluate(BY_GROUP, column):
                numbers += len(values)
                assert values == sorted(values, reverse=sign < 0)
            assert sorted(table.evaluate(COLUMN, column)) == sorted(before)
        assert table.locator("thead th").nth(column).get_attribute("aria-sort") == "ascending"
        head.press("Space")
        assert table.evaluate(COLUMN, column) == before
    assert numbers > 20


def test_the_values_behind_a_figure_are_one_click_away(path: Path, visit: Visit) -> None:
    page = visit(path)
    unfold(page)
    links = page.locator("a[download]:visible")
    assert links.count() > 3
    with page.expect_download() as started:
        links.first.click()
    with Path(started.value.path()).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert started.value.suggested_filename.endswith(".csv") and len(rows) > 2 and len({len(row) for row in rows}) == 1
