"""What messages offer is pasted: each is produced by its real cause, and what it offers is then done as it is printed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.cli import app
from jepascope.cli.options import spec_from
from jepascope.clips.video.contents import folder_digest
from jepascope.clips.video.files import find
from jepascope.encoders.models import known_models
from jepascope.errors import BadArgument, JepascopeError, quoted, setting
from jepascope.report.compare.reading import read_runs
from jepascope.study.folder import Run
from jepascope.study.intervene.command import best_layer_of
from jepascope.study.port.asked import check_same_scenes
from jepascope.study.probe import probed_spec
from jepascope.study.provenance import command
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec, read_value, saved_spec, spec_values
from jepascope.study.videos.carried import carried_run

COMMANDS: dict[str, Any] = typer.main.get_group(app).commands
ROOM = "it's my $HOME  room"  # every path below is one that a shell would take apart


def said_by(cause: Callable[[], object]) -> str:
    with pytest.raises(JepascopeError) as caught:
        cause()
    return str(caught.value)


def offered(said: str) -> list[str]:
    return re.findall(r"`(jepascope [^`]+)`", said)


def parsed(line: str) -> dict[str, Any]:
    """What a command would be called with: a shell's words, read by the command that they name."""
    _, name, *words = shlex.split(line)
    return dict(COMMANDS[name].make_context(name, words).params)


def folder_of(tmp_path: Path, spec: StudySpec) -> Path:
    """A run that was begun."""
    (tmp_path / ROOM).mkdir(exist_ok=True)
    Run.open(tmp_path / ROOM / "run", spec).close()
    return tmp_path / ROOM / "run"


def videos(tmp_path: Path, *classes: str) -> Path:
    for number, name in enumerate(classes):
        (tmp_path / ROOM / "videos" / name).mkdir(parents=True)
        (tmp_path / ROOM / "videos" / name / f"{number}.mp4").write_bytes(b"")
    return tmp_path / ROOM / "videos"


@pytest.mark.parametrize(
    "cause",
    [best_layer_of, lambda folder: carried_run(folder, saved_spec), lambda folder: read_runs([folder])],
    ids=["intervene", "--subspace", "compare"],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_unfinished_run_is_finished_by_the_command_that_is_offered(
    cause: Callable[[Path], object], dtype: str, tmp_path: Path, tiny_spec: StudySpec
) -> None:
    folder = folder_of(tmp_path, tiny_spec)
    (folder / "provenance.json").write_text(f'{{"dtype": "{dtype}"}}')
    (line,) = offered(said_by(lambda: cause(folder)))
    asked = parsed(line)
    assert asked["dtype"] == dtype
    Run.check(Path(asked["out"]), spec_from(asked["spec"], {}, None))  # the same study: the folder takes it


def test_what_a_page_says_runs_a_study_again_is_the_same_study(tmp_path: Path, tiny_spec: StudySpec) -> None:
    folder = folder_of(tmp_path, tiny_spec)
    asked = parsed(command(str(folder), "bfloat16"))
    assert spec_from(asked["spec"], {}, None) == tiny_spec and asked["dtype"] == "bfloat16"
    Run.check(Path(asked["out"]), tiny_spec)


def test_a_folder_that_is_no_run_is_made_one_where_it_can_be(tmp_path: Path) -> None:
    (line,) = offered(said_by(lambda: saved_spec(tmp_path / ROOM)))
    asked = parsed(line)
    Run.check(Path(asked["out"]), spec_from(asked["spec"], {}, None))
    (tmp_path / ROOM).mkdir()
    (tmp_path / ROOM / "mine.txt").write_text("")
    assert said_by(lambda: saved_spec(tmp_path / ROOM)).endswith("give the folder that `jepascope run` wrote.")


def test_another_variable_of_real_videos_is_a_study_of_its_own(tmp_path: Path) -> None:
    folder = videos(tmp_path, "cat", "dog")
    spec = StudySpec(clips=str(folder), model="nano-wide")
    (line,) = offered(said_by(lambda: probed_spec(spec, "class", None)))
    asked = parsed(line)
    assert spec_from(None, {name: asked[name] for name in ("model", "clips", "variable", "labels")}, None) == StudySpec(
        clips=str(folder), model="nano-wide", variable="class"
    )


def test_a_run_on_other_scenes_is_replaced_by_its_model(tmp_path: Path) -> None:
    run = tmp_path / ROOM
    other = StudySpec(seed=1, model=str(tmp_path / ROOM / "vit"))
    (line,) = offered(said_by(lambda: check_same_scenes(StudySpec(), other, "other", run)))
    assert {str(run), other.model} <= {str(value) for value in parsed(line).values()}


def test_links_that_leave_a_folder_are_copied_by_the_command_that_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "one.mp4").write_bytes(b"one")
    folder = tmp_path / ROOM / "videos"
    folder.mkdir(parents=True)
    (folder / "one.mp4").symlink_to(tmp_path / "elsewhere" / "one.mp4")
    (folder / "all").symlink_to(tmp_path / "elsewhere")
    said = said_by(lambda: find(folder))
    monkeypatch.chdir(tmp_path)
    assert subprocess.run(re.findall(r"`(cp [^`]+)`", said)[0], shell=True).returncode == 0
    assert [one.file for one in find(Path("COPY")).candidates] == ["all/one.mp4", "one.mp4"]


