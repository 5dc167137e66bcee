"""Ground: the smallest finished study, its models, and copies of it for trials."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from campaign.trial import command, forked

RESULTS = ("*.parquet", "subspaces/*.safetensors", "summary.json", "claims.json")
TIMES = ("seconds",)  # what no two runs share
LIVE = ("log.jsonl", ".lock")  # files that are written in place


def prepare(folder: Path) -> Path:
    """``folder``/run: a finished study with its page and a folder of another command's inside; ``folder``/model: its encoder."""
    from jepascope.encoders.load import load_encoder
    from jepascope.report.build import build_report
    from jepascope.study.folder import Run
    from jepascope.study.run import run_study
    from jepascope.study.seal import seal
    from jepascope.study.spec import StudySpec
    from tiny import TINY, random_model

    spec = StudySpec(model=str(folder / "model"), **{**TINY, "peels": 0, "port_clips": ()})
    if not (folder / "run" / "report.html").exists():
        folder.mkdir(parents=True, exist_ok=True)
        random_model(folder / "model")
        encoder = load_encoder(spec.model)
        run_study(spec, folder / "run", encoder)
        probed = forked(command("probe", str(folder / "run"), "--variable", "colour"), limit=600)
        assert probed.code == 0, probed.words
        build_report(folder / "run")
        seal(folder / "run", spec, "float32")
        shutil.copytree(folder / "run", folder / "other")
    if not (folder / "begun").exists():  # of a run that was brought as well
        random_model(folder / "wide", hidden_size=60, num_hidden_layers=5, crop_size=24, seed=4)
        Run.open(folder / "begun", spec.model_copy(update={"clips_per_class": 13})).close()
    return folder


def trial_folder(ground: Path, at: Path) -> Path:
    """A copy of the ground's run in ``at``, beside the files of a user that no command may touch."""
    shutil.rmtree(at, ignore_errors=True)
    (at / "precious").mkdir(parents=True)
    (at / "precious" / "words").write_text("a year of work\n")
    shutil.copytree(ground / "run", at / "run", copy_function=_linked, symlinks=True)
    return at


def _linked(source: str, copy: str) -> None:
    """A hard link, which costs nothing; a copy of what is written in place."""
    if Path(source).name in LIVE:
        shutil.copy2(source, copy)
    else:
        os.link(source, copy)


def results(run: Path) -> dict[str, Any]:
    """What a study found, by file: bytes of tables and subspaces, objects of JSON without times."""
    held: dict[str, Any] = {}
    for path in sorted(path for pattern in RESULTS for path in run.glob(pattern)):
        if path.suffix == ".json":
            value = json.loads(path.read_text())
            held[path.name] = {key: each for key, each in value.items() if key not in TIMES} if isinstance(value, dict) else value
        else:
            held[str(path.relative_to(run))] = path.read_bytes()
    return held


def names(run: Path) -> set[str]:
    """Every file below a run, but for its lock."""
    return {str(path.relative_to(run)) for path in run.rglob("*") if not path.is_dir() and path.name != ".lock"}
