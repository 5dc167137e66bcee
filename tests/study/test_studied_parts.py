"""Studies of what a part of a block adds: on a run folder, and from Python."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import jepascope as js
from jepascope.cli import app
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument
from jepascope.report.build import build_report
from jepascope.study.intervene.command import best_layer_of, intervene_folder, intervened_spec, run_intervene
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import check_whole, make_spec, saved_spec

BLOCK = 2
ONE = {"edits": ("swap",), "judges": ("probe",), "fits": 0}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, finished_run: Path) -> Path:
    folder = tmp_path_factory.mktemp("parts") / "run"
    shutil.copytree(finished_run, folder)
    return folder


@pytest.mark.slow
def test_a_part_is_edited_beside_every_control_and_its_folder_says_so(run: Path, tiny_encoder: VJepa2Encoder) -> None:
    tables = {path: path.read_bytes() for path in run.glob("*.parquet")}
    spec = saved_spec(run)
    changed = intervened_spec(spec, best_layer_of(run), {"best_layer": BLOCK, "part": "attention", **ONE}, None)
    assert changed.digest != intervened_spec(spec, BLOCK, {**ONE}, None).digest
    summary, folder = run_intervene(run, spec, changed, tiny_encoder), intervene_folder(run, changed)
    ce = pd.read_parquet(folder / "ce.parquet")
    assert {"random", "variance", "carried", "shuffled"} <= {*ce["control"]} and set(ce["layer"]) == {BLOCK}
    assert summary["part"] == "attention" and summary["headline"].startswith("Found and edited in what attention of block 2 adds")
    (kept,) = folder.glob("subspaces/*.safetensors")
    assert Subspace.load(kept).provenance["part"] == "attention"
    effects = pd.read_parquet(folder / "effects.parquet")
    first = pd.read_parquet(folder / "first_order.parquet")
    assert len(first) and (effects["numerator"].abs() > 0).any()
    assert {path: path.read_bytes() for path in run.glob("*.parquet")} == tables  # the run's own are as they were
    assert "what attention of block 2 adds" in build_report(run).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("block", [BLOCK, 3])
def test_every_judge_reads_an_edit_of_a_part(run: Path, tiny_encoder: VJepa2Encoder, block: int) -> None:
    """Also of the last block's attention, behind which its MLP runs alone; and where das found what is edited."""
    spec, changes = saved_spec(run), {"part": "attention", "edits": ("ablate", "rotate")}
    finders = {"finders": ("diff_means", "das"), "fits": 5, "rank": 2} if block == 3 else {}
    changed = intervened_spec(spec, best_layer_of(run), {**changes, **finders, "best_layer": block}, None)
    summary, folder = run_intervene(run, spec, changed, tiny_encoder), intervene_folder(run, changed)
    ce = pd.read_parquet(folder / "ce.parquet")
    assert summary["judges"] == ["probe", "mlp", "predictor"] == [*ce["judge"].unique()]
    assert len(pd.read_parquet(folder / "forecasts.parquet")) and len(pd.read_parquet(folder / "fits.parquet"))
    effects = pd.read_parquet(folder / "effects.parquet")
    assert bool((effects.groupby(["finder", "judge", "edit"])["numerator"].apply(lambda of: of.abs().max()) > 0).all())


@pytest.mark.slow
def test_a_subspace_of_the_stream_can_be_edited_in_what_a_part_of_its_block_adds(run: Path, tiny_encoder: VJepa2Encoder) -> None:
    """With the part's mean for the stream's; a subspace of a part is of that part alone."""
    spec, best = saved_spec(run), best_layer_of(run)
    (given,) = run.glob(f"subspaces/*-layer{best}.safetensors")
    changed = intervened_spec(spec, best, {"part": "mlp", **ONE, "edits": ("ablate",)}, given)
    run_intervene(run, spec, changed, tiny_encoder, given)
    stored, own = Subspace.load(intervene_folder(run, changed) / "subspaces" / "given.safetensors"), Subspace.load(given)
    assert (stored.basis == own.basis).all() and not (stored.mean == own.mean).all()


@pytest.fixture(scope="module")
def activations(tiny_encoder: VJepa2Encoder) -> Any:
    return js.capture(tiny_encoder, js.clips.directions8(seed=0, per_class=10), parts=True)


@pytest.mark.slow
def test_parts_are_studied_from_python(tiny_encoder: VJepa2Encoder, activations: Any) -> None:
    found = {part: js.find(activations, "direction", layer=1, part=part) for part in ("residual", "attention", "mlp")}
    assert not (found["attention"].basis == found["residual"].basis).all()
    found["last"] = js.find(activations, "direction", layer=3, part="attention")
    found["trained"] = js.find(activations, "direction", layer=3, part="attention", finder="das", encoder=tiny_encoder, rank=2)
    for name in ("attention", "last", "trained"):
        effects = js.intervene(tiny_encoder, activations, found[name], edit="swap", draws=2)
        assert {"subspace", "random", "shuffled"} <= {*effects.frame["control"]}
    with pytest.raises(BadArgument, match=r"two sites, attention of block 1, all tokens and layer 1, all tokens"):
        js.port(tiny_encoder, activations, found["attention"], found["residual"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"part": "head"}, "there is no such part of a block; known are residual, attention, mlp"),
        ({"part": "mlp", "best_layer": 0}, "there is no mlp of block 0"),
    ],
)
def test_what_no_part_has_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        make_spec(values, "here")


def test_a_whole_study_is_of_the_residual_stream() -> None:
    with pytest.raises(BadArgument, match=r"part: a whole study has residual, not mlp.*jepascope intervene"):
        check_whole(StudySpec(part="mlp"))
    assert StudySpec(part="residual").digest == StudySpec().digest


def test_what_python_cannot_do_is_refused_before_anything_runs(tiny_encoder: VJepa2Encoder, activations: Any) -> None:
    last = {part: js.find(activations, "direction", layer=3, part=part) for part in ("residual", "mlp")}
    with pytest.raises(BadArgument, match=r"MLP of blocks 1..2 can be intervened on \(what it adds in the last block would be read off"):
        js.intervene(tiny_encoder, activations, last["mlp"])
    with pytest.raises(BadArgument, match="no layer 3 to edit"):
        js.intervene(tiny_encoder, activations, last["residual"])
    plain = js.capture(tiny_encoder, js.clips.directions8(seed=0, per_class=10))
    with pytest.raises(BadArgument, match="parts=True"):
        js.find(plain, "direction", layer=1, part="mlp")


def test_the_command_names_what_it_does_not_know(run: Path) -> None:
    refused = CliRunner().invoke(app, ["intervene", str(run), "--part", "head"], env={"COLUMNS": "80", "TERM": "dumb"})
    assert refused.exit_code == 2 and refused.stderr.startswith("Error: --part: ") and refused.stderr.count("\n") == 1
    assert json.loads((run / "summary.json").read_text())
