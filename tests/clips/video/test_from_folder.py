"""A folder of videos from Python: the same clips that a study of the folder has, and a study of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import jepascope as js
from jepascope.clips.video.folder_clips import VideoStudy
from jepascope.errors import BadArgument, BadData
from jepascope.study.own_study import fields_of
from jepascope.study.spec_file import make_spec
from jepascope.study.videos.foreseen import video_study


@pytest.fixture(scope="module")
def clips(textured: Path) -> Any:
    return js.clips.from_folder(textured, seconds=0.5)


def test_they_are_the_clips_that_a_study_of_the_folder_has(clips: Any, textured: Path, study_of: Callable[..., VideoStudy]) -> None:
    chosen = study_of(textured, variable="class").clips
    assert clips.factors.equals(chosen.factors) and clips.digest == chosen.digest and clips.name == textured.name
    again = video_study(make_spec(fields_of(clips.at(4, 16), {}), "the test")).clips
    assert again.digest == clips.digest and again.own[0].classes == clips.own[0].classes == ("cats", "wild dogs")


def test_labels_of_one_s_own_need_no_name_where_there_is_one_column(textured: Path, tmp_path: Path) -> None:
    files = sorted(file.relative_to(textured).as_posix() for file in textured.rglob("*.mp4"))
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(["file,coat", *(f"{file},{'rough' if 'dogs' in file else 'soft'}" for file in files)]))
    clips = js.clips.from_folder(textured, labels=labels, seconds=0.5)
    assert clips.own[0].name == "coat" and set(clips.factors[clips.own[0].columns[0]]) == {"rough", "soft"}
    assert fields_of(clips, {})["labels"] == str(labels)


def test_what_they_were_asked_for_with_is_not_overruled_in_silence(clips: Any) -> None:
    with pytest.raises(BadArgument, match="clips_per_class is 20, and the clips were made with 50"):
        fields_of(clips, {"clips_per_class": 20})
    assert fields_of(clips, {"variable": "class", "draws": 5})["variable"] == "class"


@pytest.mark.parametrize(
    "some", [lambda clips: clips.split("fit"), lambda clips: clips.labelled("kind", [str(clip % 2) for clip in range(len(clips))])]
)
def test_some_of_them_and_other_labels_are_no_study_of_the_folder(clips: Any, some: Callable[[Any], Any]) -> None:
    with pytest.raises(BadArgument, match="holds some of a folder's clips, or other labels"):
        fields_of(some(clips), {})


def test_too_few_videos_and_no_folder_are_refused_in_a_sentence(textured: Path, tmp_path: Path) -> None:
    with pytest.raises(
        BadData, match=r"; `jepascope videos \S+textured\S+ --variable class --set seconds=1.9` says what there is, and what would do\.$"
    ):
        js.clips.from_folder(textured, seconds=1.9)
    for wrong in ({"splits": "half"}, {"seconds": -1.0}, {"per_source": 0}):
        with pytest.raises(BadArgument, match=r"official-3|cannot be cut|give at least 1"):
            js.clips.from_folder(textured, **wrong)
    with pytest.raises(BadArgument, match="nowhere"):
        js.clips.from_folder(tmp_path / "nowhere")
    with pytest.raises(BadArgument, match="no label 'tail'"):
        js.clips.from_folder(textured, "tail", seconds=0.5)
