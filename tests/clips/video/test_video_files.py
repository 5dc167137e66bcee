"""Looking through a folder of videos: every good file is used, every other one is listed with its reason, and nothing leaks."""

from __future__ import annotations

import json
import os
import resource
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.clips.video import check
from jepascope.clips.video.decode import decode_window
from jepascope.clips.video.files import Candidate, candidate, find
from jepascope.clips.video.footage import Footage, decoded, refusals_table, survey
from jepascope.clips.video.layouts import with_distributed_labels
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.probe import probe
from jepascope.clips.video.windows import Cutting
from jepascope.errors import BadArgument
from video_files import drifting, numbered, write

GOOD = {"a.mp4", "b.gif", "c.avi", "d.webm", "e.webm", "f.mkv", "in/deeper/ein Vogel – à l’œuvre 鳥.mp4", "phone.mp4", "uneven.MP4"}

REASONS = {
    "cut off.mp4": "is truncated: its index",
    "empty.mp4": r"is empty \(0 bytes\)",
    "text.mp4": "is text, not a video",
    "list.mp4": "is text, not a video",
    "noise.webm": "is no video of a known format",
    "still.gif": "holds one frame; in a still picture nothing moves",
    "short.mp4": "lasts 0.50 s, less than one window of 1 s",
    "slides.mp4": "shows 2 frames a second on average; a window of 1 s needs at least 4",
    "huge.gif": r"claims frames of no size, or of more than 36,000,000 pixels",
    "sound.mp4": "holds sound and no video",
    "leaves.mp4": "is a link that leaves the folder",
    "nowhere.mp4": "is a link that leads nowhere",
    "linked": "is a link that is not followed",
}


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(scope="module")
def footage(menagerie: Path) -> Footage:
    return decoded(survey(menagerie), Cutting())


def test_every_good_video_is_used_and_every_other_file_is_listed(footage: Footage) -> None:
    used = {one.window.file for one in footage.windows}
    assert used == GOOD | {"damaged.mp4"}
    assert {one.file for one in footage.refusals} == {*REASONS, "damaged.mp4"}  # hidden files are passed over
    assert [(one.file, one.reason) for one in footage.others] == [("notes.txt", "is text, not a video")]


@pytest.mark.parametrize("file", sorted(REASONS))
def test_the_reason_says_what_is_wrong(footage: Footage, file: str) -> None:
    import re

    (refusal,) = [one for one in footage.refusals if one.file == file]
    assert re.match(REASONS[file], refusal.reason), refusal.reason
    assert refusal.start is None and "\n" not in refusal.reason


def test_of_a_damaged_video_the_windows_before_the_damage_are_used(footage: Footage) -> None:
    (refusal,) = [one for one in footage.refusals if one.file == "damaged.mp4"]
    assert refusal.start is not None and 1 < refusal.start < 2
    assert "windows before that are used" in refusal.reason
    assert [one.window.start for one in footage.windows if one.window.file == "damaged.mp4"] == [0.0]


def test_what_a_file_holds_is_told(footage: Footage) -> None:
    a, gif, phone, uneven = (footage.videos[name] for name in ("a.mp4", "b.gif", "phone.mp4", "uneven.MP4"))
    assert len(a.times) == len(gif.times) == 30 and len(phone.times) == 26
    assert a.rate == pytest.approx(24) and a.duration == pytest.approx(30 / 24)
    assert gif.rate == pytest.approx(20) and uneven.duration == pytest.approx(0.2 + 0.1 * 19 + 0.1)


def test_looks_are_mean_contrast_and_colour(footage: Footage) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    part = picture / 255
    expected = [part.mean(), part.mean(axis=2).std(), (part.max(axis=2) - part.min(axis=2)).mean()]
    np.testing.assert_allclose(check.looks(picture), expected, rtol=1e-12)
    (even,) = [one.looks for one in footage.windows if one.window.file == "a.mp4"]
    assert even["contrast"] == 0 and even["colourfulness"] < 0.02 and 0.2 < even["brightness"] < 0.4


