"""The network in the page is the network: hidden states, read-outs and forecasts equal torch's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from explored import answer_in, begun_explorer, largest_difference, live_page, ready, states_in
from watched import Visit, visiting

from jepascope.explore.asked import Asked
from jepascope.explore.explorer import Explorer
from jepascope.explore.reading import answer, edited_states, scenes_of

pytestmark = pytest.mark.slow  # CI runs them

CLIPS = 10
EQUAL = 1e-4
EDITS = [("swap", 0.0), ("ablate", 1.0), ("swap", 1.0), ("rotate", 1.0)]
"""Dose 0 is the clip as it is."""


@pytest.fixture(scope="module")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explorer]:
    made = begun_explorer(tmp_path_factory.mktemp("nano") / "run")
    yield made
    made.captures.run.close()


@pytest.fixture(scope="module")
def page(browser: Any, explorer: Explorer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    complaints: list[str] = []
    with visiting(browser, complaints) as visit:
        yield ready(visit(live_page(explorer, tmp_path_factory.mktemp("page") / "live.html", CLIPS)))
    assert not complaints


def clips_of(page: Any) -> list[int]:
    clips = page.evaluate("window.jepascope.page.meta.scenes.map(({ clip }) => clip)")
    assert len(clips) == CLIPS
    return list(clips)


@pytest.mark.parametrize(("edit", "dose"), EDITS)
@pytest.mark.parametrize("layer", [0, 2])
def test_hidden_states_of_every_layer_equal_torchs(page: Any, explorer: Explorer, edit: str, dose: float, layer: int) -> None:
    apart = {}
    for clip in clips_of(page):
        asked = Asked.of(explorer, {"clip": clip, "edit": edit, "dose": dose, "layer": layer})
        theirs, _ = edited_states(explorer, asked, explorer.encoder, scenes_of(explorer, explorer.scene(clip), asked))
        ours = states_in(page, asked.to_json())
        assert set(ours) == set(theirs) == set(range(layer, explorer.encoder.card.depth + 1))
        for at, tokens in theirs.items():
            apart[clip, at] = float(np.abs(ours[at] - tokens.flatten().numpy()).max())
    assert max(apart.values()) <= EQUAL, apart


@pytest.mark.parametrize(("edit", "dose"), EDITS)
def test_every_read_out_and_forecast_equals_torchs(page: Any, explorer: Explorer, edit: str, dose: float) -> None:
    for clip in clips_of(page):
        theirs = answer(explorer, {"clip": clip, "edit": edit, "dose": dose})
        asked = theirs.pop("asked")
        angle = theirs["forecast"].pop("angle")  # in degrees, read from thousands of numbers of a forecast
        ours = answer_in(page, asked)
        assert largest_difference(ours, theirs) <= EQUAL, (clip, {name: largest_difference(ours[name], theirs[name]) for name in theirs})
        assert abs(ours["forecast"]["angle"] - angle) <= 1e-2


@pytest.mark.parametrize("edit", ["ablate", "swap", "steer", "rotate", "spline"])
def test_every_control_moves_in_the_page_what_it_moves_in_torch(page: Any, explorer: Explorer, edit: str) -> None:
    clip = clips_of(page)[0]
    for drawn in explorer.at(2).controls["diff_means"]:
        theirs = answer(explorer, {"clip": clip, "edit": edit, "dose": 0.7, "control": drawn.name, "draw": drawn.draw})
        ours = answer_in(page, theirs["asked"])
        assert largest_difference(ours["moved"], theirs["moved"]) <= EQUAL, (drawn.name, drawn.draw)
        assert largest_difference(ours["nearest"], theirs["nearest"]) <= EQUAL, (drawn.name, drawn.draw)


@pytest.mark.parametrize("edit", ["rotate", "spline"])
def test_edits_that_reach_any_angle_go_to_the_one_asked_for(page: Any, explorer: Explorer, edit: str) -> None:
    clip = clips_of(page)[0]
    theirs = answer(explorer, {"clip": clip, "edit": edit, "angle": 100.0})
    ours = answer_in(page, theirs["asked"])
    assert largest_difference(ours["logits"], theirs["logits"]) <= EQUAL
    assert largest_difference(ours["logits"], answer(explorer, {"clip": clip, "edit": edit})["logits"]) > 0.01


SLIDE = """async () => {
  const { latency } = window.jepascope, dose = document.getElementById("dose"), taken = [];
  for (let i = 0; i < 10; i++) {
    const before = latency.length;
    dose.value = String(0.1 + i / 10);
    dose.dispatchEvent(new Event("input"));
    while (latency.length === before) await new Promise((done) => setTimeout(done, 2));
    taken.push(latency.at(-1));
    await new Promise((done) => setTimeout(done, 100));
  }
  return taken;
}"""


def test_what_is_read_follows_the_slider_within_150_milliseconds(page: Any) -> None:
    """From the event to the numbers on the page; the best of ten, as others may be busy on this machine too."""
    assert min(page.evaluate(SLIDE)) < 150


LABELS = "scene,kind\n" + "".join(f"{scene},{'left' if scene % 2 else 'right'}\n" for scene in range(160))
STUDIES: dict[str, dict[str, Any]] = {
    "shape": {"variable": "shape"},  # classes in no order
    "speed": {"variable": "speed"},  # classes of a number
    "colour": {"variable": "colour", "clips_per_class": 12},
    "object": {"tokens": "object"},
    "times": {"scope": "time:0-0", "rank": 1},
    "labels": {"variable": "kind", "labels": "labels.csv", "clips_per_class": 20},  # no twins: swaps take from donors
    "donors": {"swap_donor": "class", "tokens": "object"},
    "zero": {"ablate_to": "zero"},
}


@pytest.mark.parametrize("study", STUDIES)
def test_other_studies_are_computed_as_torch_does(visit: Visit, tiny_model: Path, tmp_path: Path, study: str) -> None:
    """Another variable, tokens of the object or of some times, donors in place of twins."""
    (tmp_path / "labels.csv").write_text(LABELS)
    fields = {"model": str(tiny_model), "layers": (), "best_layer": 1, "rank": 1, **STUDIES[study]}
    if "labels" in fields:
        fields["labels"] = str(tmp_path / "labels.csv")
    explorer = begun_explorer(tmp_path / "run", **fields)
    try:
        page = ready(visit(live_page(explorer, tmp_path / "live.html", 2)))
        for clip in page.evaluate("window.jepascope.page.meta.scenes.map(({ clip }) => clip)"):
            for edit in explorer.edits:
                for to in [shown for shown in explorer.scene(clip).classes if shown != explorer.scene(clip).own][:2]:
                    theirs = answer(explorer, {"clip": clip, "edit": edit, "to": to, "dose": 0.8})
                    asked, forecast, angle = theirs.pop("asked"), theirs.pop("forecast"), theirs.pop("angle")
                    ours = answer_in(page, asked)
                    apart = {name: largest_difference(ours[name], theirs[name]) for name in theirs}
                    assert max(apart.values()) <= EQUAL, (edit, apart)
                    assert largest_difference(ours["angle"], angle) <= 1e-2  # degrees
                    assert forecast is None or largest_difference(ours["forecast"]["apart"], forecast["apart"]) <= EQUAL
            drawn = explorer.at(1).controls["diff_means"][-1]
            theirs = answer(explorer, {"clip": clip, "control": drawn.name, "draw": drawn.draw})
            assert largest_difference(answer_in(page, theirs["asked"])["moved"], theirs["moved"]) <= EQUAL
        choices = "#classes button, #classes input" if explorer.captures.variable.kind != "circular" else "[role=slider]"
        assert page.locator(choices).count() and page.locator("#fault").inner_text() == ""
    finally:
        explorer.captures.run.close()
