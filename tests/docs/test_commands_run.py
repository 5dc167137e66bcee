"""The commands of every page are run, in a folder that has what they name. Those that make a study say what they would run (``--dry-run``);
those that need hours, a browser that waits or another machine are read by tests/docs/test_blocks.py alone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import VJEPA2Config
from typer.testing import CliRunner

from doc_blocks import blocks
from jepascope.cli import app
from video_files import drifting, write

STUDIES = {"run", "sweep"}
NOT_RUN = {
    ("planted",): "a minute and more; the site is built with it, and tests/planted runs it",
    ("bench",): "minutes; tests/bench",
    ("train",): "minutes; tests/cli",
    ("--serve",): "waits for a browser; tests/browser",
    ("runs/demo", "nano-wide"): "a model of another size; tests/cli/test_port.py",
    ("clips", "complex"): "hundreds of pictures; tests/cli/test_clips.py",
    ("small_net",): "what a package adds; tests/test_example_package.py",
}
LINES = {
    " ".join(words): words[1:] for block in blocks() if block.language == "bash" for words in block.commands if "jepascope" in words[0]
}
"""Every command once, whichever pages it stands on."""


def left_out(words: list[str]) -> bool:
    return any(set(some) <= set(words) for some in NOT_RUN)


def config(folder: Path, **sizes: Any) -> None:
    """Of a checkpoint without its weights, which no plan opens."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(VJEPA2Config(**sizes).to_dict()))


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, finished_run: Path) -> Path:
    """A folder as the pages suppose it: two finished runs, labels, videos, a sweep, code and checkpoints."""
    room = tmp_path_factory.mktemp("room")
    for name in ("demo", "other", "quick"):
        shutil.copytree(finished_run, room / "runs" / name)
    for number in range(16):
        write(room / "sorted" / ("cat", "dog")[number % 2] / f"{number}.mp4", drifting(48, seed=number), rate=16)
    shutil.copytree(room / "sorted", room / "my-videos")
    (room / "sweep.yaml").write_text(next(block.text for block in blocks() if block.page == "docs/sweep.md" and block.language == "yaml"))
    (room / "mine.py").write_text(
        next(block.text for block in blocks() if block.page == "docs/extending.md" and block.language == "python")
    )
    for name in ("vjepa2-vitl", "models/vjepa2-vitl-fpc64-256"):
        config(room / name)
    config(
        room / "ssv2", frames_per_clip=16, id2label={0: "Pushing something from left to right", 1: "Pushing something from right to left"}
    )
    return room


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line, words in LINES.items() if not left_out(words)])
def test_a_command_runs(line: str, room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [word.replace("/models/", f"{room}/models/").replace("/shared/", f"{room}/shared/") for word in LINES[line]]
    if "--labels" in words:
        (room / "mine.csv").write_text(LABELS[words[words.index("--variable") + 1]])
    if words[0] in STUDIES and "--dry-run" not in words:
        words.append("--dry-run")
    monkeypatch.chdir(room)
    monkeypatch.syspath_prepend(room)
    answer = CliRunner().invoke(app, words, env={"COLUMNS": "100", "TERM": "dumb", **dict(os.environ)})
    assert answer.exit_code == 0, f"{answer.stdout}\n{answer.stderr}"