def test_no_file_stays_open(menagerie: Path) -> None:
    before = open_files()
    decoded(survey(menagerie), Cutting())
    assert open_files() == before


def test_looking_again_finds_the_same_in_the_same_order(menagerie: Path, footage: Footage) -> None:
    again = decoded(survey(menagerie), Cutting())
    assert again.windows == footage.windows
    assert refusals_table(again.refusals).equals(refusals_table(footage.refusals))


def test_a_video_that_ends_before_its_header_says_is_used_and_said_to_be_truncated(tmp_path: Path) -> None:
    for name, codec in (("half.webm", "libvpx-vp9"), ("half.mkv", "libx264"), ("half.gif", "gif")):
        data = write(tmp_path / "whole" / name, drifting(), codec).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) * 7 // 10])
        video = probe(tmp_path, candidate(name))
        assert "truncated" in video.note and 1 < video.duration < 2.5, name
        assert probe(tmp_path / "whole", candidate(name)).note == ""


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_title_that_is_no_utf_8_does_not_matter(tmp_path: Path, name: str) -> None:
    data = write(tmp_path / name, numbered(25)).read_bytes()
    assert b"Lavf" in data  # the name of the program that wrote the file
    (tmp_path / name).write_bytes(data.replace(b"Lavf", b"\xe9\xff\xe9\xff"))
    before = open_files()
    assert len(probe(tmp_path, candidate(name)).times) == 25
    assert open_files() == before


@pytest.mark.parametrize(("codec", "name", "claim"), [("rawvideo", "claim.avi", 100_000), ("gif", "claim.gif", 65_535)])
def test_a_claimed_size_is_refused_before_memory_is_taken_for_it(tmp_path: Path, codec: str, name: str, claim: int) -> None:
    data = bytearray(write(tmp_path / name, numbered(30), codec).read_bytes())
    if codec == "gif":
        data[6:10] = struct.pack("<HH", claim, claim)
    else:
        at = data.index(b"strf") + 12  # width and height of its BITMAPINFOHEADER
        assert struct.unpack("<ii", data[at : at + 8]) == (64, 48)
        data[at : at + 8] = struct.pack("<ii", claim, claim)
    (tmp_path / name).write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnreadableVideo, match="claims frames of"):
        probe(tmp_path, candidate(name))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_times_a_thousand_years_apart_make_no_windows(tmp_path: Path) -> None:
    write(tmp_path / "a.mkv", numbered(4), times=[0.0, 0.1, 1e9, 2e9])
    with pytest.raises(BadArgument, match="3600"):
        Cutting(stride=0.0)
    footage = decoded(survey(tmp_path), Cutting())
    assert not footage.windows and footage.refusals


@settings(max_examples=15)
@given(cut=st.floats(0, 1), at=st.floats(0, 1), noise=st.binary(min_size=1, max_size=40))
def test_whatever_is_done_to_the_bytes_the_answer_is_a_video_or_one_sentence(menagerie: Path, cut: float, at: float, noise: bytes) -> None:
    folder = menagerie.parent / "fuzz"
    folder.mkdir(exist_ok=True)
    for name in ("a.mp4", "c.avi", "f.mkv", "b.gif"):
        data = bytearray((menagerie / name).read_bytes())
        place = int(at * len(data))
        data[place : place + len(noise)] = noise
        (folder / name).write_bytes(data[: int(cut * len(data)) + 1])
    before = open_files()
    for one in decoded(survey(folder), Cutting()).refusals:
        assert one.reason and "\n" not in one.reason
    assert open_files() == before


