"""A plan counts what a study runs, without loading what runs it."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from jepascope.clips.degrade import DEGRADATIONS
from jepascope.clips.drawn import SPLIT_SHARES
from jepascope.clips.presets import directions8
from jepascope.discovery.finders import rotation
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadCheckpoint
from jepascope.intervention import controls
from jepascope.intervention.controls import variance
from jepascope.intervention.edit_entry import EDITS
from jepascope.portability import degeneracy as degeneracy_module
from jepascope.portability import exchange
from jepascope.portability.degeneracy import Part
from jepascope.portability.peeling import Peeling
from jepascope.stats import OUTSIDE_DRAWS, Interval
from jepascope.study import sizes
from jepascope.study.captures import Captures
from jepascope.study.folder import Run
from jepascope.study.geometry import geometry
from jepascope.study.intervene.contexts import context_at
from jepascope.study.intervene.judges import last_layer_probe
from jepascope.study.machine import Machine
from jepascope.study.plan import make_plan, matrix_rate
from jepascope.study.port import degeneracy
from jepascope.study.progress import Silent
from jepascope.study.run import run_study
from jepascope.study.runner import Runner
from jepascope.study.sizes import Counts, Passes
from jepascope.study.spec import StudySpec
from jepascope.study.steps import discover
from jepascope.study.steps.discover import rotation_clips
from jepascope.study.steps.port import EXCHANGE_CONTROLS, pair_exchanges

JUDGE = 24  # clips of split judge in the tiny study


def counted(monkeypatch: pytest.MonkeyPatch, spec: StudySpec, encoder: VJepa2Encoder, out: Path) -> Counter[str]:
    """Clips x blocks that a real run puts through the encoder, by step."""
    passes: Counter[str] = Counter()
    now = [""]
    block, timed = VJepa2Encoder.block, Runner.timed

    def counting(self: VJepa2Encoder, index: int, hidden: torch.Tensor) -> torch.Tensor:
        passes[now[0]] += len(hidden)
        return block(self, index, hidden)

    def named(self: Runner, name: str, work: Any) -> Any:
        now[0] = name
        return timed(self, name, work)

    monkeypatch.setattr(VJepa2Encoder, "block", counting)
    monkeypatch.setattr(Runner, "timed", named)
    run_study(spec, out, encoder)
    return passes


STAGES = {
    "capture": ["capture clips and twins"],
    "probes and leaks": ["untrained twins", "leak check"],
    "token map": ["tokens of fit"],
    "intervene": ["edits at", "a few draws at the other", "slopes", "real futures", "the same edits", "twins edited"],
    "fits": ["subspaces and read-outs made anew", "the same, by the predictor"],
    "ranks": ["CE over the rank"],
    "isolation": ["other factors"],
    "doses": ["dose curves"],
    "calibration": ["steering"],
    "refits": ["read-outs refitted"],
    "port": ["fit clips of another seed", "subspaces of other scenes", "clips and twins of circle", "subspaces carried to"],
    "degeneracy": ["finders exchanged"],
}
"""Which lines of the plan run in which step of the study."""

ONE = ("untrained twins",)  # and no other line whose name begins so


def planned(spec: StudySpec) -> dict[str, int]:
    steps = make_plan(spec).steps

    def of(step: Passes, names: list[str]) -> bool:
        return any(step.name == name or (name not in ONE and name in step.name) for name in names)

    counts = {stage: sum(step.block_passes for step in steps if of(step, names)) for stage, names in STAGES.items()}
    counts["intervene"] -= way_back(spec)
    if "predictor" in spec.judges:  # the first to need the tokens of judge clips captures them
        captured = JUDGE * geometry(spec).depth
        counts["intervene"] += captured
        counts["refits"] -= captured
    return counts


def way_back(spec: StudySpec) -> int:
    """What slopes cost besides their blocks forward: once for each kind of outcome at all layers, and once for each mean edit."""
    everywhere, about = (step.block_passes for step in make_plan(spec).steps if "slopes" in step.name)
    kinds = len({EDITS.entry(name).outcome for name in spec.edits})
    return everywhere * 2 * kinds // (1 + 2 * kinds) + about * 2 // 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"finders": ("diff_means", "class_pca"), "rank": 7},
        {"finders": ("diff_means", "inlp"), "tokens": "object", "token_map": False},
        {"finders": ("diff_means",), "layers": "all", "edits": ("ablate", "rotate"), "judges": ("probe",)},
        {"finders": ("diff_means",), "extra_controls": ("top_pca", "nuisance", "untrained"), "context": 1},
    ],
)
def test_the_plan_counts_exactly_what_runs(
    changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder
) -> None:
    seeds = count(1000)  # away from the seeds of the other controls

    def reached(free: Any, covariance: Any, target: float, rank: int, draws: int, rng: object) -> torch.Tensor:
        # in so small a random encoder the variance asked for is out of reach, and all draws are the one nearest subspace
        return controls.haar(free, rank, draws, np.random.default_rng(next(seeds)))

    def left_out(*_: object) -> Peeling:
        return Peeling((), None, None, None, None, "not run")  # where it ends depends on what it finds: counted by itself below

    monkeypatch.setattr(variance, "variance_matched", reached)
    monkeypatch.setattr(degeneracy, "peeled", left_out)
    spec = tiny_spec.model_copy(update={**changes, "best_layer": 1, "untrained_seeds": 1})
    passes = counted(monkeypatch, spec, tiny_encoder, tmp_path / "run")
    ran = {
        "capture": passes["capture"],
        "probes and leaks": passes["probes"] + passes["leaks"],
        "token map": passes["token map"],
        **{
            stage: passes[stage]
            for stage in ("intervene", "fits", "ranks", "isolation", "doses", "calibration", "refits", "port", "degeneracy")
        },
    }
    assert ran == planned(spec)
    plan = make_plan(spec)
    apart = sum(step.block_passes for step in plan.steps if "peel" in step.name) + way_back(spec)
    assert sum(passes.values()) == plan.block_passes - apart


def test_what_the_plan_copies_is_what_the_study_uses() -> None:
    assert (SPLIT_SHARES["fit"], SPLIT_SHARES["judge"]) == sizes.SPLIT_SHARES
    assert len(DEGRADATIONS) == discover.DEGRADED_SETS
    assert len(exchange.FLOORS) == EXCHANGE_CONTROLS


@pytest.mark.parametrize("per_class", [10, 11, 13, 17, 18, 50])
def test_splits_are_planned_as_they_are_made(per_class: int, tiny_spec: StudySpec) -> None:
    spec = tiny_spec.model_copy(update={"clips_per_class": per_class, "test_scenes": 10_000})
    counts = directions8(0, per_class).factors["split"].value_counts()
    captured = make_plan(spec).steps[0].forwards
    assert captured == counts["fit"] + counts["judge"] + 2 * counts["test"]  # every test clip and its twin


def test_planning_imports_neither_torch_nor_pandas() -> None:
    code = (
        "import sys; from jepascope.cli import app\n"
        "try: app(['plan', '--json'])\n"
        "except SystemExit as end: assert not end.code\n"
        "sys.exit([name for name in ('torch', 'pandas', 'transformers', 'sklearn', 'matplotlib') if name in sys.modules] or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["block_passes"] == make_plan(StudySpec()).block_passes


def test_a_hub_model_is_planned_without_its_weights() -> None:
    spec = StudySpec(model="facebook/vjepa2-vitl-fpc64-256", frames=16, layers=(7,), best_layer=7)
    found = make_plan(spec, Machine("cuda"))
    tokens = 8 * 16 * 16
    # scenes, twins, beginnings of both; map; judge; fit clips and twins to peel with; scenes and twins of two clip sets; of each
    # untrained twin scenes and twins
    clips = 3 * 40 + 200 + 80 + 120 + 2 * 200 + 2 * 2 * 40 + 3 * 2 * 40
    assert found.stored_bytes["tokens"] == clips * tokens * 1024 * 4
    assert "on cuda" in found.notes[0]
    half = make_plan(spec, Machine("cuda", "bfloat16"))
    assert half.stored_bytes["tokens"] == found.stored_bytes["tokens"] / 2
    assert half.disk_gb < found.disk_gb and half.seconds < found.seconds and half.memory_gb < found.memory_gb
    assert "in bfloat16" in half.notes[0]


def test_one_product_that_a_neighbour_holds_up_does_not_slow_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of three products: a second each, but for the first one's hundred."""
    clock = iter([0.0, 0.0, 100.0, 100.0, 101.0, 101.0, 102.0, 102.0])
    monkeypatch.setattr("jepascope.study.plan.time.perf_counter", lambda: next(clock))
    model = geometry(StudySpec())
    rows = 32 * model.tokens
    assert matrix_rate(model) == pytest.approx(2 * rows * model.width * 4 * model.width)


