"""What each command answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from jepascope.cli import app
from jepascope.doctor import Check
from jepascope.encoders.jepa_wms import PUBLISHED
from jepascope.encoders.load import load_encoder
from jepascope.encoders.models import known_models
from jepascope.study.spec import StudySpec
from jepascope.training import train as train_module
from jepascope.training.monitor import Health


def answer(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80", "TERM": "dumb"})


@pytest.mark.slow
def test_run_on_a_finished_folder_prints_headline_and_report(finished_run: Path, tiny_spec: StudySpec, tmp_path: Path) -> None:
    run, spec = tmp_path / "run", tmp_path / "spec.yaml"
    shutil.copytree(finished_run, run)
    spec.write_text(tiny_spec.to_yaml())
    result = answer("run", str(spec), "--out", str(run))
    assert result.exit_code == 0, result.stderr
    summary = json.loads((run / "summary.json").read_text())
    assert summary["headline"] in result.stdout
    assert str(run / "report.html") in result.stdout
    for reply in json.loads((run / "summary.json").read_text())["replies"]:
        (line,) = (line for line in result.stdout.splitlines() if line.startswith(reply["ask"]))
        assert all(reply[part] in line for part in ("word", "number", "control"))


@pytest.mark.slow
def test_run_on_a_finished_folder_prints_its_summary_as_json(finished_run: Path, tiny_spec: StudySpec, tmp_path: Path) -> None:
    run, spec = tmp_path / "run", tmp_path / "spec.yaml"
    shutil.copytree(finished_run, run)
    spec.write_text(tiny_spec.to_yaml())
    result = answer("run", str(spec), "--out", str(run), "--json")
    assert json.loads(result.stdout)["ce"] == json.loads((run / "summary.json").read_text())["ce"]


UNLOADED = """
import sys
from jepascope.cli import main
try:
    main()
finally:
    heavy = sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "transformers", "pandas", "matplotlib"})
    print(f"loaded: {heavy}", file=sys.stderr)
