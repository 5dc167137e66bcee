"""A folder from a stranger: nothing outside it is read or written, whatever lies in it; what a dead process left goes, what a live one
writes stays."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jepascope.disk.folder import WORKING, Folder
from jepascope.errors import RunFolderError

FOREIGN: dict[str, Callable[[Path, Path], object]] = {
    "link": lambda path, precious: path.symlink_to(precious),
    "dangling link": lambda path, precious: path.symlink_to(precious.parent / "new"),
    "pipe": lambda path, precious: os.mkfifo(path),
    "link to a device": lambda path, precious: path.symlink_to("/dev/zero"),
    "folder": lambda path, precious: path.mkdir(),
}


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    path = tmp_path / "precious"
    path.write_text("mine")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "run").mkdir()
    return Folder(tmp_path / "run")


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_no_regular_file_is_refused_at_once_and_named(kind: str, folder: Folder, precious: Path) -> None:
    FOREIGN[kind](folder.root / "x", precious)
    for use in (lambda: folder.read("x"), lambda: folder.lock("x")):
        with pytest.raises(RunFolderError, match=r"run/x' is a (link|named pipe|folder), where a run folder has a file of its own"):
            use()
    folder.append("x", "line")
    assert precious.read_text() == "mine" and sorted(os.listdir(precious.parent)) == ["precious", "run"]


@pytest.mark.parametrize("kind", ["link", "dangling link", "link to a device"])
def test_writing_replaces_a_link_and_not_what_it_points_to(kind: str, folder: Folder, precious: Path) -> None:
    FOREIGN[kind](folder.root / "x", precious)
    folder.write("x", "ours")
    assert folder.read("x") == b"ours" and precious.read_text() == "mine" and os.listdir(folder.root) == ["x"]


def test_a_folder_inside_that_is_a_link_is_refused(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_text("mine")
    (folder.root / "figures").symlink_to(outside)
    for use in (lambda: folder.read("figures/x"), lambda: folder.write("figures/x", "ours"), lambda: folder.make("figures/more")):
        with pytest.raises(RunFolderError, match="figures' is a link, where a run folder has a folder of its own"):
            use()
    folder.append("figures/x", "line")
    with pytest.raises(RunFolderError):
        folder.remove("figures/x")
    assert (outside / "x").read_text() == "mine" and os.listdir(outside) == ["x"]


def test_the_folder_itself_may_be_a_link_of_the_user(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "mine").symlink_to(folder.root)
    Folder(tmp_path / "mine").write("parts/x", "ours")
    assert folder.read("parts/x") == b"ours"


def test_a_line_is_not_added_to_a_file_that_has_another_name_elsewhere(folder: Folder, precious: Path) -> None:
    os.link(precious, folder.root / "log")
    folder.append("log", "line")
    assert precious.read_text() == "mine"


def test_a_hard_link_is_replaced_and_not_written_through(folder: Folder, precious: Path) -> None:
    os.link(precious, folder.root / "x")
    folder.write("x", "ours")
    assert precious.read_text() == "mine" and folder.read("x") == b"ours"


def test_locking_leaves_what_the_file_holds(folder: Folder) -> None:
    folder.write("lock", "words")
    held = folder.lock("lock")
    assert held is not None and folder.lock("lock") is None
    held.close()
    assert folder.read("lock") == b"words"


def test_a_file_larger_than_a_study_writes_is_not_read(folder: Folder) -> None:
    with (folder.root / "x").open("wb") as file:
        file.truncate(1 << 34)  # a hole: hardly a byte on the disk
    with pytest.raises(RunFolderError, match="larger than"):
        folder.read("x")


def test_a_write_that_fails_leaves_the_file_as_it_was_and_nothing_else(folder: Folder) -> None:
    folder.write("x", "before")
    with pytest.raises(ValueError, match="on the way"), folder.writing("x") as temporary:
        temporary.write_text("half")
        raise ValueError("on the way")
    assert folder.read("x") == b"before" and os.listdir(folder.root) == ["x"]


KILLED = """
import sys, time
from pathlib import Path
from jepascope.disk.folder import Folder
with Folder(Path(sys.argv[1])).writing("x") as temporary:
    temporary.write_text("half")
    (temporary.parent / ".tmpOfALibrary").write_text("half")
    print("writing", flush=True)
    time.sleep(600)
"""


def test_what_a_dead_process_left_is_swept_and_what_a_live_one_writes_is_not(folder: Folder) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, folder.root], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "writing\n"
        folder.sweep()
        assert len(list(folder.root.glob(f"{WORKING}*"))) == 1
        process.send_signal(signal.SIGKILL)
        process.wait()
    for _ in range(100):  # the system lets go of a dead process's lock in its own time
        folder.sweep()
        if not os.listdir(folder.root):
            break
        time.sleep(0.01)
    assert os.listdir(folder.root) == []


def test_a_working_folder_that_is_a_link_is_not_swept_through(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_text("mine")
    (folder.root / f"{WORKING}{0:016x}").symlink_to(outside)
    folder.sweep()
    assert (outside / "x").read_text() == "mine"


def test_a_folder_of_the_user_s_with_a_name_alike_is_not_swept(folder: Folder) -> None:
    (folder.root / f"{WORKING}thesis").mkdir()
    folder.sweep()
    assert os.listdir(folder.root) == [f"{WORKING}thesis"]


def test_files_have_the_permissions_that_the_user_s_umask_gives(folder: Folder) -> None:
    before = os.umask(0o027)
    try:
        folder.write("x", "ours")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder.root / "x").stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_not_called_damaged(folder: Folder) -> None:
    folder.write("x", "ours")
    (folder.root / "x").chmod(0)
    with pytest.raises(RunFolderError, match="Make it readable"):
        folder.read("x")