def test_only_direction_has_motion_to_take_away_and_only_factors_have_twins(tmp_path: Path) -> None:
    direction, speed = (make_plan(StudySpec(variable=name)) for name in ("direction", "speed"))
    leaks = [sum(step.forwards for step in plan.steps if step.name == "leak check") for plan in (direction, speed)]
    assert leaks[0] - leaks[1] == discover.DEGRADED_SETS * (200 + 80)
    path = tmp_path / "labels.csv"
    path.write_text("scene,kind\n" + "".join(f"{i},{'abcd'[i % 4]}\n" for i in range(400)))
    labels = make_plan(StudySpec(labels=str(path), variable="kind"))
    assert speed.steps[0].forwards - labels.steps[0].forwards == 40  # scenes that have a twin captured
    assert [step.forwards for step in labels.steps if "another seed" in step.name] == [0]
    assert labels.disk_gb < speed.disk_gb


def test_the_bytes_that_a_study_keeps_are_those_planned(tiny_spec: StudySpec, finished_run: Path) -> None:
    kept = sum(path.stat().st_size for path in (finished_run / "activations").rglob("*") if path.is_file())
    found = make_plan(tiny_spec)
    assert found.disk_gb * 1e9 == pytest.approx(kept, rel=0.01)
    assert sum(found.stored_bytes.values()) == pytest.approx(found.disk_gb * 1e9)
    assert f"{kept / 1e6:.1f} MB on disk" in found.notes[1]