def test_a_snapshot_of_the_hubs_cache_is_read_as_a_folder_and_no_other_link_is(tmp_path: Path) -> None:
    home = tmp_path / "hub" / "datasets--some--clips"
    snapshot, blobs = home / "snapshots" / ("a" * 40), home / "blobs"
    (snapshot / "cat").mkdir(parents=True)
    blobs.mkdir()
    (blobs / ("b" * 40)).write_bytes(b"a video")
    (snapshot / "cat" / "one.mp4").symlink_to(Path("../../../blobs") / ("b" * 40))
    (tmp_path / "elsewhere.mp4").write_bytes(b"another")
    (snapshot / "cat" / "two.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    for folder in (snapshot, snapshot / "cat"):
        found = find(folder)
        assert [Path(one.file).name for one in found.candidates] == ["one.mp4"]
        assert [one.reason for one in found.refusals] == ["is a link that leaves the folder"]
        assert folder_digest(folder)
    moved = home.rename(tmp_path / "hub" / "clips")  # no repository of the hub's: links stay inside the folder, or are not followed
    assert "links were not followed" in said_by(lambda: find(moved / "snapshots" / ("a" * 40)))


# fields of a spec

NAMES = [
    "a, b",
    "it's",
    "yes",
    "null",
    "~",
    "00",
    "0",
    "1e3",
    "x: y",
    "[q]",
    "#c",
    "- a",
    '"',
    "a\\b",
    "{a}",
    "&a",
    "*b",
    "!t",
    "é",
    "2024-01-01",
]


@settings(max_examples=30)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_any_names_survive_yaml_and_a_shell(names: list[str]) -> None:
    words = shlex.split(setting(classes=names, draws=5, seconds=0.5))
    assert [words[0], words[2], words[3]] == ["--set", "--set", "draws=5"] and words[5] == "seconds=0.5"
    field, _, value = words[1].partition("=")
    assert read_value(field, value) == names


def test_classes_of_any_name_are_chosen_by_what_is_offered(tmp_path: Path) -> None:
    folder = videos(tmp_path, *NAMES)
    (_, item) = shlex.split(setting(classes=NAMES[:-1]))
    spec = spec_from(None, {"clips": str(folder), "variable": "class"}, [item])
    assert set(spec.state_variable.classes) == {*NAMES[:-1]}
    (tmp_path / "spec.yaml").write_text(spec.to_yaml())
    assert make_spec(*spec_values(str(tmp_path / "spec.yaml"))) == spec


@pytest.mark.parametrize(
    ("value", "classes"),
    [
        ("[0, 1]", ("0", "1")),
        ("[00,01]", ("00", "01")),
        ("00,1", ("00", "1")),
        ("[yes, no]", ("yes", "no")),
        ("[1.50, null]", ("1.50", "null")),
    ],
)
def test_names_of_classes_are_what_is_written(value: str, classes: tuple[str, ...], tmp_path: Path) -> None:
    folder = videos(tmp_path, "0", "1", "00", "01", "yes", "no", "1.50", "null")
    assert spec_from(None, {"clips": str(folder), "variable": "class"}, [f"classes={value}"]).classes == classes
    if value.startswith("["):
        (tmp_path / "spec.yaml").write_text(f"variable: class\nclasses: {value}\n")
        assert spec_from(str(tmp_path / "spec.yaml"), {"clips": str(folder)}, None).classes == classes


def test_numbers_in_python_are_the_names_that_they_are_written_as(tmp_path: Path) -> None:
    folder = videos(tmp_path, "0", "1", "2")
    assert StudySpec(clips=str(folder), variable="class", classes=(0, 2)).classes == ("0", "2")  # type: ignore[arg-type]
    with pytest.raises((BadArgument, ValueError), match="has no class '3'"):
        StudySpec(clips=str(folder), variable="class", classes=(0, 3))  # type: ignore[arg-type]


def test_a_column_may_be_called_by_a_number(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("scene,2024\n" + "".join(f"{scene},{'ab'[scene % 2]}\n" for scene in range(400)))
    (tmp_path / "spec.yaml").write_text("labels: labels.csv\nvariable: 2024\nfinders: [diff_means]\n")
    assert make_spec(*spec_values(str(tmp_path / "spec.yaml"))).variable == "2024"


def test_a_path_is_quoted_and_home_is_left_to_the_shell() -> None:
    assert quoted("~/my videos") == "~/'my videos'" and quoted("plain") == "plain" and shlex.split(quoted(ROOM)) == [ROOM]


# other tools


def test_the_tool_that_fetches_models_is_installed_with_jepascope() -> None:
    assert {script.name for script in distribution("huggingface_hub").entry_points} >= {"hf"}
    for row in known_models():
        if row.how.startswith("hf "):
            assert shlex.split(row.how) == ["hf", "download", row.name, "--local-dir", row.folder]


@pytest.mark.slow
def test_the_options_of_the_tool_that_fetches_models_are_those_that_are_named() -> None:
    tool = Path(sys.executable).with_name("hf")
    assert "--local-dir" in subprocess.run([tool, "download", "--help"], capture_output=True, text=True).stdout
