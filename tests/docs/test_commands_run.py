"""The commands of every page are run, in a folder that has what they name. Those that make a study say what they would run (``--dry-run``);
those that need hours, a browser that waits or another machine are read by tests/docs/test_blocks.py alone."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from doc_blocks import blocks, texts
from jepascope.cli import app
from video_files import drifting, write

STUDIES = {"run", "sweep"}
NOT_RUN = {
    ("planted",): "a minute and more; the site is built with it, and tests/planted runs it",
    ("bench",): "minutes; tests/bench",
    ("train",): "minutes; tests/cli",
    ("--serve",): "waits for a browser; tests/browser",
    ("runs/demo", "nano-wide"): "minutes; tests/cli/test_port.py",
    ("clips", "complex"): "hundreds of pictures; tests/cli/test_clips.py",
    ("small_net",): "what a package adds; tests/test_example_package.py",
    ("arm.npz",): "no plan opens a .pt; tests/intervention/test_rollout.py and tests/test_tiny_jepa.py",
    ("dinov2-small/jepa_wm_pusht.pth.tar",): "a file to fetch; tests/encoders/test_jepa_wms.py",
}
SHELL = [words for block in blocks() if block.language == "bash" for words in block.commands]
LINES = {" ".join(words): words[1:] for words in SHELL if words[0].endswith("jepascope")}
"""Every command once, whichever pages it stands on."""
LABELS = {
    "weather": "scene,weather\n" + "".join(f"{scene},{('rain', 'sun')[scene % 2]}\n" for scene in range(400)),
    "kind": "file,kind\n" + "".join(f"{name}/{number}.mp4,{name}\n" for number in range(16) for name in (("cat", "dog")[number % 2],)),
}
"""mine.csv by the column that is studied."""


def left_out(words: list[str]) -> bool:
    return any(set(some) <= set(words) for some in NOT_RUN)


def config(folder: Path, **sizes: Any) -> None:
    """Of a checkpoint without its weights, which no plan opens."""
    from transformers import VJEPA2Config

    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(VJEPA2Config(**sizes).to_dict()))
    (folder / "model.safetensors").touch()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Path:
    """A folder as the pages suppose it: finished runs, videos, a sweep, code and checkpoints."""
    room = tmp_path_factory.mktemp("room")
    for name in ("demo", "other", "quick"):
        shutil.copytree(demo, room / "runs" / name)
    for number in range(16):
        write(room / "sorted" / ("cat", "dog")[number % 2] / f"{number}.mp4", drifting(48, seed=number), rate=16)
    shutil.copytree(room / "sorted", room / "my-videos")
    for name, side in (("cat", "left"), ("dog", "right")):
        shutil.copytree(room / "sorted" / name, room / "clips" / side)
    (room / "sweep.yaml").write_text(texts("docs/sweep.md", "yaml")[0])
    (room / "mine.py").write_text(texts("docs/extending.md", "python")[0])
    for name in ("vjepa2-vitl", "vjepa2-vitl-fpc64-256", "models/vjepa2-vitl-fpc64-256"):
        config(room / name)
    config(room / "ssv2", frames_per_clip=16)
    return room


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line, words in LINES.items() if not left_out(words)])
def test_a_command_runs(line: str, room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [word.replace("/models/", f"{room}/models/").replace("/shared/", f"{room}/shared/") for word in LINES[line]]
    if words[0] in STUDIES and "--dry-run" not in words:
        words.append("--dry-run")
    if "--labels" in words:
        (room / "mine.csv").write_text(LABELS[words[words.index("--variable") + 1]])
    monkeypatch.chdir(room)
    monkeypatch.syspath_prepend(room)
    monkeypatch.delitem(sys.modules, "mine", raising=False)  # another test's, imported before
    answer = CliRunner().invoke(app, words, env={"COLUMNS": "100", "TERM": "dumb", **dict(os.environ)})
    assert answer.exit_code == 0, f"{answer.stdout}\n{answer.stderr}"
