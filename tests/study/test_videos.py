"""Studies on a folder of real videos: what a spec says of it, which windows become clips, and what is told."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.video.chosen import capped, clips_chosen
from jepascope.clips.video.contents import folder_digest
from jepascope.clips.video.enough import TooFew
from jepascope.clips.video.parted import check_enough, kind_of, most_even, parted, shown_as, turned_by_quarters
from jepascope.errors import BadArgument, BadData, RunFolderError
from jepascope.study.clips_asked import FOLDER_ONLY, is_folder
from jepascope.study.folder import Run
from jepascope.study.identity import identity
from jepascope.study.machine import Machine
from jepascope.study.plan import make_plan
from jepascope.study.port.asked import check_same_scenes, model_spec
from jepascope.study.probe import probed_spec
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec, read_spec
from jepascope.study.videos.foreseen import video_study


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that end like videos, in two folders; nothing but their names and bytes is ever looked at."""
    for name in ("left/a.mp4", "left/b.mp4", "right/c.mp4", "right/d.mp4"):
        path = tmp_path / "my videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 100)
    return tmp_path / "my videos"


def spec_of(folder: Path, **values: Any) -> StudySpec:
    return make_spec({"clips": str(folder), **values}, "here")


# the spec


def test_a_folder_is_a_clip_set_with_defaults_of_its_own(folder: Path) -> None:
    spec = spec_of(folder)
    assert (spec.of_videos, spec.clips_name, spec.seconds, spec.peels, spec.port_clips) == (True, "my videos", 1.0, 0, ())
    assert spec.extra_controls == ("self_swap",) and spec_of(folder, extra_controls=()).extra_controls == ()
    assert not spec.state_variable.rendered and spec.state_variable.classes == DIRECTION_NAMES and not spec.carried_to
    four = spec_of(folder, classes=["S", "N", "E", "W"])
    assert (four.state_variable.classes, four.full_rank) == (("E", "N", "W", "S"), 3)  # in their order on the circle
    assert spec_of(folder, variable="class").state_variable.classes == ("left", "right")


def test_a_path_is_a_folder_and_a_name_is_a_clip_set_whatever_lies_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    (folder.parent / "circle").mkdir()
    assert is_folder("my videos") and is_folder("./circle") and not is_folder("circle") and not is_folder("nothing")
    with pytest.raises(BadArgument, match="no such clip set; known are directions8, circle, complex, folders of videos"):
        make_spec({"clips": "nothing"}, "here")
    with pytest.raises(BadArgument, match="There is no folder"):
        make_spec({"clips": "./nothing"}, "here")
    with pytest.raises(BadArgument, match="holds no video"):
        make_spec({"clips": "./circle"}, "here")


def test_the_digest_names_contents_and_not_places_and_synthetic_studies_keep_theirs(folder: Path) -> None:
    spec = spec_of(folder)
    moved = folder.parent / "elsewhere"
    shutil.copytree(folder, moved)
    assert spec_of(moved).digest == spec.digest and folder_digest(moved) == spec.clips_digest
    (moved / "left" / "a.mp4").write_bytes(b"another video")
    assert spec_of(moved).digest != spec.digest
    assert not {*identity(StudySpec())} & {*FOLDER_ONLY}
    digests = {spec.digest, *(spec_of(folder, **one).digest for one in ({"seconds": 2}, {"per_source": 3}, {"classes": ("E", "W")}))}
    assert len(digests) == 4