def test_the_tokens_of_the_map_are_counted_on_disk() -> None:
    with_map, without = make_plan(StudySpec()), make_plan(StudySpec(token_map=False))
    nano = geometry(StudySpec())
    assert with_map.stored_bytes["tokens"] - without.stored_bytes["tokens"] == (200 + 80) * nano.tokens * nano.width * 4
    assert with_map.forwards - without.forwards == 200 + 80


def test_training_a_rotation_is_planned() -> None:
    das = importlib.import_module("jepascope.discovery.finders.das")  # the package holds the function under this name
    plain, trained = make_plan(StudySpec(finders=("diff_means",))), make_plan(StudySpec(finders=("das",)))
    (added,) = [step for step in trained.steps if step.name not in {step.name for step in plain.steps}]
    assert added.block_passes > plain.block_passes / 10
    assert trained.disk_gb > plain.disk_gb
    assert (das.SEEDS, rotation.STEPS, rotation.CLIPS, rotation.EVERY) == (
        discover.DAS_SEEDS,
        discover.DAS_STEPS,
        discover.DAS_CLIPS,
        discover.DAS_EVERY,
    )
    assert 1 / das.FOLDS == discover.DAS_HELD


def test_what_stands_beside_has_as_many_draws_as_one_can_lie_outside_of() -> None:
    """Counted without loading what computes statistics."""
    spec = StudySpec()
    assert spec.draws_beside == OUTSIDE_DRAWS < spec.draws == sizes.draws_of(spec, "swap", "carried")
    for edit, control, judge in (("steer", "carried", "probe"), ("swap", "norm", "probe"), ("swap", "carried", "predictor")):
        assert sizes.draws_of(spec, edit, control, judge) == OUTSIDE_DRAWS


def test_finders_of_different_ranks_share_no_random_draws() -> None:
    alike, apart = (
        next(step.forwards for step in make_plan(StudySpec(finders=("diff_means", other))).steps if "every control" in step.name)
        for other in ("lda", "ridge_circle")
    )
    # on every scene: random and whole for ablate and swap, whole for steer; less two shuffles each, which are for finders of a formula; and
    # PCA of another rank for all three
    assert apart - alike == 40 * (2 * (60 + 20 - 2 * 20) + 20 - 2 * 20 + 3)


def test_an_unknown_model_is_refused_with_the_nearest_and_metas_files_are_known(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match=r"no model 'nanoo'\. Did you mean nano\?"):
        make_plan(StudySpec(model="nanoo"))
    with pytest.raises(
        BadCheckpoint, match=r"'some/unknown' is not on this machine, and plan fetches nothing\. .*`hf download some/unknown "
    ):
        make_plan(StudySpec(model="some/unknown"))
    assert geometry(StudySpec(model="vitl.pt")).tokens == geometry(StudySpec(model="facebook/vjepa2-vitl-fpc64-256")).tokens
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadCheckpoint, match="is of a 'None' model"):
        make_plan(StudySpec(model=str(tmp_path)))


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(BadArgument, match="no device 'nonsense'"):
        make_plan(StudySpec(), Machine("nonsense"))


