"""Real runs: every number that a finished folder names in two places is the same number."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jepascope.encoders.load import load_encoder
from jepascope.report.build import build_report
from jepascope.study.run import run_study
from jepascope.study.spec_file import make_spec, spec_values
from numbers_named import disagreements, everything


def test_a_tiny_run_says_the_same_everywhere(finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run", ignore=shutil.ignore_patterns("activations")))
    found = everything(run)
    assert disagreements(found) == [] and {key[0] for key in found} >= {
        "ce",
        "control",
        "ratio",
        "standing",
        "rce",
        "sas",
        "accuracy",
        "value",
    }


@pytest.mark.slow
def test_the_quick_study_says_the_same_everywhere(tmp_path: Path) -> None:
    values, _ = spec_values("quick")
    spec = make_spec({**values, "draws": 20, "port_clips": (), "peels": 0}, "quick")
    run_study(spec, tmp_path / "run", load_encoder(spec.model, frames=spec.frames, size=spec.size))
    build_report(tmp_path / "run")
    found = everything(tmp_path / "run")
    assert disagreements(found) == []
    stated = {one.place for key, named in found.items() if key[0] == "ratio" for one in named if isinstance(one.stands, str)}
    assert stated >= {"headline", "card", "verdict", "page effects", "page other judges", "compare table", "terminal"}
