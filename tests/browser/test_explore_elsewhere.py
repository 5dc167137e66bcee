"""The live page where it does not compute itself: asking a server, or replaying what the run stored."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from explored import live_page, ready
from test_explore_page import settled
from watched import NARROW, Visit, barriers, sideways

from jepascope.explore.explorer import exploring
from jepascope.explore.export import control_looks
from jepascope.explore.page import render
from jepascope.explore.replay import replayed
from jepascope.explore.serve import PageServer, served
from jepascope.study.machine import Machine

pytestmark = pytest.mark.slow  # a study of its own; CI runs it

SHOWN = ("#share", "#margin-say", "#judges-say", "#tokens-say", "#forecast-say", "#controls-say", "#strip-say")


@pytest.fixture(scope="module")
def run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("served") / "run"))


@pytest.fixture(scope="module")
def both(run: Path) -> Iterator[tuple[PageServer, Path]]:
    """A server, and a page of the same run that computes."""
    with exploring(run, Machine(workers=1)) as explorer:
        page = live_page(explorer, run.parent / "live.html")
        server = PageServer(*served(explorer, 40))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server, page
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_server_and_the_page_say_the_same(visit: Visit, both: tuple[PageServer, Path]) -> None:
    server, own = both
    asked = visit(server.address, hosts=server.hosts)
    pages = [ready(page) for page in (asked, visit(own))]
    for edit in ("swap", "ablate", "rotate"):
        said = []
        for page in pages:
            page.locator(f"#edit-{edit}").check()
            settled(page)
            page.wait_for_timeout(300)
            said.append([page.locator(name).inner_text() for name in SHOWN])
        assert said[0] == said[1], edit
    assert "on this machine" in asked.locator("#mode").inner_text()


def test_another_site_can_neither_ask_nor_see_the_page(
    visit: Visit, both: tuple[PageServer, Path], complaints: list[str], page_of: Callable[..., Path]
) -> None:
    server, _ = both
    asked: list[Any] = []
    answers, server.answers = server.answers, {"answer": lambda given: asked.append(given) or {}}
    try:
        page = visit(page_of(f"<iframe src='{server.address}'></iframe>"), hosts=server.hosts)
        tried = page.evaluate(
            """async (address) => {
              const ways = [{ mode: 'no-cors', method: 'POST', body: '{}' }, { method: 'POST', body: '{}' }, { mode: 'no-cors' },
                { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }];
              return Promise.all(ways.map((way) => fetch(address + 'answer', way).then((read) => read.text(), () => 'refused')));
            }""",
            server.address,
        )
        assert set(tried) <= {"refused", ""} and asked == []
        assert page.frames[1].evaluate("document.title") != "direction in tiny, live"
    finally:
        server.answers = answers
    complaints.clear()  # the browser's own words on each refusal


STORED = {"0.5": {"subspace": [0.25, 0.125, 0.5, 8], "random": [0.125, None, None, 8]}, "1": {"subspace": [-0.5, -0.75, -0.25, 8]}}


@pytest.fixture(scope="module")
def replay(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run, with effects in place of those that its random network does not have."""
    path, made = tmp_path_factory.mktemp("replayed") / "live.html", replayed(finished_run, 4)
    stored = {**made.meta["stored"], f"{made.meta['best']} diff_means swap": STORED}
    listed = {"rank": 2, "controls": [{"control": "random", "draw": 0, "rescale": False}]}
    layers = [{**layer, "finders": {"diff_means": listed}} for layer in made.meta["layers"]]
    meta = {**made.meta, "stored": stored, "layers": layers, "controls": control_looks({"random"})}
    path.write_text(render(replace(made, meta=meta)), encoding="utf-8")
    return path


def test_a_replay_shows_the_stored_doses_and_says_that_it_does(visit: Visit, replay: Path) -> None:
    page = ready(visit(replay))
    assert "Replayed" in page.locator("#mode").inner_text()
    assert page.locator("#share").inner_text() == "\u221250 %" and "[\u22120.75, \u22120.25]" in page.locator("#margin-say").inner_text()
    page.locator("#dose").fill("0.6")
    page.wait_for_timeout(400)
    assert page.locator("#dose").input_value() == "0.5" and page.locator("#share").inner_text() == "25 %"
    assert "Closest: random directions, 13 %" in page.locator("#controls-say").inner_text()
    page.locator("#edit-ablate").check()
    page.wait_for_timeout(400)
    assert page.locator("#share").inner_text() == "–"


def test_a_replay_fits_and_keeps_nobody_out(visit: Visit, replay: Path) -> None:
    page = ready(visit(replay, *NARROW))
    page.wait_for_timeout(500)
    assert sideways(page) == 0 and barriers(page) == []
