"""Files that the user named: links are followed, and a pipe, a device or a folder is refused at once, whatever it stands for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jepascope.cli import app
from jepascope.clips.array_file import read_arrays
from jepascope.clips.labels_table import Layout, read_table
from jepascope.clips.video.opening import UnreadableVideo, opened
from jepascope.discovery.subspace import Subspace
from jepascope.disk.named import NoFile, open_named, read_named
from jepascope.encoders.geometry import read_json
from jepascope.encoders.torch_file import read_torch_file
from jepascope.errors import JepascopeError, RunFolderError
from jepascope.study.intervene.command import intervened_spec
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import read_spec, saved_spec

FOREIGN: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "link to a pipe": lambda path: (os.mkfifo(path.with_name("pipe")), path.symlink_to("pipe")),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "folder": lambda path: path.mkdir(),
}
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "spec": ("spec.yaml", read_spec),
    "labels": ("labels.csv", lambda path: read_table(path, Layout(("scene",), (), "a column scene"))),
    "arrays": ("clips.npz", read_arrays),
    "videos as an array": ("clips.npy", read_arrays),
    "subspace": ("subspace.safetensors", lambda path: intervened_spec(StudySpec(), 1, {}, path)),
    "subspace of Python": ("subspace.safetensors", Subspace.load),
    "configuration": ("config.json", read_json),
    "weights of Meta's": ("vitl.pt", read_torch_file),
}


def test_a_link_is_followed_and_a_file_is_read_whole_or_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert read_named(tmp_path / "link", 5) == b"12345"
    with pytest.raises(NoFile, match="it is larger than 4 bytes"):
        read_named(tmp_path / "link", 4)
    with pytest.raises(FileNotFoundError):
        open_named(tmp_path / "nothing")
    if (endless := Path("/proc/self/status")).exists():  # says that it has no bytes, and has some
        with pytest.raises(NoFile, match="larger than"):
            read_named(endless, 100)


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_regular_file_is_refused_at_once(reader: str, kind: str, tmp_path: Path) -> None:
    name, read = READERS[reader]
    FOREIGN[kind](tmp_path / name)
    with pytest.raises(JepascopeError) as refused:
        read(tmp_path / name)
    assert name in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", FOREIGN)
def test_so_is_a_video(kind: str, tmp_path: Path) -> None:
    FOREIGN[kind](tmp_path / "a.mp4")
    with pytest.raises(UnreadableVideo, match=r"not a regular file"), opened(tmp_path / "a.mp4"):
        pass


@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "link to a device"])
@pytest.mark.parametrize("command", [("compare", "--preset", "paper", "--out"), ("label", ".", "--out")])
def test_and_what_a_command_would_write_over(command: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    FOREIGN[kind](path)
    result = CliRunner().invoke(app, [*command, str(path)])
    assert result.exit_code == 2 and "not written by" in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["spec.yaml", "labels.csv"])
def test_a_link_in_a_run_folder_is_not_followed(name: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "precious").write_text("scene,kind\n0,mine\n" if name == "labels.csv" else "{}\n")
    (tmp_path / "run" / "spec.yaml").write_text("labels: labels.csv\nvariable: kind\n")
    (tmp_path / "run" / name).unlink(missing_ok=True)
    (tmp_path / "run" / name).symlink_to(tmp_path / "precious")
    with pytest.raises(RunFolderError, match=rf"run/{name}' is a link"):
        saved_spec(tmp_path / "run")
