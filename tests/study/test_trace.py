"""``jepascope trace``: which parts write and read a run's subspace, in a folder of its own, in the report and from Python."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner, Result

import jepascope as js
from jepascope.cli import app
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument
from jepascope.findings.traced import of_first
from jepascope.intervention import controls
from jepascope.intervention.controls import variance
from jepascope.report.sections.trace import LOOKS
from jepascope.schema.components import DIRECTLY, READ_BESIDE, READS, WRITES
from jepascope.study.intervene.trace import run_command, traced_spec
from jepascope.study.plan import plan_trace
from jepascope.study.spec_file import saved_spec


def answer(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["trace", *arguments], env={"COLUMNS": "160", "TERM": "dumb"})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, finished_run: Path) -> Path:
    folder = tmp_path_factory.mktemp("traced") / "run"
    shutil.copytree(finished_run, folder)
    return folder


@pytest.fixture(scope="module")
def traced(run: Path) -> tuple[Path, Result]:
    """The folder that the command made, and what it said; the run's own tables stay as they were."""
    before = {path.name: path.read_bytes() for path in run.glob("*.parquet")}
    told = answer(str(run), "--layer", "1", "--draws", "3")
    assert told.exit_code == 0, told.stderr
    assert {path.name: path.read_bytes() for path in run.glob("*.parquet")} == before
    (folder,) = run.glob("trace-*")
    return folder, told


@pytest.mark.slow
def test_the_command_writes_its_folder_and_the_report_shows_it(run: Path, traced: tuple[Path, Result]) -> None:
    folder, told = traced
    table, summary = pd.read_parquet(folder / "components.parquet"), json.loads((folder / "summary.json").read_text())
    own = table[table["control"] == "subspace"].set_index(["role", "block", "part"])["value"]
    assert [*own[WRITES].index] == [(0, "embedding"), (1, "attention"), (1, "mlp")]
    later = [(block, part) for block in (2, 3) for part in ("attention", "mlp")]
    assert [*own[READS].index] == [(0, "residual"), *later] and [*own[DIRECTLY].index] == later
    assert {*table[table["role"] == WRITES]["control"]} == {"subspace", "within classes", "everywhere"}
    assert {*table[table["role"] == READS]["control"]} == {"subspace", "random", "variance", "carried"}
    claims = {claim["name"]: claim for claim in json.loads((folder / "claims.json").read_text())["claims"]}
    assert {*claims} == {"the part that writes most", "the part that reads most"} and all(claim["sentence"] for claim in claims.values())
    for part in ("patch embedding", "MLP of block 3", "written by", f"Tables: {folder}"):
        assert part in told.stdout
    assert summary["headline"].split()[0] in told.stdout
    page = (run / "report.html").read_text()
    assert "Where it is written and read" in page and "MLP of block 3" in page


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "kept"), [(1, True), (0, True), (1, False)])
def test_the_plan_counts_exactly_what_a_trace_runs(
    layer: int, kept: bool, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_encoder: VJepa2Encoder
) -> None:
    folder, ran, block = tmp_path / "run", Counter[str](), VJepa2Encoder.block
    shutil.copytree(finished_run, folder)

    def reached(free: Any, covariance: Any, target: float, rank: int, draws: int, rng: np.random.Generator) -> torch.Tensor:
        return controls.haar(free, rank, draws, rng)  # in so small a network the variance is out of reach, and all draws are one

    def counting(self: VJepa2Encoder, index: int, hidden: torch.Tensor) -> torch.Tensor:
        ran["blocks"] += len(hidden)
        return block(self, index, hidden)

    monkeypatch.setattr(variance, "variance_matched", reached)
    monkeypatch.setattr("jepascope.encoders.halves.parts_test", lambda _: 0.0)  # a clip or two
    for index in range(1, tiny_encoder.card.depth + 1):  # and one of each block, once, to see where its halves part
        tiny_encoder.halved(index, torch.rand(1, tiny_encoder.card.tokens, tiny_encoder.card.width))
    monkeypatch.setattr(VJepa2Encoder, "block", counting)
    spec = saved_spec(folder)
    changed = traced_spec(spec, layer, {"best_layer": layer, "draws": 3})
    if not kept:  # as where the run kept tokens at another layer
        monkeypatch.setattr("jepascope.study.captures._served", lambda needed, theirs: needed)
    run_command(folder, spec, changed, tiny_encoder)
    planned = plan_trace(spec if kept else spec.model_copy(update={"layers": (2,), "best_layer": 2}), changed)
    assert ("tokens at this layer" in planned.steps[0].name) is not kept
    # besides one clip of zeros, by which an encoder that has no parts is refused before anything runs
    assert ran["blocks"] == planned.block_passes + 1, [(step.name, step.block_passes) for step in planned.steps]


@pytest.mark.slow
def test_a_trace_is_planned_from_the_command(run: Path) -> None:
    told = answer(str(run), "--layer", "1", "--draws", "3", "--dry-run")
    assert told.exit_code == 0 and "by every path" in told.stdout and "swaps down each path" in told.stdout, told.output


@pytest.mark.slow
def test_a_network_that_reads_nothing_has_no_shares_and_is_told_so(traced: tuple[Path, Result]) -> None:
    """The run's is random: its classes are not shown to differ, and a share of nothing is none."""
    folder, _ = traced
    table = pd.read_parquet(folder / "components.parquet")
    assert table["value"].isna().all()
    claims = json.loads((folder / "claims.json").read_text())["claims"]
    assert {claim["verdict"] for claim in claims} == {"undecided"}
    assert "not shown to differ there at all" in claims[0]["sentence"] and "nothing is read that could move" in claims[1]["sentence"]


@pytest.mark.slow
def test_a_subspace_is_traced_from_python() -> None:
    """Shares sum to 1, of the class and of what varies within it, and nothing runs behind the last MLP."""
    nano = js.load_encoder("nano")
    activations = js.capture(nano, js.clips.directions8(seed=0, per_class=12), parts=True)
    table = js.trace(nano, activations, js.find(activations, "direction", layer=2), draws=2)
    writes = table[table["role"] == WRITES].groupby("control")["value"].sum()
    assert len(writes) == 3 and all(total == pytest.approx(1, abs=1e-5) for total in writes)
    by = table[table["control"] == "subspace"].set_index(["role", "block", "part"])["value"]
    assert by[READS, 4, "mlp"] == pytest.approx(by[DIRECTLY, 4, "mlp"], abs=1e-4) != 0
    beside = {null for row in of_first(table, READS) for null in row["beside"]}
    assert beside == {*READ_BESIDE} < {*LOOKS[READS]}, "every control has a look of its own in the figure"
    assert by[READS, 0, "residual"] > 0.1  # a pooled read-out sees it without a block


def test_only_the_residual_stream_is_traced(tiny_encoder: VJepa2Encoder) -> None:
    activations = js.capture(tiny_encoder, js.clips.directions8(seed=0, per_class=10), parts=True)
    with pytest.raises(BadArgument, match="of the residual stream is traced, and this one is of MLP of block 2, all tokens"):
        js.trace(tiny_encoder, activations, js.find(activations, "direction", layer=2, part="mlp"))


@pytest.mark.parametrize(("arguments", "said"), [(("--layer", "9"), "no layer 9 to edit"), (("--finders", "nobody"), "--finders: ")])
def test_what_cannot_be_traced_is_one_line(run: Path, arguments: tuple[str, str], said: str) -> None:
    refused = answer(str(run), *arguments)
    assert refused.exit_code == 2 and refused.stderr.count("\n") == 1 and said in refused.stderr, refused.stderr
