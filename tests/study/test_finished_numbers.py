"""Real runs: every number that a finished folder names in two places is the same number."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from jepascope.encoders.load import load_encoder
from jepascope.report.build import build_report
from jepascope.study.run import run_study
from jepascope.study.spec_file import make_spec, spec_values
from numbers_named import disagreements, everything


@pytest.mark.slow
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


PLACES = {"card", "page effects", "compare table", "terminal"}
SMALL = {"clips_per_class": 20, "test_scenes": 16, "untrained_seeds": 1, "port_clips": (), "peels": 0}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "places"), [(SMALL, {*PLACES, "page other judges"}), (spec_values("quick")[0], PLACES)], ids=["small", "quick"]
)
def test_a_study_says_the_same_everywhere_and_states_its_ratios(values: dict[str, Any], places: set[str], tmp_path: Path) -> None:
    spec = make_spec(values, "here")
    run_study(spec, tmp_path / "run", load_encoder(spec.model, frames=spec.frames, size=spec.size))
    build_report(tmp_path / "run")
    found = everything(tmp_path / "run")
    assert disagreements(found) == []
    stated = {
        kind: {one.place for key, named in found.items() if key[0] == kind for one in named if isinstance(one.stands, str)}
        for kind in ("ratio", "beyond")
    }
    assert stated["ratio"] >= places and stated["beyond"] >= {"headline", "verdict"}
