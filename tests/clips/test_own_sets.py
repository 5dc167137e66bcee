"""A clip set of ours is one file in ``clips/sets``: what is declared there is all that anything else needs to know of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import jepascope as js
from jepascope.clips import sets
from jepascope.clips.clipset import ClipSet
from jepascope.clips.entries import CLIP_SETS
from jepascope.errors import BadArgument
from jepascope.study.scenes import study_clips
from jepascope.study.spec import StudySpec

SLOW = """
from jepascope.clips.entries import ClipSetEntry
from jepascope.clips.sets.directions8 import directions8

DECLARED = ClipSetEntry(name="slow", order=9, meaning="half as fast", angles="eight")


def slow(seed=0, per_class=50, **sizes):
    clips = directions8(seed, per_class, **sizes)
    return clips.with_factors("slow", speed=clips.factors["speed"] / 2)
"""


@pytest.fixture
def one_file_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of our clip sets as it is, and one file more."""
    folder = tmp_path / "sets"
    shutil.copytree(Path(str(sets.__file__)).parent, folder)
    (folder / "slow.py").write_text(SLOW)
    assert sets.__spec__ is not None
    monkeypatch.setattr(sets.__spec__, "submodule_search_locations", [str(folder)])
    monkeypatch.setattr(sets, "__path__", [str(folder)])
    CLIP_SETS.__dict__.pop("own", None)
    yield folder
    CLIP_SETS.__dict__.pop("own", None)


def test_one_file_adds_a_clip_set_to_spec_study_and_python(one_file_more: Path) -> None:
    assert list(CLIP_SETS.own) == ["directions8", "circle", "complex", "slow"]
    assert CLIP_SETS.entry("slow").meaning == "half as fast"
    clips = js.clips.slow(per_class=10)
    assert isinstance(clips, ClipSet) and clips.factors["speed"].max() < js.directions8(per_class=10).factors["speed"].max()
    assert js.clips.preset("slow", per_class=10).digest == clips.digest and "slow" in dir(js.clips)
    spec = StudySpec(clips="slow", clips_per_class=10)
    assert (spec.clips_name, spec.asked.angles, spec.carried_to) == ("slow", "eight", ("circle", "complex"))
    assert study_clips(spec).digest == clips.digest
    with pytest.raises(BadArgument, match="known are directions8, circle, complex, slow"):
        StudySpec(clips="fast")


def test_a_name_is_declared_once(one_file_more: Path) -> None:
    (one_file_more / "slower.py").write_text(SLOW)
    with pytest.raises(RuntimeError, match="Two clip sets are named 'slow'"):
        _ = CLIP_SETS.own
