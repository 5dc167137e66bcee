"""A study of several finders at once, each at the rank that it allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jepascope.discovery.subspace import Subspace
from jepascope.study.run import run_study


@pytest.mark.slow
def test_finders_run_through_a_study_at_the_lesser_of_its_rank_and_classes_less_one(
    tmp_path: Path, tiny_spec: Any, tiny_encoder: Any
) -> None:
    spec = tiny_spec.model_copy(
        update={"finders": ("diff_means", "das", "ridge_circle", "leace", "inlp_pattern"), "best_layer": 2, "layers": (2,), "rank": 7}
    )
    run_study(spec, tmp_path / "run", tiny_encoder)
    found = {path.name.split("-layer")[0]: Subspace.load(path) for path in (tmp_path / "run" / "subspaces").iterdir()}
    assert {name: subspace.rank for name, subspace in found.items()} == {
        "diff_means": 7,
        "das": 7,
        "ridge_circle": 2,
        "leace": 7,
        "inlp_pattern": 7,
    }
