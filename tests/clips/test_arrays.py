"""Clips of one's own as arrays: what is labelled is what is studied, groups stay together, and a file is looked at before it is read."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import jepascope as js
from jepascope.clips.array_file import read_arrays
from jepascope.errors import BadArgument, BadData
from jepascope.study.plan import make_plan
from jepascope.study.scenes import study_clips
from jepascope.study.spec import StudySpec

COUNT = 60
KINDS = np.repeat(["left", "right", "still"], COUNT // 3)
OTHERS = np.roll(KINDS, COUNT // 3)
GROUPS = np.arange(COUNT) // 2
VIDEOS = np.random.default_rng(0).integers(0, 256, (COUNT, 4, 16, 20, 3), dtype=np.uint8)
TWINS = 255 - VIDEOS
MASKS = VIDEOS[..., 0] > 128
WHOLE: dict[str, Any] = {"video": VIDEOS, "kind": KINDS, "group": GROUPS, "twin_video": TWINS, "twin_kind": OTHERS, "mask": MASKS}


def test_labels_name_the_classes_and_groups_are_never_parted() -> None:
    clips = js.clips.from_arrays(VIDEOS, {"kind": KINDS, "speed of it": np.linspace(0, 1, COUNT)}, groups=GROUPS)
    assert clips.labels("kind")[1] == ("left", "right", "still") and clips.variable("speed of it").kind == "numeric"
    assert clips.factors.groupby("scene")["split"].nunique().max() == 1 and clips.factors["scene"].nunique() == COUNT // 2
    for split in ("fit", "judge", "test"):
        assert set(clips.split(split).labels("kind")[0]) == {0, 1, 2}
    assert not clips.variable("kind").rendered
    with pytest.raises(BadArgument, match="No twin can be rendered for 'kind'"):
        js.clips.twins(clips, "kind")


def test_many_different_whole_numbers_are_numbers_that_splits_are_balanced_over() -> None:
    clips = js.clips.from_arrays(VIDEOS, {"mass": np.arange(COUNT)}, groups=GROUPS)
    assert clips.variable("mass").kind == "numeric"
    assert clips.factors.groupby(["split", clips.labels("mass")[0]]).size().unstack().notna().all(axis=None)


def test_pixels_are_those_given_in_whatever_order_of_axes() -> None:
    given = torch.from_numpy(VIDEOS[:, :, :, 2:18]).permute(0, 1, 4, 2, 3).float() / 255
    for videos in (VIDEOS, VIDEOS.transpose(0, 1, 4, 2, 3), VIDEOS.transpose(0, 4, 1, 2, 3), torch.tensor(VIDEOS), VIDEOS / 255.0):
        clips = js.clips.from_arrays(videos, {"kind": KINDS})
        torch.testing.assert_close(clips.video([3, 1]), given[[3, 1]])
    assert clips.at(2, 8).video([0]).shape == (1, 2, 3, 8, 8)
    with pytest.raises(BadData, match="have 4 frames, and 8 are asked for"):
        clips.at(8, 16).video([0])
    with pytest.raises(BadData, match="a clip has 0 to 255"):
        js.clips.from_arrays(VIDEOS.astype(float), {"kind": KINDS}).video([0])


def test_twins_are_those_given_and_masks_say_where_the_object_is() -> None:
    clips = js.clips.from_arrays(VIDEOS, {"kind": KINDS}, twins={"video": TWINS, "kind": OTHERS}, masks=MASKS)
    other = js.clips.twins(clips, "kind")
    assert clips.variable("kind").rendered and (other.labels("kind")[0] != clips.labels("kind")[0]).all()
    torch.testing.assert_close(other.video([5]), 1 - clips.video([5]))
    assert torch.equal(other.object_tokens((2, 2, 2)), clips.object_tokens((2, 2, 2)))
    picked = clips.select([7, 2])
    torch.testing.assert_close(js.clips.twins(picked, "kind").video(), 1 - picked.video())


def test_a_file_holds_the_same_clips_and_an_npy_is_not_read_whole(tmp_path: Path) -> None:
    np.savez(tmp_path / "whole.npz", **WHOLE)
    np.save(tmp_path / "videos.npy", VIDEOS)
    clips = js.clips.from_file(tmp_path / "whole.npz")
    same = js.clips.from_arrays(VIDEOS, {"kind": KINDS}, GROUPS, {"video": TWINS, "kind": OTHERS}, MASKS)
    assert clips.factors.equals(same.factors) and torch.equal(clips.video([9]), same.video([9]))
    assert isinstance(read_arrays(tmp_path / "videos.npy").array("video"), np.memmap)
    bare = js.clips.from_file(tmp_path / "videos.npy", {"kind": KINDS.tolist()})
    assert torch.equal(bare.video([9]), same.video([9]))
    with pytest.raises(BadArgument, match=r"has no labels; give a labels file \(--labels\)"):
        js.clips.from_file(tmp_path / "videos.npy")


def test_a_spec_takes_a_file_and_studies_its_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "whole.npz", **WHOLE)
    spec = StudySpec(clips=str(tmp_path / "whole.npz"), frames=4, size=16)
    assert (spec.variable, spec.state_variable.classes, spec.port_clips, spec.peels) == ("kind", ("left", "right", "still"), (), 0)
    assert study_clips(spec).variable("kind").rendered and StudySpec(**spec.model_dump()).digest == spec.digest
    assert StudySpec(clips=str(tmp_path / "whole.npz"), tokens="object").asked.has_objects
    moved = tmp_path / "moved.npz"
    (tmp_path / "whole.npz").rename(moved)
    assert StudySpec(clips=str(moved), frames=4, size=16).digest == spec.digest
    assert any("3 names" in note for note in make_plan(StudySpec(clips=str(moved), frames=16, size=64)).notes)


@pytest.mark.parametrize(
    ("change", "fields", "why"),
    [
        ({"kind": KINDS[:5]}, {}, r"array 'kind': its shape is \(5,\), and there are 60 clips"),
        ({"video": VIDEOS[0]}, {}, "array 'kind': its shape"),
        ({"kind": KINDS.astype(object)}, {}, "array 'kind': it holds Python objects, which are never read"),
        ({"kind": np.stack([KINDS, KINDS], 1)}, {}, "labels are one number or one text a clip"),
        ({"twin_size": KINDS}, {}, "array 'twin_size': there is no array 'size'"),
        ({"weight": np.arange(COUNT)}, {}, "has the labels kind, weight; say which are studied, as in --variable kind"),
        ({}, {"variable": "weight"}, "has no label column 'weight'; it has kind"),
        ({"mask": None}, {"tokens": "object"}, "has no masks of the object"),
        ({}, {"port_clips": ["circle"]}, "no other clips of the kind"),
        ({}, {"seconds": 2.0}, "is about real videos"),
        ({}, {"clips_digest": "0" * 16}, "is not the file that the spec was made with"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_its_array(tmp_path: Path, change: dict[str, Any], fields: dict[str, Any], why: str) -> None:
    held = {name: array for name, array in {**WHOLE, **change}.items() if array is not None}
    np.savez(tmp_path / "clips.npz", **held)
    with pytest.raises((BadArgument, BadData), match=why):
        StudySpec(clips=str(tmp_path / "clips.npz"), **fields)


def test_what_is_no_file_of_arrays_is_refused_and_nothing_in_it_is_run(tmp_path: Path) -> None:
    for name, contents in (("a.npz", b"no zip"), ("b.npy", pickle.dumps([1])), ("c.npy", b"\x93NUMPY\x01\x00v\x00{'descr'")):
        (tmp_path / name).write_bytes(contents)
        with pytest.raises(BadData, match="is no file of arrays as numpy writes them"):
            StudySpec(clips=str(tmp_path / name))
    np.save(tmp_path / "short.npy", VIDEOS)
    (tmp_path / "short.npy").write_bytes((tmp_path / "short.npy").read_bytes()[:-1])
    with pytest.raises(BadData, match="does not fit its header"):
        StudySpec(clips=str(tmp_path / "short.npy"))
    with pytest.raises(BadArgument, match="cannot be read"):
        StudySpec(clips=str(tmp_path / "nothing.npz"))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"videos": VIDEOS[0]}, r"videos: clips are an array \(clips, frames, rows, columns, 3\)"),
        ({"labels": {}}, "names at least one variable"),
        ({"labels": {"kind": KINDS[:9]}}, "9 labels 'kind' do not fit"),
        ({"groups": GROUPS[:3]}, r"groups are of shape \(3,\)"),
        ({"twins": {"kind": OTHERS}}, 'twins holds "video" and what the twins show of kind'),
        ({"twins": {"video": TWINS, "kind": KINDS}}, "show another class than their clips"),
        ({"masks": MASKS[:, :2]}, "masks are of shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises((BadArgument, BadData), match=why):
        js.clips.from_arrays(**{"videos": VIDEOS, "labels": {"kind": KINDS}, **given})


OWN_SET = """
from jepascope.clips.presets import directions8

def slow(seed, per_class):
    "Half as fast."
    clips = directions8(seed=seed, per_class=per_class)
    return clips.with_factors("slow", speed=clips.factors["speed"] / 2)

def breaks(seed, per_class):
    raise OSError("no such disk")
"""


def test_a_clip_set_of_ones_own_is_named_by_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_sets.py").write_text(OWN_SET)
    monkeypatch.syspath_prepend(tmp_path)
    spec = StudySpec(clips="own_sets:slow", clips_per_class=10, port_clips=("circle", "own_sets:slow"))
    assert (spec.clips_name, spec.carried_to, spec.asked.angles) == ("slow", ("circle",), "")
    clips = study_clips(spec)
    assert clips.factors["speed"].max() < js.directions8(per_class=10).factors["speed"].max() and spec.renewable
    with pytest.raises(BadArgument, match="clip set 'own_sets:breaks' cannot be used here: it raised OSError: no such disk"):
        study_clips(StudySpec(clips="own_sets:breaks"))
    with pytest.raises(BadArgument, match="known are directions8, circle, complex"):
        StudySpec(port_clips=("squares",))