def test_bench_and_plan_agree_on_the_layers_kept(tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    run = Run.open(tmp_path, tiny_spec)
    captures = Captures.of_run(run, tiny_encoder, Silent())
    run.close()
    assert f"at {len(captures.sites)} layers" in make_plan(tiny_spec).notes[1]


def test_a_rank_that_leaves_no_control_is_refused_as_the_run_refuses_it() -> None:
    with pytest.raises(BadArgument, match="ask for at most 48"):
        make_plan(StudySpec(finders=("within_pca",), rank=49))
    make_plan(StudySpec(finders=("within_pca",), rank=48))


@pytest.mark.parametrize(("peels", "tokens"), [(1, "all"), (3, "object"), pytest.param(50, "all", marks=pytest.mark.slow)])
def test_peeling_is_planned_as_if_every_subspace_had_an_effect(
    peels: int, tokens: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder
) -> None:
    """A finder that costs nothing, so that what runs through the blocks are captures and exchanges alone."""
    spec = tiny_spec.model_copy(update={"peels": peels, "tokens": tokens, "best_layer": 1, "rank": 8})
    run = Run.open(tmp_path / "run", spec)
    captures = Captures.of_run(run, tiny_encoder, Silent())
    found: list[int] = []
    ran = [0]
    block = VJepa2Encoder.block

    def any_subspace(name: str, data: Any, rank: int, seed: int) -> Subspace:
        found.append(rank)
        free = controls.complement(data.suffix.gone) if data.suffix.gone.shape[1] else torch.eye(48, dtype=torch.float64)
        return Subspace(controls.haar(free, rank, 1, np.random.default_rng(len(found)))[0].float(), data.x.mean(dim=0))

    def counting(self: VJepa2Encoder, index: int, hidden: torch.Tensor) -> torch.Tensor:
        ran[0] += len(hidden)
        return block(self, index, hidden)

    monkeypatch.setattr(degeneracy, "find", any_subspace)
    monkeypatch.setattr(Part, "above", property(lambda _: True))
    monkeypatch.setattr(Part, "moves", property(lambda _: True))
    monkeypatch.setattr(degeneracy_module, "share", lambda *_: Interval(1.0, 1.0, 1.0, 8))  # a surplus
    context = context_at(captures, 1, [last_layer_probe(captures)])
    assert context.unedited  # read before anything is exchanged, as by the edits of a study
    monkeypatch.setattr(VJepa2Encoder, "block", counting)
    peeling = degeneracy.peeled(captures, context, "das")
    run.close()
    training, exchanged = (step for step in make_plan(spec).steps if "peel" in step.name)
    fits = geometry(spec).width // 8 - 1
    assert len(peeling.stages) == len(peeling.carriers) == min(peels, fits)
    one = rotation_clips(Counts(spec, geometry(spec), 1)) * discover.DAS_SEEDS * (3 - 1)
    captured = 2 * 40 * 3
    assert training.block_passes == captured + len(found) * one
    assert ran[0] == captured + exchanged.block_passes


def test_a_study_without_other_clip_sets_or_peeling_plans_none() -> None:
    with_all, without = make_plan(StudySpec()), make_plan(StudySpec(port_clips=(), peels=0))
    added = [step for step in with_all.steps if step.name not in {step.name for step in without.steps}]
    assert [step.name for step in added] == [
        "clips and twins of circle and complex",
        "subspaces carried to circle and complex at every dose, and at equal token norm",
        "3 pairs of finders exchanged, one without the other",
        "fit clips' twins and training to peel subspaces off, at most",
        "subspaces peeled off and exchanged, at most",
    ]
    assert with_all.forwards - without.forwards == sum(step.forwards for step in added)
    assert with_all.disk_gb > without.disk_gb and with_all.seconds > without.seconds


def test_of_finders_that_are_one_by_a_theorem_only_what_they_do_together_is_exchanged() -> None:
    sizes, at_full = (Counts(spec, geometry(spec), 1) for spec in (StudySpec(), StudySpec(rank=7)))
    # and once more with the norms held, after a pass that says by what
    assert pair_exchanges(at_full, "diff_means", "class_pca") == 2 + (1 + 40) + (1 + 1)
    # beside the two, each outside the other
    apart = 2 + 3 * (1 + 40) + 2 + 2 + (3 + 2 + 1)
    assert pair_exchanges(at_full, "diff_means", "lda") == pair_exchanges(sizes, "diff_means", "lda") == apart
    # a rank that is found may be too low for the theorem
    assert pair_exchanges(sizes, "diff_means", "class_pca") == apart
    wide = StudySpec(finders=("within_pca", "das"), rank=40)  # 80 of 96 directions leave room for no control of rank 40
    assert pair_exchanges(Counts(wide, geometry(wide), 1), "within_pca", "das") == 2 + 3 + 2 + 2 + (3 + 2 + 1)
