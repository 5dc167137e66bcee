"""Precision and compilation are options of the machine: every command that computes takes them, and a run folder keeps to one precision."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import typer.main
from typer.testing import CliRunner

from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.cli import app
from jepascope.clips.presets import directions8, twins
from jepascope.discovery.labelled import Suffix
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument
from jepascope.intervention.edits import coordinates, displacement, edit
from jepascope.intervention.scenes import Scenes
from jepascope.report.blocks import Paragraph
from jepascope.report.build import build_report
from jepascope.report.folder import RunFolder, read_run
from jepascope.report.sections.provenance import provenance as section
from jepascope.study.engine import ray_engine
from jepascope.study.folder import Run
from jepascope.study.intervene.command import intervened_spec, run_intervene
from jepascope.study.machine import Machine, open_encoder
from jepascope.study.provenance import check_encoder, provenance
from jepascope.study.run import run_study
from jepascope.study.spec import StudySpec

COMPUTING = ("run", "plan", "probe", "intervene", "trace", "port")


@pytest.fixture(scope="module")
def half(tiny_model: Path) -> VJepa2Encoder:
    found = open_encoder(Machine(dtype="bfloat16", workers=1), str(tiny_model))
    assert isinstance(found, VJepa2Encoder)
    return found


# options


@pytest.mark.parametrize("command", COMPUTING)
def test_every_command_that_computes_takes_the_options_of_the_machine(command: str) -> None:
    options = {option: one for one in typer.main.get_command(app).commands[command].params for option in one.opts}  # type: ignore[attr-defined]
    for option, variable in (("--device", "JEPASCOPE_DEVICE"), ("--dtype", "JEPASCOPE_DTYPE"), ("--compile", "JEPASCOPE_COMPILE")):
        assert options[option].envvar == variable
        assert len(options[option].help) < 60


def test_the_options_become_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[Machine] = []
    monkeypatch.delenv("JEPASCOPE_WORKERS")
    monkeypatch.setattr("jepascope.study.plan.make_plan", lambda spec, machine: got.append(machine))
    answer = CliRunner().invoke
    answer(app, ["plan"])
    answer(app, ["plan", "--device", "cuda:1", "--dtype", "bfloat16", "--compile"])
    monkeypatch.setenv("JEPASCOPE_DTYPE", "bfloat16")
    monkeypatch.setenv("JEPASCOPE_COMPILE", "1")
    answer(app, ["plan"])
    answer(app, ["plan", "--dtype", "float32", "--no-compile"])
    assert got == [Machine(), Machine("cuda:1", "bfloat16", True), Machine("cpu", "bfloat16", True), Machine()]


@pytest.mark.parametrize(
    "command",
    [("run",), ("plan",), ("probe", "somewhere"), ("intervene", "somewhere"), ("trace", "somewhere"), ("port", "a", "b")],
)
def test_a_precision_that_there_is_not_is_one_sentence(command: tuple[str, ...]) -> None:
    found = CliRunner().invoke(app, [*command, "--dtype", "float16"])
    assert found.exit_code == 2
    assert found.stderr == "Error: There is no precision 'float16'; --dtype is float32 or bfloat16.\n"


def test_nothing_is_rounded_to_tf32(tiny_model: Path) -> None:
    kinds = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [kind.allow_tf32 for kind in kinds]
    try:
        for kind in kinds:
            kind.allow_tf32 = True
        open_encoder(Machine(), str(tiny_model))
        assert [kind.allow_tf32 for kind in kinds] == [False, False]
    finally:
        for kind, value in zip(kinds, before, strict=True):
            kind.allow_tf32 = value


# what stays exact


def test_tokens_are_kept_in_the_blocks_precision_and_everything_else_is_not(half: VJepa2Encoder, tiny_encoder: VJepa2Encoder) -> None:
    clips = directions8(0, per_class=5, frames=half.card.frames, size=half.card.size)
    ours, whole = (capture(encoder, clips, sites=(1,), moments=(1,)) for encoder in (half, tiny_encoder))
    assert (ours.tokens(1).dtype, whole.tokens(1).dtype) == (torch.bfloat16, torch.float32)
    assert ours.pooled(1).dtype == torch.float32 and ours.moments(1).covariance.dtype == torch.float64
    assert torch.equal(ours.pooled(1), ours.tokens(1).float().mean(dim=1))
    for layer in range(half.card.depth + 1):
        away = (ours.pooled(layer) - whole.pooled(layer)).norm() / whole.pooled(layer).norm()
        assert 0 < float(away) < 0.02


@pytest.fixture(scope="module")
def scenes(half: VJepa2Encoder) -> Scenes:
    clips = directions8(0, per_class=5, frames=half.card.frames, size=half.card.size)
    both = [capture(half, one, sites=(1,)) for one in (clips, twins(clips))]
    label, target = (torch.tensor(one.clips.labels("direction")[0]) for one in both)
    return Scenes(*both, label, target, both[0].pooled(1)[label.argsort()])


@pytest.mark.parametrize("name", ["ablate", "swap", "steer"])
def test_what_an_edit_adds_is_taken_in_float32(name: str, scenes: Scenes) -> None:
    hidden = scenes.source.tokens(1)
    r = displacement(name, scenes, Site(1), slice(0, len(scenes)), hidden, torch.ones(48) / 3)
    assert r.dtype == torch.float32
    if name == "swap":  # in bfloat16 the difference would have lost digits
        assert torch.equal(r, scenes.twin.tokens(1).float() - hidden.float())
        assert not torch.equal(r, (scenes.twin.tokens(1) - hidden).float())
    basis = torch.linalg.qr(torch.randn(48, 3, generator=torch.Generator().manual_seed(0)))[0][None]
    inside = coordinates(r, basis)
    before, after = edit(hidden, inside, basis, torch.zeros(1))[0], edit(hidden, inside, basis, torch.ones(1))[0]
    assert torch.equal(before, hidden)
    expected = hidden.float() + (r @ basis[0]) @ basis[0].T
    assert after.dtype == torch.bfloat16
    torch.testing.assert_close(after.float(), expected.expand(after.shape), rtol=2**-8, atol=1e-6)  # the one rounding that there is


def test_rotations_are_trained_on_float32_tokens(half: VJepa2Encoder, scenes: Scenes) -> None:
    tokens = Suffix(half, Site(1), scenes.source, scenes.twin, scenes.target).exchanged(torch.arange(3))
    assert [one.dtype for one in tokens] == [torch.float32] * 2


# run folders


def test_provenance_says_what_computed_and_how(half: VJepa2Encoder, tiny_spec: StudySpec) -> None:
    told = provenance(tiny_spec, half, "runs/half")
    assert (told["device"], told["dtype"], told["compiled"], told["tf32"]) == ("cpu", "bfloat16", False, False)
    assert told["torch_threads"] == torch.get_num_threads() and told["device_name"]
    assert told["deterministic_algorithms"] is torch.are_deterministic_algorithms_enabled()
    assert {"cudnn_deterministic", "cudnn_benchmark"} <= set(told)
    assert told["command"].endswith(" --dtype bfloat16")
    json.dumps(told)


def test_a_folder_is_not_gone_on_with_in_another_precision(
    finished_run: Path, tiny_spec: StudySpec, half: VJepa2Encoder, tmp_path: Path
) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(BadArgument, match=r"run' was begun in float32, and numbers of two precisions are not mixed; use --dtype float32"):
        run_study(tiny_spec, tmp_path / "run", half)
    changed = intervened_spec(tiny_spec, 1, {"edits": ("swap",)}, None)
    with pytest.raises(BadArgument, match="begun in float32"):
        run_intervene(tmp_path / "run", tiny_spec, changed, half)
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_another_machine_is_written_down_once(
    finished_run: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    run = Run.open(tmp_path / "run", tiny_spec)
    check_encoder(run, tiny_encoder)
    assert "also_computed_by" not in run.json("provenance.json")
    monkeypatch.setattr("jepascope.study.provenance.processor_name", lambda: "another processor")
    for _ in range(2):
        check_encoder(run, tiny_encoder)
    told = run.json("provenance.json")
    assert [one["device_name"] for one in told["also_computed_by"]] == ["another processor"] and told["device_name"] != "another processor"
    run.close()
    assert said(read_run(tmp_path / "run")).endswith("Parts were computed on 1 other settings (also_computed_by).")


def said(run: RunFolder) -> str:
    """The report's sentence about precision."""
    (found,) = [block.text for block in section(run).blocks if isinstance(block, Paragraph)]
    return found


