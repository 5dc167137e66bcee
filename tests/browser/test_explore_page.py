"""The live page under a user's hands: dragging, keys, addresses, copied Python; and that it asks nobody for anything."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from explored import ready
from watched import DESKTOP, NARROW, PHONE, Visit, barriers, sideways

from jepascope.explore.explorer import exploring
from jepascope.explore.export import Exported, export
from jepascope.explore.page import render
from jepascope.study.machine import Machine

pytestmark = pytest.mark.slow  # CI runs them: the live page is exported from a study of its own


@pytest.fixture(scope="module")
def run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("live") / "run"))


@pytest.fixture(scope="module")
def exported(run: Path) -> Exported:
    with exploring(run, Machine(workers=1)) as explorer:
        return export(explorer, 40)


@pytest.fixture(scope="module")
def live(exported: Exported, run: Path) -> Path:
    (run.parent / "live.html").write_text(render(exported), encoding="utf-8")
    return run.parent / "live.html"


def now(page: Any) -> dict[str, Any]:
    return dict(page.evaluate("({...window.jepascope.page.state.now})"))


def until(page: Any, condition: str) -> None:
    """Wait in the page for something to hold: what Playwright waits with itself would be code that the page's policy forbids."""
    page.evaluate(f"() => new Promise((done) => {{ const look = () => ({condition}) ? done() : setTimeout(look, 20); look(); }})")


def settled(page: Any) -> None:
    """Until what is shown is what is asked for, and all controls are there."""
    until(page, "document.body.dataset.shown === JSON.stringify(window.jepascope.page.state.asked)")
    until(page, "document.getElementById('controls-say').textContent.startsWith('Closest')")


@pytest.mark.parametrize(("width", "height"), [DESKTOP, PHONE, NARROW])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_every_window_and_keeps_nobody_out(visit: Visit, live: Path, width: int, height: int, dark: bool) -> None:
    page = ready(visit(live, width, height, dark=dark))
    settled(page)
    assert sideways(page) == 0
    assert barriers(page) == []


def test_the_arrow_is_dragged_to_another_direction(visit: Visit, live: Path, exported: Exported) -> None:
    page = ready(visit(live))
    box, classes = page.locator("#dial").bounding_box(), exported.meta["classes"]
    to = next(
        index for index in range(len(classes)) if index not in (now(page)["to"], page.evaluate("window.jepascope.page.state.scene.own"))
    )
    angle = exported.meta["angles"][to]
    centre, radius = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), box["width"] * 118 / 300
    page.locator(".knob").hover(force=True)
    page.mouse.down()
    x, y = page.evaluate(
        "([angle, radius]) => [Math.cos(angle * Math.PI / 180) * radius, -Math.sin(angle * Math.PI / 180) * radius]", [angle, radius]
    )
    page.mouse.move(centre[0] + x, centre[1] + y, steps=4)
    page.mouse.up()
    settled(page)
    assert now(page)["to"] == to and classes[to] in page.locator("#share-say").inner_text()


