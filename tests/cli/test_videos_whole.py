"""From a folder of twelve tiny videos, one of them broken, to a report: the second command is the one that the first prints."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from jepascope.cli import app
from video_files import drifting, write


def answer(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments], env={"COLUMNS": "140", "TERM": "dumb"})


def twelve(root: Path) -> Path:
    """Six videos of 1.3 s that drift to the left and six to the right, one of these cut off."""
    for name in ("left", "right"):
        for i in range(6):
            frames = drifting(32, seed=i + 10 * (name == "right"))
            write(root / name / f"{name}{i}.mp4", frames[:: 1 if name == "left" else -1])
    (root / "right" / "right0.mp4").write_bytes((root / "right" / "right0.mp4").read_bytes()[:200])
    return root


def test_what_there_is_of_twelve_videos_is_a_study_of_each_in_turn(tmp_path: Path) -> None:
    said = " ".join(answer("videos", str(twelve(tmp_path / "tiny videos"))).stdout.split())
    assert "'right/right0.mp4' is truncated" in said and "left 6" in said and "right 5" in said
    assert "n of its effects is 11 videos: with " in said and "each is tested in turn" in said
    assert "This runs the study: jepascope run --clips" in said and "--set seconds=" in said


@pytest.mark.slow
def test_the_first_command_says_what_there_is_and_the_second_ends_with_a_report(tmp_path: Path, tiny_model: Path) -> None:
    folder = twelve(tmp_path / "tiny videos")
    small = ("--set", f"model={tiny_model}", "--set", "resamples=200")
    said = answer("videos", str(folder), "quick", *small, "--json")
    assert said.exit_code == 0, said.stderr
    seen = json.loads(said.stdout)
    assert [(row["class"], row["videos"]) for row in seen["classes"]] == [("left", 6), ("right", 5)]
    assert [row["file"] for row in seen["refused"]] == ["right/right0.mp4"] and seen["refusal"] and seen["changed"]
    out = tmp_path / "run"
    ran = answer(*shlex.split(seen["command"])[1:], "--out", str(out), "--json")
    assert ran.exit_code == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert summary["footage"]["videos_by_split"] == {
        split: sum(row[split]["videos"] for row in seen["classes"]) for split in ("fit", "judge", "test")
    }
    videos = pd.read_parquet(out / "leave_one_out_videos.parquet")
    assert len(videos) == 11 and (videos["fit_videos"] + videos["judge_videos"] == 9).all()
    ce = pd.read_parquet(out / "leave_one_out.parquet")
    assert set(ce["n"]) == {11} and {"swap", "ablate"} == set(ce["edit"]) and {"carried", "top_pca", "shuffled"} <= set(ce["control"])
    used = next(claim for claim in json.loads((out / "claims.json").read_text())["claims"] if claim["name"] == "used")
    assert used["verdict"] != "not run" and (used["verdict"] == "undecided" or "n = 11 videos, each left out in turn" in used["sentence"])
    assert summary["leave_one_out"]["leads"] and "left out in turn" in (out / "report.html").read_text()
    again = answer(*shlex.split(seen["command"])[1:], "--out", str(out))
    assert again.exit_code == 0 and "Report: " in again.stdout