"""


@pytest.mark.slow
def test_a_finished_folder_answers_without_loading_anything_until_something_in_it_changes(
    finished_run: Path, tiny_spec: StudySpec, tmp_path: Path
) -> None:
    run, spec = tmp_path / "run", tmp_path / "spec.yaml"
    shutil.copytree(finished_run, run)
    spec.write_text(tiny_spec.to_yaml())

    def ran(*more: str) -> tuple[str, str]:
        command = [sys.executable, "-c", UNLOADED, "run", str(spec), "--out", str(run), *more]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "JEPASCOPE_WORKERS": "1"})
        return done.stdout, done.stderr.splitlines()[-1]

    (first, loaded), (second, nothing) = ran(), ran()
    assert second == first and "torch" in loaded and nothing == "loaded: []"
    assert ran("--json")[0] == json.dumps(json.loads((run / "summary.json").read_text())) + "\n"
    assert "torch" in ran("--dtype", "bfloat16")[1]  # and refuses
    (run / "report.html").write_text("half a rep")
    assert "torch" in ran()[1] and (run / "report.html").read_text().endswith("</html>")
    table = (run / "ce.parquet").read_bytes()
    (run / "ce.parquet").write_bytes(table[:-1])
    assert "torch" in ran()[1] and (run / "ce.parquet").read_bytes() == table
    again, nothing = ran()
    assert nothing == "loaded: []" and again.splitlines()[:-1] == first.splitlines()[:-1]  # but for the seconds


@pytest.mark.slow
def test_a_report_made_again_has_the_same_bytes(finished_run: Path, tmp_path: Path) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    report = tmp_path / "run" / "report.html"
    before = report.read_bytes()
    report.unlink()
    result = answer("report", str(tmp_path / "run"))
    assert result.exit_code == 0
    assert result.stdout.strip() == str(report)
    assert report.read_bytes() == before


@pytest.mark.parametrize("width", [80, 160])
def test_models_fit_a_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jepascope.cli.terminal.PIPE_WIDTH", width)
    result = answer("models")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    for model in known_models():
        row = next(line for line in lines if line.startswith(f"{model.name} "))
        assert row.split()[-1] == ("ships" if model.shipped else "curl" if ".pt" in model.name else "hf*" if model.gated else "hf")
        assert ("predictor" if width > 80 else " P") in row or not model.predictor
        assert (model.head in row) == (width > 80 or not model.head)
    assert max(len(line) for line in lines[: lines.index("")]) <= width
    assert "0.00 GB" not in result.stdout
    assert "hf download NAME --local-dir FOLDER" in result.stdout and "hf auth login" in result.stdout


def test_models_as_json_say_everything() -> None:
    rows = json.loads(answer("models", "--json").stdout)
    worlds = [(world.file, world.how.replace("`", "")) for world in PUBLISHED]
    assert [(row["name"], row["how"]) for row in rows] == [(model.name, model.how) for model in known_models()] + worlds
    assert {row["name"]: row["also"] for row in rows}["facebook/vjepa2-vitl-fpc64-256"].endswith("/vitl.pt")


def test_plan_prints_its_sum() -> None:
    plan = json.loads(answer("plan", "--json").stdout)
    assert plan["forwards"] == sum(step["forwards"] for step in plan["steps"])
    assert f"{plan['forwards']:,}" in answer("plan").stdout


def test_options_override_presets_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[StudySpec] = []
    monkeypatch.setattr("jepascope.study.plan.make_plan", lambda spec, machine: got.append(spec))
    (tmp_path / "spec.yaml").write_text("draws: 9\nseed: 3\n")
    answer(
        "plan", str(tmp_path / "spec.yaml"), "--draws", "11", "--layers", "1,3", "--finders", "class_pca, l1_probe", "--set", "doses=0.5,1"
    )
    assert got == [StudySpec(draws=11, seed=3, layers=(1, 3), finders=("class_pca", "l1_probe"), doses=(0.5, 1.0))]
    monkeypatch.setenv("JEPASCOPE_MODEL", "nano-wide")
    answer("plan", "quick")
    assert got[-1].model == "nano-wide"
    assert got[-1].draws == 20


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (None, 0), (False, 1)])
def test_doctor_fails_only_where_something_is_broken(ok: bool | None, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jepascope.doctor.doctor", lambda: [Check("thing", ok, "is so", "mend it")])
    assert answer("doctor").exit_code == code
    assert json.loads(answer("doctor", "--json").stdout) == [{"name": "thing", "ok": ok, "detail": "is so", "fix": "mend it"}]


def test_version_and_help() -> None:
    assert answer("--version").stdout.strip() == f"jepascope {version('jepascope')}"
    for arguments in (["--help"], ["run", "-h"], ["plan", "-h"], ["report", "-h"], ["models", "-h"], ["doctor", "-h"], ["train", "-h"]):
        assert answer(*arguments).exit_code == 0


def test_ctrl_c_is_one_line_and_130(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jepascope.study.run.run_study", stopped)
    result = answer("run", "--model", str(tiny_model), "--out", str(tmp_path / "run"))
    assert result.exit_code == 130
    assert result.stderr == "Stopped. What is finished is kept; the same command goes on from here.\n"


def test_a_bug_is_one_line_and_asks_for_a_report(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr("jepascope.study.run.run_study", broken)
    result = answer("run", "--model", str(tiny_model), "--out", str(tmp_path / "run"))
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "ZeroDivisionError: by zero. This is a bug" in result.stderr


def test_training_stops_goes_on_and_leaves_a_model_with_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = {"name": "nano"}
    monkeypatch.setattr(train_module, "measure_card", lambda *_: measured)  # minutes of probes; tested by hand
    monkeypatch.setattr(train_module, "write_card", lambda files, card: files.write("card.md", card["name"]))
    monkeypatch.setattr(train_module, "health", lambda *_: Health(0.0, 0.0, (), ()))
    monkeypatch.setattr("time.monotonic", iter(range(0, 10_000, 7)).__next__)  # every look at the clock is 7 seconds later
    command = ("train", "nano", "--steps", "4", "--batch", "2", "--out", str(tmp_path))
    stopped = answer(*command, "--seconds", "1")
    assert stopped.exit_code == 0, stopped.stderr
    assert "same command goes on" in stopped.stdout
    finished = answer(*command)
    assert finished.exit_code == 0, finished.stderr
    assert [json.loads(line)["step"] for line in (tmp_path / "curves.jsonl").read_text().splitlines()] == [0, 1, 4]
    assert (tmp_path / "card.md").read_text() == "nano"
    assert load_encoder(str(tmp_path)).card.depth == 4