def test_a_tap_on_the_ring_moves_the_arrow(visit: Visit, live: Path) -> None:
    page = ready(visit(live, *PHONE, touch=True))
    before, box = now(page)["to"], page.locator("#dial").bounding_box()
    for share in (0.1, 0.9):
        page.touchscreen.tap(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
    settled(page)
    assert now(page)["to"] != before or page.evaluate("window.jepascope.page.state.scene.partner") == before


def test_keys_move_arrow_dose_and_clip(visit: Visit, live: Path) -> None:
    page = ready(visit(live))
    seen = [now(page)]
    for name, key, field in (("[role=slider]", "ArrowRight", "to"), ("#dose", "ArrowRight", "dose"), ("#strip", "ArrowRight", "clip")):
        page.locator(name).focus()
        page.keyboard.press(key)
        settled(page)
        seen.append(now(page))
        assert seen[-1][field] != seen[-2][field], field
    page.locator("#edit-swap").focus()
    page.keyboard.press("ArrowRight")
    settled(page)
    assert now(page)["edit"] == "steer"


def test_every_choice_is_computed_and_drawn(visit: Visit, live: Path, exported: Exported) -> None:
    page = ready(visit(live))
    for edit in exported.meta["edits"]:
        page.locator(f"#edit-{edit['name']}").check()
        settled(page)
        assert re.fullmatch(r"\D?\d+ %|\D?\d+\.\d\d", page.locator("#share").inner_text()), edit["name"]
    for layer in exported.meta["layers"]:
        page.locator(f"#layer-{layer['layer']}").check()
        settled(page)
        assert now(page)["layer"] == layer["layer"]
    page.locator("#map-displaced").check()
    assert "moved" in page.locator("#tokens-say").inner_text()
    assert page.locator("#fault").inner_text() == ""


def test_a_click_on_a_clip_of_the_figure_loads_it(visit: Visit, live: Path) -> None:
    page = ready(visit(live))
    other = next(clip for clip in page.evaluate("window.jepascope.page.meta.scenes.map(({ clip }) => clip)") if clip != now(page)["clip"])
    page.locator(f"#strip [data-clip='{other}']").click()
    settled(page)
    assert now(page)["clip"] == other and f"clip={other}" in page.evaluate("location.hash")


def test_an_address_shows_the_same_again(visit: Visit, live: Path) -> None:
    page = ready(visit(live))
    page.locator("#dose").fill("0.35")
    page.locator("#edit-ablate").check()
    settled(page)
    until(page, "location.hash.includes('ablate') && location.hash.includes('0.35')")
    again = ready(visit(page.url))
    settled(again)
    assert now(again) == now(page)
    assert [again.locator(name).inner_text() for name in ("#share", "#margin-say", "#judges-say")] == [
        page.locator(name).inner_text() for name in ("#share", "#margin-say", "#judges-say")
    ]


@pytest.mark.parametrize(
    "said", ["clip=99999&edit=erase&dose=nan", "dose=1e9&layer=-3&to=<script>&map=x", "%%%", "clip=&to=&angle=Infinity"]
)
def test_an_address_that_makes_no_sense_shows_what_the_run_has(visit: Visit, live: Path, said: str) -> None:
    page = ready(visit(f"{live.resolve().as_uri()}#{said}"))
    settled(page)
    assert page.locator("#fault").inner_text() == "" and 0 <= now(page)["dose"] <= 2


@pytest.mark.parametrize("said", ["edit=swap&dose=0.6", "edit=rotate&dose=1&angle=100", "edit=ablate&dose=1.5"])
def test_copied_python_prints_the_number_that_is_shown(visit: Visit, live: Path, said: str) -> None:
    page = ready(visit(f"{live.resolve().as_uri()}#{said}"))
    settled(page)
    page.locator("summary", has_text="Copy as Python").click()
    snippet = page.locator("#snippet").inner_text()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(snippet, "snippet", "exec"), {})
    moved, whole = map(float, re.findall(r"moved (\S+) of (\S+)", printed.getvalue())[0])
    here = re.findall(r"# here: moved (\S+) of (\S+)", snippet)[0]
    assert (moved, whole) == pytest.approx(tuple(map(float, here)), abs=1.1e-3)
    shown = page.locator("#share").inner_text().replace("\u2212", "-")
    in_units = 100 * moved / whole if shown.endswith(" %") else moved
    assert float(shown.removesuffix(" %")) == pytest.approx(in_units, abs=0.6 if shown.endswith(" %") else 0.006)


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>&amp;\u202e\U0001f600" + "long" * 60


def test_hostile_names_run_nothing_and_break_nothing(visit: Visit, exported: Exported, tmp_path: Path) -> None:
    meta = {
        **exported.meta,
        "model": HOSTILE,
        "headline": HOSTILE,
        "run": f"/tmp/{HOSTILE}\n\"'",
        "classes": [HOSTILE] * len(exported.meta["classes"]),
    }
    meta["judges"] = dict.fromkeys(exported.meta["judges"], HOSTILE)
    meta["controls"] = {name: {**look, "words": HOSTILE} for name, look in exported.meta["controls"].items()}
    path = tmp_path / "hostile.html"
    path.write_text(render(Exported(meta, exported.packs)), encoding="utf-8")
    page = ready(visit(path, *NARROW))
    settled(page)
    assert sideways(page) == 0 and page.locator("main img").count() == 0
    compile(page.locator("#snippet").text_content(), "snippet", "exec")


def test_without_scripts_it_says_what_it_needs(visit: Visit, live: Path) -> None:
    assert "needs JavaScript" in visit(live, scripts=False).locator("body").inner_text()


def test_the_page_is_still_while_nothing_moves_and_answers_at_once(visit: Visit, live: Path) -> None:
    """Frames at rest come as the screen takes them; while workers compute, the page itself is never held up for long."""
    page = ready(visit(live))
    settled(page)
    gaps = page.evaluate(
        "() => new Promise((done) => { const at = []; const frame = (time) => at.push(time) < 61 ? requestAnimationFrame(frame)"
        " : done(at.slice(1).map((time, i) => time - at[i])); requestAnimationFrame(frame); })"
    )
    assert sorted(gaps)[len(gaps) // 2] < 18
