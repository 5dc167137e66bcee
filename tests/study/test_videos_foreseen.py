"""Refusals of studies on videos: before a window is decoded, with what there is, and with settings that do when they are pasted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepascope.cli.options import spec_from
from jepascope.clips.contact_sheet import caption
from jepascope.clips.video import footage
from jepascope.clips.video.enough import FEWEST_CLIPS, least_clips_per_class, most_clips
from jepascope.errors import BadArgument, BadData, setting
from jepascope.study.machine import Machine
from jepascope.study.plan import make_plan
from jepascope.study.videos.foreseen import check_foreseen, settled, video_study

Make = Callable[[str, Mapping[str, tuple[int, float]]], Path]


def textured(path: Path, seconds: float, seed: int, rate: int = 16) -> None:
    """A video of 64 x 48 pixels whose texture moves right by two pixels a frame."""
    import av

    wide = np.kron(np.random.default_rng(seed).integers(0, 255, (12, 60, 3), dtype=np.uint8), np.ones((4, 4, 1), dtype=np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.thread_count = 1
        for i in range(round(seconds * rate)):
            left = 2 * (80 - i)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(wide[:, left : left + 64]), format="rgb24")))
        out.mux(stream.encode(None))


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """A folder of videos, so many and so long (seconds) of each class, and beside it a labels file of the same name."""

    def made(name: str, classes: Mapping[str, tuple[int, float]]) -> Path:
        folder, rows = tmp_path_factory.mktemp("videos") / name, ["file,kind"]
        for label, (count, seconds) in classes.items():
            for i in range(count):
                textured(folder / f"{label}{i}.mp4", seconds, len(rows))
                rows.append(f"{label}{i}.mp4,{label.rstrip('_')}")
        folder.with_suffix(".csv").write_text("\n".join(rows) + "\n")
        return folder

    return made


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*arguments: object) -> None:
        raise AssertionError("a window was decoded")

    monkeypatch.setattr(footage, "looked_at", decode)


def given_on_the_line(folder: Path, variable: str | None = "kind") -> dict[str, Any]:
    return {"clips": str(folder), "labels": str(folder.with_suffix(".csv")), "variable": variable}


def refusal(preset: str | None, given: dict[str, Any], *extra: str) -> str:
    with pytest.raises((BadData, BadArgument)) as caught:
        settled(spec_from(preset, given, list(extra)))
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
    return str(caught.value)


def proposals(message: str) -> list[list[str]]:
    """The values of --set in each of the proposals, as a shell hands them over."""
    said = message.partition("what would do: ")[2]
    return [
        shlex.split(one.partition(" (")[0].replace("--set ", "")) for one in re.split(r"; or (?=--set)", said) if one.startswith("--set")
    ]


@pytest.fixture(scope="module")
def two(make: Make) -> Path:
    return make("two", {"cat": (7, 3.0), "dog": (7, 3.0)})


def test_two_classes_of_the_quick_preset_are_refused_before_anything_is_decoded_and_the_setting_that_binds_is_named(
    two: Path, undecoded: None
) -> None:
    message = refusal("quick", given_on_the_line(two))
    assert "split fit has 16 clips of 6 videos, and a study needs 20" in message
    assert "cat 8 clips of 3 videos in fit, 6 clips of 2 videos in judge" in message
    assert proposals(message) == [["clips_per_class=24"]]
    assert "seconds" not in message and "per_source" not in message and "add" not in message  # none of them binds
    with pytest.raises(BadArgument, match=r"of 20 clips of a class 8 go to split fit.* 16 of 2 classes.*--set clips_per_class=24 allows"):
        make_plan(spec_from("quick", given_on_the_line(two), None), Machine())


def test_a_proposal_does_when_it_is_pasted(two: Path) -> None:
    given = given_on_the_line(two)
    (extra,) = proposals(refusal("quick", given))
    spec = spec_from("quick", given, extra)
    make_plan(spec, Machine())
    clips = video_study(settled(spec)).clips.factors
    assert clips.groupby("split").size().to_dict() == {"fit": 20, "judge": 14, "test": 14}


def test_shorter_windows_are_proposed_where_videos_are_too_short_and_nothing_else_would_do(make: Make, undecoded: None) -> None:
    folder = make("short", {"cat": (3, 2.0), "cat_": (5, 0.8), "dog": (3, 2.0), "dog_": (5, 0.8)})
    given = given_on_the_line(folder)
    message = refusal(None, given)
    assert "cat 3 (fit 1, judge 1, test 1), dog 3" in message and "not usable: 10 × lasts 0.8" in message
    (extra,) = proposals(message)
    assert extra == ["seconds=0.5"] and "at least 2 of cat, 2 of dog" in message
    check_foreseen(spec_from(None, given, extra))


@pytest.mark.slow
def test_classes_with_too_few_videos_are_left_out_by_the_proposal_whatever_they_are_called(make: Make, undecoded: None) -> None:
    folder = make("rare", {"cat, tame": (7, 2.0), "yes": (7, 2.0), "rare": (2, 2.0)})
    csv = folder.with_suffix(".csv")
    csv.write_text(re.sub(r"^cat, tame(\d).mp4,cat, tame$", r'"cat, tame\1.mp4","cat, tame"', csv.read_text(), flags=re.MULTILINE))
    given = given_on_the_line(folder)
    message = refusal(None, given)
    assert "Too few videos of kind rare" in message and "at least 3 of rare" in message
    (extra,) = proposals(message)
    assert settled(spec_from(None, given, extra)).classes == ("cat, tame", "yes")


def test_where_nothing_would_do_the_videos_that_are_missing_are_counted(make: Make, undecoded: None) -> None:
    message = refusal(None, given_on_the_line(make("few", {"cat": (6, 2.0), "dog": (3, 2.0)})))
    assert proposals(message) == [] and "were tried would do: add videos, at least 2 of dog" in message


@pytest.mark.slow
def test_numbers_under_a_heading_of_classes_may_be_read_as_numbers_and_long_lists_are_cut(make: Make, undecoded: None) -> None:
    folder = make("numbered", {"cat": (24, 2.0)})
    folder.with_suffix(".csv").write_text("file,kind\n" + "".join(f"cat{i}.avi,{i}\n" for i in range(24)))  # of files before conversion
    given = given_on_the_line(folder)
    message = refusal(None, given)
    (extra,) = proposals(message)
    assert extra == ["kind=numeric"] and settled(spec_from(None, given, extra)).state_variable.kind == "numeric"
    assert "0, 1, 2, 3, 4, 5, 6, 7 and 16 more in" in message and "20 1" not in message


def test_names_of_folders_are_no_column_that_somebody_asked_for(make: Make) -> None:
    folder = make("plain", {"a/cat": (1, 1.0), "b/dog": (1, 1.0)})
    note = spec_from(None, {"clips": str(folder), "variable": "class"}, None).state_variable.note
    assert "is read as classes: a, b" in note and "as asked" not in note


def test_an_empty_path_is_no_folder() -> None:
    with pytest.raises(BadArgument, match="there is no such clip set"):
        spec_from(None, {"clips": ""}, None)


def test_directions_of_too_few_videos_are_refused_before_they_are_measured(make: Make, undecoded: None) -> None:
    folder = make("still fewer", {"cat": (3, 2.0)})
    assert "3 hold a window of 1 s, and a study needs 6, 2 in each split" in refusal(None, {"clips": str(folder)})
    folder = make("enough", {"cat": (6, 2.0)})
    assert "--set clips_per_class=24" in refusal("quick", {"clips": str(folder)}, "classes=[E,W]")


def test_a_labels_file_is_not_ignored(two: Path, tmp_path: Path, undecoded: None) -> None:
    assert spec_from(None, given_on_the_line(two, None), None).variable == "kind"  # its only column
    with pytest.raises(BadArgument, match=r"Nothing in .* would be used: it has no column 'direction'.* --variable kind"):
        settled(spec_from(None, given_on_the_line(two, "direction"), None))
    for path in (tmp_path / "by class" / name for name in ("cat/a.mp4", "dog/b.mp4")):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"0")
    labels = tmp_path / "by class.csv"
    labels.write_text("file,kind\na.mp4,x\n")
    with pytest.raises(BadArgument, match=r"Nothing in .* would be used: it has no column 'class'.* --variable kind"):
        make_plan(spec_from(None, given_on_the_line(tmp_path / "by class", "class"), None), Machine())
    labels = tmp_path / "labels.csv"
    labels.write_text("file,kind,two words\n" + "cat0.mp4,cat,x\ndog0.mp4,dog,y\n")
    with pytest.raises(BadArgument, match=r"has the label columns kind, two words; say which one is studied, as in --variable kind"):
        spec_from(None, {"clips": str(two), "labels": str(labels)}, None)
    labels.write_text("file,direction,angle\ncat0.mp4,E,0\n")
    assert spec_from(None, {"clips": str(two), "labels": str(labels)}, None).variable == "direction"


def test_the_caption_says_what_was_done_to_these_clips(two: Path) -> None:
    clips = video_study(settled(spec_from(None, given_on_the_line(two), None))).clips
    said = caption(clips)
    assert not any(word in said for word in ("turned", "mirrored", "backwards", "arrow"))
    views = clips.factors.assign(flipped=[True] + [False] * (len(clips) - 1), reversed=True, angle=0.0)
    said = caption(clips.select(np.arange(len(clips))).__class__(clips.name, views, clips.source))
    assert "mirrored or played backwards" in said and "turned" not in said and "arrows along the motion" in said


@given(st.integers(2, 50))
def test_the_fewest_clips_of_a_class_are_the_fewest(classes: int) -> None:
    def fills(count: int) -> bool:
        return all(classes * most_clips(split, count) >= fewest for split, fewest in FEWEST_CLIPS.items())

    least = least_clips_per_class(classes)
    assert fills(least) and (least == 10 or not fills(least - 1))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8), min_size=1, max_size=5))
def test_a_setting_is_read_as_it_was_written(names: list[str]) -> None:
    import yaml

    (flag, pasted) = shlex.split(setting(classes=names))
    assert flag == "--set" and yaml.safe_load(pasted.partition("=")[2]) == names
