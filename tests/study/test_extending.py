"""The worked example of docs/extending.md runs through a study and its report; where a part of it fails, what was computed is kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from doc_blocks import texts
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument
from jepascope.report.build import build_report
from jepascope.study.plan import make_plan
from jepascope.study.run import run_study

FINDER, EDIT, CONTROL, JUDGE = "mine:by_class", "mine:halving", "mine:quietest", "mine:judge"


@pytest.mark.slow
def test_one_of_each_runs_and_a_failure_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_spec: Any, tiny_encoder: Any
) -> None:
    (code,) = texts("docs/extending.md", "python")
    (tmp_path / "mine.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    given = {"finders": ["class_pca", FINDER], "edits": ["ablate", "swap", EDIT], "judges": ["probe", JUDGE], "extra_controls": [CONTROL]}
    spec = type(tiny_spec)(**{**tiny_spec.model_dump(), **given, "best_layer": 1, "layers": [], "peels": 0, "port_clips": []})
    import mine  # type: ignore[import-not-found]

    def broken(made_from: Any) -> None:
        raise ValueError("not today")

    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(mine, "halve", broken)
        with pytest.raises(BadArgument, match=rf"The edit '{EDIT}' \(mine:halve\) cannot be used here: it raised ValueError: not today"):
            run_study(spec, folder, tiny_encoder)
    kept = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    # slopes of all edits come first, so that none was run before the one that fails
    assert {"probes.parquet", "values.parquet"} <= {path.name for path in kept}, "what came before is kept"
    run_study(spec, folder, tiny_encoder)
    assert all(path.read_bytes() == was for path, was in kept.items() if path.exists())

    theirs, ours = (Subspace.load(folder / "subspaces" / f"{name}-layer1.safetensors") for name in ("mine-by_class", "class_pca"))
    assert float((theirs.basis.T @ ours.basis).square().sum()) == pytest.approx(ours.rank, abs=1e-3)
    ce = pd.read_parquet(folder / "ce.parquet")
    assert {FINDER, "class_pca"} == set(ce["finder"]) and EDIT in set(ce["edit"]) and {JUDGE, "probe"} <= set(ce["judge"])
    assert {CONTROL, "shuffled"} <= set(ce[(ce["finder"] == FINDER) & (ce["edit"] == EDIT)]["control"])
    build_report(folder)
    page = (folder / "report.html").read_text()
    assert "half an ablation" in page.lower() and FINDER in page
    assert make_plan(spec)