@pytest.mark.slow
def test_three_hundred_damaged_files_give_one_sentence_each_and_take_neither_long_nor_much(menagerie: Path, tmp_path: Path) -> None:
    """Bytes changed in the head or anywhere, ends cut off, parts doubled or blanked, in files of every container."""
    rng = np.random.default_rng(0)
    files = [path for path in sorted(menagerie.iterdir()) if path.is_file() and path.stat().st_size > 1000]
    whole = [(path.suffix, path.read_bytes()) for path in files if path.name in GOOD]
    before, opened = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, open_files()
    for number in range(300):
        suffix, data = whole[rng.integers(len(whole))]
        damaged, at = bytearray(data), int(rng.integers(len(data)))
        match number % 5:
            case 0:
                damaged = damaged[: at + 1]
            case 1:
                damaged[at : at + 300] = bytes(len(damaged[at : at + 300]))
            case 2:
                damaged[at:at] = damaged[at : at + 3000]
            case other:
                for place in rng.integers(len(data) if other == 3 else min(1500, len(data)), size=12):
                    damaged[place] = rng.integers(256)
        (tmp_path / f"{number}{suffix}").write_bytes(damaged)
    started = time.process_time()
    footage = decoded(survey(tmp_path), Cutting())
    assert time.process_time() - started < 120
    assert all(one.reason and "\n" not in one.reason for one in footage.refusals)
    assert len({one.window.file for one in footage.windows} | {one.file for one in footage.refusals}) == 300
    assert open_files() == opened
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


def test_what_decoding_found_is_kept_and_a_damaged_cache_is_found_again(
    menagerie: Path, footage: Footage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert decoded(survey(menagerie), Cutting(), cache=tmp_path).windows == footage.windows
    files_decoded, decode = list[str](), check._decoded
    monkeypatch.setattr(
        check, "_decoded", lambda folder, video, windows: files_decoded.append(video.file) or decode(folder, video, windows)
    )
    again = decoded(survey(menagerie), Cutting(), cache=tmp_path)
    assert (again.windows, again.refusals, files_decoded) == (footage.windows, footage.refusals, [])
    files = sorted(tmp_path.glob("*.json"))
    files[0].write_bytes(files[0].read_bytes()[:-5])
    files[1].write_text('{"looks": [], "frames": [], "damage": []}')
    files[2].write_text("[" * 100_000)
    again = decoded(survey(menagerie), Cutting(), cache=tmp_path)
    assert (again.windows, again.refusals, len(files_decoded)) == (footage.windows, footage.refusals, 3)
    decoded(survey(menagerie), Cutting(0.9), cache=tmp_path)
    assert len(files_decoded) > 10  # other windows
    (tmp_path / "file").touch()
    assert decoded(survey(menagerie), Cutting(), cache=tmp_path / "file").windows == footage.windows  # no folder: done without


# names


def test_a_name_that_is_no_text_and_a_folder_that_cannot_be_listed_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = write(tmp_path / "100%03d: two.mp4", numbered(25))
    with open(os.fsencode(tmp_path) + b"/caf\xe9.mp4", "wb") as file:
        file.write(good.read_bytes())
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    footage = decoded(survey(tmp_path), Cutting())
    assert list(footage.videos) == ["100%03d: two.mp4"] and len(footage.windows) == 1
    reasons = {one.file: one.reason for one in footage.refusals}
    assert reasons == {
        "closed": "is a folder that cannot be listed (Permission denied)",
        "caf\\udce9.mp4": "has a name that is not valid UTF-8; rename it",
    }


def test_a_folder_without_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="holds no video"):
        find(tmp_path)
    with pytest.raises(BadArgument, match="no folder"):
        find(tmp_path / "gone")


def test_links_within_the_folder_are_used_and_copies_are_one_source(tmp_path: Path) -> None:
    write(tmp_path / "b.mp4", numbered(25))
    (tmp_path / "z.mp4").write_bytes((tmp_path / "b.mp4").read_bytes())
    (tmp_path / "a.mp4").symlink_to(tmp_path / "b.mp4")
    write(tmp_path / "c.mp4", numbered(26))
    sources = {file: video.source for file, video in decoded(survey(tmp_path), Cutting()).videos.items()}
    assert sources == {"a.mp4": "a.mp4", "b.mp4": "a.mp4", "c.mp4": "c.mp4", "z.mp4": "a.mp4"}