def test_a_saved_spec_is_read_without_the_videos(folder: Path, tmp_path: Path) -> None:
    spec = spec_of(folder, classes=("E", "W"))
    (tmp_path / "spec.yaml").write_text(spec.to_yaml())
    shutil.rmtree(folder)
    assert make_spec(read_spec(tmp_path / "spec.yaml"), "here") == spec


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"tokens": "object"}, "nobody drew where the object of a real video is"),
        ({"scope": "background"}, "nobody drew where the object"),
        ({"peels": 2}, "degeneracy is not tested on real videos"),
        ({"port_clips": ["circle"]}, "subspaces_from"),
        ({"classes": ["E", "Q"]}, "no class 'Q' here; there are E, NE, N"),
        ({"classes": ["E"]}, r"classes: must be a list of 2 to 50 names \(given: 'E'\)"),
        ({"variable": "speed"}, "Real videos have no label 'speed'; known are direction, class"),
        ({"variable": "class", "classes": ["left", "up"]}, "no class 'up' here; there are left, right"),
        ({"swap_donor": "twin"}, "no twin can be rendered"),
        ({"finders": ["das"]}, "das is trained on twins"),
        ({"seconds": 0.01}, "seconds: must be a number from 0.1 to 60"),
    ],
)
def test_what_real_videos_do_not_allow_is_refused(folder: Path, values: dict[str, Any], said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        spec_of(folder, **values)


def test_fields_of_real_videos_are_refused_for_other_clips() -> None:
    for field_, value in (("seconds", 2.0), ("per_source", 3), ("classes", ("E", "W")), ("clips_digest", "0")):
        with pytest.raises(BadArgument, match=f"{field_}: it is about real videos, and clips is the set 'directions8'"):
            make_spec({field_: value}, "here")


def test_labels_of_people_tell_the_classes(folder: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "file,direction,weather,heat\n" + "".join(f"{name}.mp4,E,{'sun' if i % 2 else 'rain'},{i}\n" for i, name in enumerate("abcd"))
    )
    spec = spec_of(folder, labels=str(labels), variable="weather")
    assert spec.state_variable.classes == ("rain", "sun") and spec.labels_digest
    assert spec_of(folder, labels=str(labels), variable="heat").state_variable.kind == "categorical"  # four numbers are four names
    labels.write_text("file,weather\na.mp4,sun\n")
    with pytest.raises(BadArgument, match="not the labels file that the spec was made with"):
        make_spec({**spec.model_dump(), "labels": str(labels)}, "here")
    with pytest.raises(BadArgument, match="There is no labels file"):
        spec_of(folder, labels=str(tmp_path / "none.csv"), variable="weather")


def test_a_plan_of_a_folder_counts_at_most_and_loads_nothing_heavy(folder: Path) -> None:
    plan = make_plan(spec_of(folder), Machine())
    assert any("at most (50 a class)" in note for note in plan.notes)
    assert plan.steps[0].forwards == 8 * (20 + 15 + 15)
    code = (
        "import sys\nfrom jepascope.study.spec_file import make_spec\nfrom jepascope.study.plan import make_plan\n"
        f"make_plan(make_spec({{'clips': {str(folder)!r}}}, 'here'))\n"
        "print([name for name in ('torch', 'av', 'cv2', 'pandas') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_folder_that_changed_is_not_gone_on_with(folder: Path, tmp_path: Path) -> None:
    spec = spec_of(folder)
    Run.open(tmp_path / "run", spec).close()
    (folder / "left" / "new.mp4").write_bytes(b"one more")
    with pytest.raises(BadArgument, match=r"The videos in '.*' changed since the run in '.*' began; put them back"):
        Run.check(tmp_path / "run", spec_of(folder))
    with pytest.raises(BadData, match="are not those that this study was begun with"):
        video_study(spec)


def test_stages_that_need_other_clips_say_so(folder: Path) -> None:
    spec = spec_of(folder)
    with pytest.raises(BadArgument, match=r"jepascope run --model nano --clips .* --variable class"):
        probed_spec(spec, "class", None)
    for refused in (lambda: model_spec(spec, "nano-wide"), lambda: check_same_scenes(spec, spec, "there", Path("here"))):
        with pytest.raises(BadArgument, match="Models are not compared on real videos"):
            refused()


def test_other_runs_whose_subspaces_cannot_be_used_are_refused(folder: Path, tmp_path: Path, begun_run: Path) -> None:
    with pytest.raises(RunFolderError, match="not a run folder"):
        spec_of(folder, subspaces_from=str(tmp_path))
    with pytest.raises(BadArgument, match="is not finished"):
        spec_of(folder, subspaces_from=str(begun_run))


# which windows become clips


def windows(counts: dict[str, dict[str, int]]) -> pd.DataFrame:
    """A label table: for each video how many windows of each direction it has."""
    rows = [
        {"source": video, "file": video, "start": float(i), "end": i + 1.0, "direction": name}
        for video, directions in counts.items()
        for name, count in directions.items()
        for i in range(count)
    ]
    return pd.DataFrame(rows)


def test_kinds_are_the_directions_that_turns_lead_to() -> None:
    assert kind_of(np.array(["W", "SE"]), True).tolist() == ["E", "NE"]
    assert kind_of(np.array(["W", "S", "SE"]), False).tolist() == ["E", "N", "NW"]
    assert shown_as("NE", True) == ("NE", "NW", "SW", "SE") and shown_as("N", False) == ("N", "S")
    assert turned_by_quarters(("E", "N")) and turned_by_quarters(DIRECTION_NAMES) and not turned_by_quarters(("E", "W", "NE"))


def test_directions_that_too_few_videos_show_are_left_out() -> None:
    many = {f"{i}.mp4": {"E": 2, "SW": 1} for i in range(8)}
    assert most_even(windows(many), 0) == DIRECTION_NAMES
    few = {**{f"{i}.mp4": {"W": 3} for i in range(7)}, "x.mp4": {"NE": 30}, "y.mp4": {"SW": 2}}
    assert most_even(windows(few), 0) == ("E", "N", "W", "S")
    assert most_even(windows({"a.mp4": {"E": 50}, "b.mp4": {"N": 9}}), 0) == ()


def test_too_few_videos_or_clips_are_counted_by_class_and_split(folder: Path) -> None:
    spec = spec_of(folder)
    table = windows({**{f"{i}.mp4": {"W": 3} for i in range(7)}, "x.mp4": {"NE": 3}})
    table = table.assign(kind=kind_of(table["direction"].to_numpy(str), True))
    with pytest.raises(TooFew, match=r"Too few videos of direction NE .* are: NE 1 \(fit \d, judge \d, test \d\), E 7 \(") as caught:
        parted(table, ["E", "NE"], spec)
    assert caught.value.scarce == ("NE",) and caught.value.missing == {"NE": 5}
    with pytest.raises(TooFew, match=r"of direction E/W .* are: E/W 2") as caught:
        parted(table[table["source"].isin(["0.mp4", "1.mp4"])], ["E"], spec, names=lambda kind: f"{kind}/W")
    assert caught.value.missing == {"E/W": 4}
    few = table.drop_duplicates("source").assign(split="fit").iloc[:7]
    with pytest.raises(TooFew, match=r"split fit has 7 clips of 7 videos, and a study needs 20 .* E 7 clips of 7 videos in fit, 0 clips"):
        check_enough(few, spec, "kind")


def test_every_split_has_videos_of_its_own_and_of_every_kind(folder: Path) -> None:
    table = windows({f"{i}.mp4": {"W": 1 + i, "NE": 3} for i in range(9)})
    table = table.assign(kind=kind_of(table["direction"].to_numpy(str), True))
    split = parted(table, ["E", "NE"], spec_of(folder))
    assert split.groupby("source")["split"].nunique().max() == 1
    assert split.groupby(["split", "kind"])["source"].nunique().min() >= 2


def test_clips_are_of_as_many_videos_as_can_be_and_other_views_come_last(folder: Path) -> None:
    shown = windows({"a": {"E": 3}, "b": {"E": 1}})
    shown = pd.concat([shown.assign(view=view) for view in range(4)], ignore_index=True).sort_values(["file", "start", "view"])
    shown = shown.assign(split="fit").reset_index(drop=True)
    kept = capped(shown, spec_of(folder, clips_per_class=10), "direction")  # 0.4 of them in fit
    assert len(kept) == 4 and (kept["view"] == 0).all() and set(kept["source"]) == {"a", "b"}
    most = capped(shown, spec_of(folder, clips_per_class=25), "direction")
    assert len(most) == 10 and most["view"].max() == 2 and len(most[["file", "start"]].drop_duplicates()) == 4


VIDEOS = st.dictionaries(st.integers(0, 30).map("{}.mp4".format), st.integers(1, 5), min_size=1, max_size=25)
"""How many windows each video of a split has."""


def balanced_clips(videos: dict[str, int], classes: Sequence[str], split: str, views: int = 2) -> pd.DataFrame:
    """Every window shown in every direction, in several views."""
    shown = windows({name: dict.fromkeys(classes, count) for name, count in videos.items()}).assign(split=split)
    return pd.concat([shown.assign(view=view) for view in range(views)]).sort_values(["file", "start", "view"]).reset_index(drop=True)


@pytest.mark.slow
@given(VIDEOS, st.sampled_from([8, 16, 40]), st.sampled_from([2, 4, 8]), st.integers(0, 3))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_effects_are_of_all_videos_that_are_tested(folder: Path, videos: dict[str, int], tested: int, many: int, seed: int) -> None:
    """n is the number of test videos wherever there are no more of them than test clips."""
    classes = DIRECTION_NAMES[:many]
    spec = spec_of(folder, classes=classes, test_scenes=tested, seed=seed)
    test = capped(balanced_clips(videos, classes, "test"), spec, "direction", together=("fit", "judge"))
    labels = np.array([classes.index(name) for name in test["direction"]])
    rows = clips_chosen(test, labels, tested // many, seed)
    assert test["source"].nunique() == len(videos) or len(videos) > len(test)
    assert test["source"].iloc[rows].nunique() == min(len(videos), tested // many * many)
    each = np.bincount(labels[rows], minlength=many)
    assert each.min() == each.max() == min(tested // many, np.bincount(labels).min())


@pytest.mark.slow
@given(VIDEOS, st.integers(0, 3))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_fitted_sees_every_window_in_every_direction(folder: Path, videos: dict[str, int], seed: int) -> None:
    """No direction goes along with a video; and every class is of as many videos as it has clips for."""
    spec = spec_of(folder, clips_per_class=20, seed=seed)
    for split, room in (("fit", 8), ("judge", 6)):
        fit = capped(balanced_clips(videos, DIRECTION_NAMES, split), spec, "direction", together=("fit", "judge"))
        seen = {name: set(zip(part["file"], part["start"], strict=True)) for name, part in fit.groupby("direction")}
        assert all(windows_ == seen["E"] for windows_ in seen.values())
        assert fit["source"].nunique() == min(len(videos), room)


def test_clips_of_classes_are_of_as_many_videos_as_can_be_in_every_split(folder: Path) -> None:
    """Two classes, and every video shows both: each takes from other videos."""
    table = pd.concat([balanced_clips({f"{split}{i}.mp4": 2 for i in range(20)}, ("E", "W"), split) for split in ("fit", "judge", "test")])
    kept = capped(table.reset_index(drop=True), spec_of(folder, clips_per_class=20), "direction")
    assert kept.groupby("split")["source"].nunique().to_dict() == {"fit": 16, "judge": 12, "test": 12}


def test_few_windows_of_a_long_video_are_spread_over_it(folder: Path) -> None:
    kept = capped(balanced_clips({"a.mp4": 40}, ("E", "W"), "fit", 1), spec_of(folder, clips_per_class=10), "direction", ("fit",))
    starts = np.sort(kept["start"].unique())
    assert len(starts) == 4 and np.diff([0, *starts, 40]).max() <= 15
