"""The watch itself: whatever a page may not do is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from watched import NARROW, Visit, barriers, sideways, words

MakePage = Callable[..., Path]


@pytest.mark.parametrize(
    ("markup", "noticed"),
    [
        ("<script>console.error('loud')</script>", "error: loud"),
        ("<script>throw new Error('broken')</script>", "threw broken"),
        ("<script>alert('hello')</script>", "dialogue: hello"),
        ("<img src='https://example.org/a.png' alt='a'>", "asked for https://example.org/a.png"),
        ("<script>fetch('http://127.0.0.1:9/')</script>", "asked for http://127.0.0.1:9/"),
        ("<link rel=stylesheet href='//example.org/a.css'>", "asked for file://example.org/a.css"),
    ],
)
def test_what_no_page_may_do_is_noticed(visit: Visit, complaints: list[str], page_of: MakePage, markup: str, noticed: str) -> None:
    visit(page_of(markup)).wait_for_timeout(50)
    assert any(noticed in complaint for complaint in complaints)
    complaints.clear()


def test_a_quiet_page_has_nothing_to_complain_of(visit: Visit, complaints: list[str], page_of: MakePage) -> None:
    page = visit(page_of("<h1>quiet</h1><img src='data:image/gif;base64,R0lGODlhAQABAAAAACw=' alt='nothing'>"), dark=True)
    assert complaints == [] and barriers(page) == [] and sideways(page) == 0


def test_what_is_folded_hidden_or_drawn_is_not_counted_as_words(visit: Visit, page_of: MakePage) -> None:
    hidden = "<details><summary>two words</summary>folded <b>away</b></details><p hidden>hidden</p><svg><text>drawn</text></svg>"
    page = visit(page_of(f"{hidden}<p>three more words</p><div style='height: 900px'></div><p>below</p>"))
    assert words(page) == ["two", "words", "three", "more", "words", "below"]
    assert words(page, above=800) == words(page)[:-1]


def test_a_page_wider_than_its_window_is_measured_and_a_box_that_scrolls_is_not(visit: Visit, page_of: MakePage) -> None:
    wide = "<div style='width: 500px'>wide</div>"
    assert sideways(visit(page_of(f"<div style='overflow-x: auto'>{wide}</div>"), *NARROW)) == 0
    assert sideways(visit(page_of(wide), *NARROW)) > 100


@pytest.mark.parametrize(
    ("markup", "rule"),
    [
        ("<p style='color: #bbb; background: #fff'>pale</p>", "color-contrast"),
        ("<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>", "image-alt"),
        ("<svg role='img' width='9' height='9'></svg>", "svg-img-alt"),
        ("<button></button>", "button-name"),
    ],
)
def test_what_keeps_people_out_is_found(visit: Visit, page_of: MakePage, markup: str, rule: str) -> None:
    assert any(found.startswith(rule) for found in barriers(visit(page_of(markup))))
