"""Stage one alone on a run folder: for its own variable and for others, on the captures that are there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from jepascope.cli.main import app
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, RunFolderError
from jepascope.report.build import build_report
from jepascope.study.folder import Run
from jepascope.study.probe import probe_folder, probed_spec, run_probe
from jepascope.study.scenes import study_clips
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import saved_spec

STAGE_ONE = ("probes", "values", "readings", "stability", "frequencies", "token_map")


@pytest.fixture
def run(tmp_path: Path, finished_run: Path) -> Path:
    shutil.copytree(finished_run, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.slow
def test_another_variable_passes_no_clip_again_but_for_the_token_map(
    run: Path, tiny_encoder: VJepa2Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = saved_spec(run)
    before = {name: (run / f"{name}.parquet").read_bytes() for name in (*STAGE_ONE, "effects", "ce")}
    summary_before = (run / "summary.json").read_bytes()
    known = set((run / "activations").iterdir())
    probed = probed_spec(spec, "size", None)
    summary = run_probe(run, spec, probed, tiny_encoder)
    folder = run / "probe-size"
    assert {path.stem for path in folder.glob("*.parquet")} == set(STAGE_ONE)
    assert summary["variable"] == "size" and summary["kind"] == "numeric" and summary["classes"] == 4
    assert json.loads((folder / "summary.json").read_text()) == summary
    # the study's own tables are as they were, and the only new capture is that of a map at another layer
    assert before == {name: (run / f"{name}.parquet").read_bytes() for name in before}
    assert (run / "summary.json").read_bytes() == summary_before
    assert not (folder / "activations").exists()
    assert len(set((run / "activations").iterdir()) - known) <= 1
    values = pd.read_parquet(folder / "values.parquet")
    assert set(values["output"]) == {"size"} and set(values["probe"]) == {"ridge"}
    # a second time nothing is computed
    monkeypatch.setattr(VJepa2Encoder, "block", None)
    assert run_probe(run, spec, probed, tiny_encoder)["probe"] == summary["probe"]
    assert "size" in build_report(run).read_text()


@pytest.mark.slow
def test_the_runs_own_variable_gives_the_tables_of_the_study(run: Path, tiny_encoder: VJepa2Encoder, finished_run: Path) -> None:
    for name in (*STAGE_ONE, "effects", "ce"):
        (run / f"{name}.parquet").unlink()
    (run / "summary.json").unlink()
    spec = saved_spec(run)
    summary = run_probe(run, spec, probed_spec(spec, None, None), tiny_encoder)
    assert all((run / f"{name}.parquet").read_bytes() == (finished_run / f"{name}.parquet").read_bytes() for name in STAGE_ONE)
    assert not (run / "ce.parquet").exists()
    whole = json.loads((finished_run / "summary.json").read_text())
    assert {key: summary[key] for key in ("best_layer", "probe", "values")} == {
        key: whole[key] for key in ("best_layer", "probe", "values")
    }


@pytest.mark.slow
def test_a_column_of_a_labels_file_gets_a_folder_whatever_its_name(run: Path, tmp_path: Path, tiny_encoder: VJepa2Encoder) -> None:
    spec = saved_spec(run)
    factors = study_clips(spec).factors
    column = "up (%) ..% x"
    table = pd.DataFrame({"scene": factors["scene"], column: ["<b>left</b>" if x < 0.5 else "right" for x in factors["x"]]})
    table.to_csv(tmp_path / "mine.csv", index=False)
    probed = probed_spec(spec, column, tmp_path / "mine.csv")
    folder = probe_folder(run, spec, probed)
    assert folder.parent == run and folder.name.startswith("probe-")
    summary = run_probe(run, spec, probed, tiny_encoder)
    assert summary["classes"] == 2 and (folder / "labels.csv").exists()
    page = build_report(run).read_text()
    assert "up (%) ..% x" in page and "<b>left" not in page


def test_what_cannot_be_probed_is_said(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="not a run folder"):
        saved_spec(tmp_path)
    (tmp_path / "spec.yaml").write_text("")
    with pytest.raises(RunFolderError, match="is empty and no longer says which study"):
        saved_spec(tmp_path)
    spec = saved_spec(run)
    with pytest.raises(BadArgument, match="no such variable"):
        probed_spec(spec, "weather", None)
    with pytest.raises(BadArgument, match=r"missing\.csv"):
        probed_spec(spec, "weather", tmp_path / "missing.csv")
    result = CliRunner().invoke(app, ["probe", str(tmp_path / "nowhere")])
    assert result.exit_code == 1 and "not a run folder" in result.stderr


@pytest.mark.slow
def test_the_command_prints_every_layer_and_where_the_tables_are(tmp_path: Path, tiny_spec: StudySpec) -> None:
    few = {"untrained_seeds": 0, "token_map": False, "stability_subsamples": 0, "permutations": 2}
    Run.open(tmp_path / "run", tiny_spec.model_copy(update=few)).close()
    result = CliRunner().invoke(app, ["probe", str(tmp_path / "run"), "--variable", "shape"])
    assert result.exit_code == 0, result.output
    assert "probe-shape" in result.stdout and "selectivity" in result.stdout and "Shape is" in result.stdout


@pytest.mark.slow
def test_the_command_gives_its_summary_as_json(run: Path) -> None:
    again = CliRunner().invoke(app, ["probe", str(run), "--variable", "shape", "--json"])
    assert json.loads(again.stdout)["variable"] == "shape"
