"""Progress in a Jupyter kernel: one output, drawn again and gone with the call; nothing anywhere else."""

from __future__ import annotations

import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from jepascope.study.notebook import Line, watched
from jepascope.study.pace import Pace
from jepascope.study.progress import Silent


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What a kernel shows: an output is all that stood in it, one after the other."""
    shown: list[list[str]] = []

    class Handle:
        def __init__(self, first: str) -> None:
            self.texts = [first]
            shown.append(self.texts)

        def update(self, data: dict[str, str], raw: bool) -> None:
            self.texts.append(data["text/html"])

    library, display = ModuleType("IPython"), ModuleType("IPython.display")
    library.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    display.display = lambda data, raw, display_id: Handle(data["text/html"])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", library)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr("jepascope.study.notebook.AGAIN", 0.01)
    return shown


def until(ready: Any) -> None:
    """Wait for what another thread does, five seconds at most."""
    give_up = time.monotonic() + 5
    while not ready() and time.monotonic() < give_up:
        time.sleep(0.005)
    assert ready()


def test_one_output_says_what_is_done_and_is_empty_in_the_end(outputs: list[list[str]]) -> None:
    with watched(None) as progress:
        tick = progress.start("capture <b>clips</b>")
        tick(1, 4)
        until(lambda: outputs and "1/4" in outputs[0][-1])
        progress.start("ablate beside controls")
        until(lambda: "ablate" in outputs[0][-1])
    (texts,) = outputs
    assert any('value="0.250"' in text and "capture &lt;b&gt;clips&lt;/b&gt; 1/4" in text and "left" in text for text in texts)
    assert "value=" not in texts[-2]  # of a piece that counts nothing no share is known
    assert texts[-1] == ""


def test_what_fails_leaves_no_output_and_what_is_quick_shows_none(outputs: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError), watched(None) as progress:
        progress.start("divide")
        until(lambda: outputs)
        _ = 1 / 0
    assert outputs[0][-1] == ""
    monkeypatch.setattr("jepascope.study.notebook.AGAIN", 60.0)
    with watched(None) as progress:
        progress.start("capture clips")(1, 1)
    assert len(outputs) == 1


def test_a_script_is_shown_nothing_and_what_is_given_is_used(outputs: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Silent()
    with watched(mine) as progress:
        assert progress is mine
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    with watched(None) as progress:
        assert isinstance(progress, Silent)
    monkeypatch.delitem(sys.modules, "IPython")
    with watched(None) as progress:
        assert isinstance(progress, Silent)
    assert outputs == []


def test_of_a_study_the_time_left_is_that_of_all_steps() -> None:
    line = Line(Pace({"a": 300.0, "b": 300.0}))
    line.start("capture fit clips")(3, 4)
    assert "capture fit clips 3/4" in line.words() and line.words().endswith("about 10 min left")
    assert line.share == pytest.approx(0, abs=0.01)


def test_of_a_call_it_is_that_of_the_piece_at_hand() -> None:
    line = Line()
    tick = line.start("capture")
    assert line.left is None and "left" not in line.words()
    line.since -= 30
    tick(1, 4)
    assert line.left == pytest.approx(90, abs=1) and line.share == 0.25