def test_kinetics_names_tell_the_source_and_its_folders_or_tables_the_class(tmp_path: Path) -> None:
    names = [
        "train/arm_wrestling/0wR5jVB-WPk_000417_000427.mp4",
        "val/part_0/--07WQ2iBlw_000001_000011.mp4",
        "test/-XpatcbqEXA_000002_000012.mp4",
    ]
    for name in (*names, "train/arm_wrestling/0wR5jVB-WPk_000427_000437.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "annotations").mkdir()
    table = "label,youtube_id,time_start,time_end,split\njavelin throw,--07WQ2iBlw,1,11,validate\n"
    (tmp_path / "annotations" / "val.csv").write_text(table)
    (tmp_path / "annotations" / "test.csv").write_text("youtube_id,time_start,time_end,split\n-XpatcbqEXA,2,12,test\n")
    found = {one.file: one for one in with_distributed_labels(find(tmp_path), tmp_path).candidates}
    assert found[names[0]] == Candidate(names[0], "0wR5jVB-WPk", "arm wrestling", "train")
    assert found[names[1]] == Candidate(names[1], "--07WQ2iBlw", "javelin throw", "val")
    assert found[names[2]] == Candidate(names[2], "-XpatcbqEXA", "", "test")
    assert len({one.source for one in found.values()}) == 3  # two clips of one YouTube video


def test_something_something_names_its_classes_in_json(tmp_path: Path) -> None:
    videos = tmp_path / "20bn-something-something-v2"
    videos.mkdir()
    for number in (78687, 42326, 151201):
        (videos / f"{number}.webm").touch()
    entry = {
        "id": "78687",
        "label": "holding potato next to vicks",
        "template": "Holding [something] next to [something]",
        "placeholders": [],
    }
    (tmp_path / "something-something-v2-train.json").write_text(json.dumps([entry]))
    other = {"id": "42326", "label": "turning a cup upside down", "template": "Turning [something] upside down"}
    (tmp_path / "something-something-v2-validation.json").write_text(json.dumps([other]))
    (tmp_path / "something-something-v2-test.json").write_text(json.dumps([{"id": "151201"}]))
    (tmp_path / "something-something-v2-labels.json").write_text(json.dumps({"Holding something next to something": "0"}))
    (tmp_path / "broken.json").write_text("[" * 200_000)
    found = with_distributed_labels(find(tmp_path), tmp_path)
    told = {Path(one.file).stem: (one.label, one.official_split) for one in found.candidates}
    assert told["78687"] == ("Holding something next to something", "train")
    assert told["42326"] == ("Turning something upside down", "val")
    assert told["151201"] == ("", "test")
    assert [one.file for one in found.refusals] == ["broken.json"]


@pytest.mark.slow
def test_a_4k_video_is_made_small_frame_by_frame(tmp_path: Path) -> None:
    """Twenty-six pictures of 25 MB are decoded, and no more memory is taken than a few of them need."""
    count = 26
    decoded(survey(write(tmp_path / "small" / "a.mp4", numbered(26)).parent), Cutting())  # so that libraries are loaded
    write(tmp_path / "4k.mp4", numbered(count, 3840, 2160), "mpeg4", options={"qscale": "2"})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    footage = decoded(survey(tmp_path), Cutting(per_source=1))
    assert len(footage.windows) == 2
    pictures = decode_window(tmp_path / "4k.mp4", footage.windows[0].window, 24, 64)
    assert pictures.shape == (24, 64, 114, 3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


@pytest.mark.slow
def test_real_clips_are_all_used(request: pytest.FixtureRequest) -> None:
    folder = request.config.rootpath.parent / "shared" / "real_clips"
    if not folder.is_dir():
        pytest.skip(f"The real clips are not there ({folder}).")
    footage = decoded(survey(folder), Cutting())
    assert len(footage.videos) == 25 and not footage.refusals and {one.file for one in footage.others} == {"*.csv", "README.md"}
    assert {one.window.file for one in footage.windows} == set(footage.videos) and len(footage.windows) > 200