def test_the_report_says_the_precision(finished_run: Path) -> None:
    run = read_run(finished_run)
    assert re.fullmatch(r"Blocks ran in float32 on [^;]+\.", said(run))
    gpu = {"device": "cuda:0", "device_name": "A GPU", "dtype": "float32", "compiled": True, "tf32": False}
    assert said(replace(run, provenance=gpu)) == "Blocks ran in float32, compiled, on A GPU, TF32 off."
    assert "TF32 on: products and convolutions" in said(replace(run, provenance={**gpu, "tf32": True}))
    assert said(replace(run, provenance={**gpu, "dtype": "bfloat16", "compiled": False})).startswith(
        "Blocks ran in bfloat16 on A GPU; sums"
    )
    assert not [block for block in section(replace(run, provenance={})).blocks if isinstance(block, Paragraph)]


@pytest.mark.slow
def test_a_study_in_bfloat16_runs_to_its_end_and_its_report_says_so(tmp_path: Path, tiny_spec: StudySpec, half: VJepa2Encoder) -> None:
    spec = tiny_spec.model_copy(update={"finders": ("diff_means", "das")})
    run_study(spec, tmp_path / "run", half)
    changed = intervened_spec(spec, 1, {"edits": ("swap",), "scope": "object"}, None)
    summary: dict[str, Any] = run_intervene(tmp_path / "run", spec, changed, half)
    assert summary["best_layer"] == 1
    effects = pd.read_parquet(tmp_path / "run" / "effects.parquet")
    assert len(effects) and effects[["numerator", "denominator"]].notna().all(axis=None)
    kept = {torch.bfloat16}
    assert {one.dtype for one in half.model.parameters()} == kept
    report = build_report(tmp_path / "run").read_text()
    assert "Blocks ran in bfloat16 on" in report and "the coordinates of edits are float32 or float64" in report


def test_the_process_that_leads_a_cluster_computes_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two its fits had other digits than those of a study without a cluster."""
    before = torch.get_num_threads()
    monkeypatch.setattr(ray_engine, "require_ray", lambda _: None)
    nothing = dict.fromkeys(("near", "map", "describe", "close"))
    monkeypatch.setattr(ray_engine, "Cluster", lambda *_: type("Engine", (), nothing)())
    try:
        torch.set_num_threads(2)
        open_encoder(Machine(engine="ray"), "nano")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
