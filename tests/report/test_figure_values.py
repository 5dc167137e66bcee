"""Behind every figure lie its values, as CSV in a link; drawings stay sharp and small."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from math import nan
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepascope.report.blocks import Figure, Finding, Heading, Section, flat, in_turn
from jepascope.report.build import SECTIONS, parted
from jepascope.report.charts import beside_controls, curves
from jepascope.report.charts.beside_controls import Mark, Row
from jepascope.report.charts.canvas import Drawing, shortened
from jepascope.report.charts.curves import Level, Series
from jepascope.report.charts.end_names import moved_apart
from jepascope.report.charts.looks import Look
from jepascope.report.csv_text import csv_text, csv_uri
from jepascope.report.first import first_screen
from jepascope.report.folder import read_run


def test_csv_comes_back_as_it_went_with_seven_digits_and_nothing_for_what_is_not_known() -> None:
    values = (("what", "value"), ('a, "b"\nc', 1 / 3), ("ü→", nan), ("n", 40))
    back = list(csv.reader(io.StringIO(unquote(csv_uri(values).split(",", 1)[1]))))
    assert back == [["what", "value"], ['a, "b"\nc', "0.3333333"], ["ü→", ""], ["n", "40"]]


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx"])
def test_a_name_is_no_formula_for_a_spreadsheet(name: str) -> None:
    assert next(csv.reader(io.StringIO(csv_text(((name, 1.0),))))) == ["'" + name, "1"]


def test_what_is_drawn_is_what_the_values_say() -> None:
    series = Series("trained", [1, 2], [0.5, nan], Look(), [0.4, nan], [0.6, nan])
    assert curves.values_of([curves.Panel([series], [Level(0.1, "chance")], title="ablation")])[1:3] == (
        ("ablation", "trained", 1, 0.5, 0.4, 0.6),
        ("ablation", "trained", 2, pytest.approx(nan, nan_ok=True), pytest.approx(nan, nan_ok=True), pytest.approx(nan, nan_ok=True)),
    )
    row = Row("lda", [Mark("random", Look(), 0.2, 0.1, 0.3, draws=[0.15, 0.25]), None])
    assert beside_controls.values_of([beside_controls.Panel([row])])[1:] == (
        ("", "lda", "random", "", 0.2, 0.1, 0.3),
        ("", "lda", "random", 0, 0.15, "", ""),
        ("", "lda", "random", 1, 0.25, "", ""),
    )


@pytest.mark.slow
@pytest.mark.drawn
def test_every_figure_of_a_run_has_its_values(complete: Path) -> None:
    run = read_run(complete)
    drawings = [drawing for entry in SECTIONS for drawing in entry(run).drawings]
    drawings += first_screen(run).drawings
    assert len(drawings) > 20
    for drawing in drawings:
        assert len(drawing.values) > 1 and len({len(row) for row in drawing.values}) == 1, drawing.name
        assert drawing.alt and drawing.title and "<title>" in drawing.svg and "<desc>" in drawing.svg


def test_a_shorter_drawing_says_the_same_words_and_keeps_places_to_a_hundredth() -> None:
    svg = (
        '<svg><!-- 0.123456 -->\n   <path d="M 1.23456 2.5 \nL 3.000001 4 \n" style="fill: none; stroke: #000000"/>\n'
        '<text style="font: 700 9px \'DejaVu Sans\', sans-serif; text-anchor: middle" x="1.987654">0.123456: a</text></svg>'
    )
    short = shortened(svg)
    assert 'd="M1.23 2.5L3 4"' in short and "<!--" not in short
    assert ">0.123456: a</text>" in short and 'x="1.99"' in short and "font-weight:700;font-size:9px" in short


def test_tabs_hold_everything_once_and_one_part_alone_is_none() -> None:
    one, two = Finding("one"), Finding("two")
    assert in_turn("edit", {"Swap": [one], "Ablation": []}) == [one]
    (tabs,) = in_turn("edit", {"Swap": [one], "Ablation": [Heading("head"), two]})
    assert [block for block in flat([tabs])] == [one, Heading("head"), two]
    drawing = Drawing("name", "<svg/>", "title", "alt")
    (tabs,) = in_turn("edit", {"Swap": [Figure(drawing, "caption")], "Ablation": [two]})
    section = Section("anchor", "title", (tabs,))
    assert section.drawings == (drawing,) and section.gist == "1 figure"
    assert section.without(drawing).drawings == () and list(flat(section.without(drawing).blocks)) == [two]


def test_a_long_caption_is_parted_after_its_first_sentence_and_loses_nothing() -> None:
    long = "What it shows. " + "n = 40 scenes; lines: 95 % interval. " * 9
    first, rest = parted(long)
    assert first == "What it shows." and f"{first} {rest}" == long
    assert parted("Short. Caption.") == ("Short. Caption.", "")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0.01, 0.2))
def test_names_at_the_ends_of_lines_keep_their_order_and_never_touch(places: list[float], least: float) -> None:
    apart = moved_apart(places, least)
    order = sorted(range(len(places)), key=lambda index: (places[index], index))
    assert all(apart[b] - apart[a] >= least - 1e-9 for a, b in pairwise(order))
    assert sum(apart) == pytest.approx(sum(places))  # they stay around where they were
    wide = [3.0 * at for at in range(len(places))]
    assert moved_apart(wide, least) == pytest.approx(wide)


def test_lines_are_named_at_their_ends_only_where_all_of_them_end_there() -> None:
    whole, cut = Series("whole", [1, 2], [0.1, 0.9], Look()), Series("cut", [1, 2], [0.1, nan], Look())
    ends = curves.ends_of(curves.Panel([whole], [Level(0.5, "chance"), Level(nan, "unknown")]))
    assert ends is not None and [(end.label, end.y) for end in ends] == [("whole", 0.9), ("chance", 0.5)]
    assert curves.ends_of(curves.Panel([whole, cut])) is None
    assert curves.ends_of(curves.Panel([whole], [Level(1.0, "rank", upright=True)])) is None


@pytest.mark.drawn
@pytest.mark.parametrize("known", [True, False])
def test_a_panel_without_a_value_says_so_and_has_no_numbers_beside_it(known: bool) -> None:
    nothing = Series("own", [0, 1], [nan, nan], Look(), [nan, nan], [nan, nan])
    other = Series("own", [0, 1], [0.5, 0.7], Look()) if known else nothing
    panels = [curves.Panel([nothing], [Level(0.0)], "a"), curves.Panel([other], [], "b")]
    drawing = curves.draw("panels", "Panels", panels, curves.Axis(), curves.Axis("CE"))
    assert drawing.svg.count(">no value</text>") == (1 if known else 2)
    assert "own: no value" in drawing.alt
