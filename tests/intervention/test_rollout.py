"""The rollout as judge, on a world model whose answer is known: what it carries, what it reads and does not use, what it loses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch

import jepascope as js
from jepascope.activations.site import Site
from jepascope.clips.array_file import read_arrays
from jepascope.encoders.selftest import self_test
from jepascope.errors import BadArgument, BadCheckpoint, BadData
from jepascope.findings.claim import Claim
from jepascope.findings.facts import Facts
from jepascope.findings.numbers import Cell
from jepascope.findings.rollouts import KEPT, STEPPED, fidelity_at, rolled
from jepascope.intervention import controls
from jepascope.intervention.conditions import Condition, Owner
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import variance
from jepascope.intervention.judge_entry import check_judge, reason_against
from jepascope.intervention.refits import FIT, JUDGE, LEFT_OUT
from jepascope.intervention.rollout import Driven, RolloutJudge, World, judge_name, rolled_out
from jepascope.intervention.run import run_edit
from jepascope.report.blocks import Grid
from jepascope.report.folder import RunFolder
from jepascope.report.sections.rollouts import rollouts_section
from jepascope.schema import TABLES
from jepascope.study.captures import Captures
from jepascope.study.geometry import Geometry
from jepascope.study.given import given_in
from jepascope.study.intervene.anew import found_anew
from jepascope.study.intervene.contexts import context_at
from jepascope.study.intervene.fits import Refits
from jepascope.study.intervene.judges import StudyJudges
from jepascope.study.intervene.rolled import Rolled
from jepascope.study.intervene.rollouts import run_rollouts
from jepascope.study.intervene.scenes import beginnings
from jepascope.study.own_study import fields_of
from jepascope.study.plan import flops_of
from jepascope.study.sizes import Counts
from jepascope.study.spec import StudySpec
from jepascope.study.steps.whole import STEPS
from tiny import captures_in
from toy_world import FRAMES, WIDTH, Blurred, Foreseeing, ToyWorld, forgetful, toy_clips

SMALL = {
    "finders": ("diff_means",),
    "judges": ("probe", "rollout"),
    "edits": ("swap",),
    "context": 1,
    "best_layer": 0,
    "rank": 1,
    "draws": 20,
    "test_scenes": 20,
    "resamples": 100,
    "folds": 2,
    "untrained_seeds": 0,
    "fits": 6,
}


class Straight:
    """A read-out of two classes that nobody trained."""

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x.sum(dim=-1), x[..., 0]], dim=-1)


class Studied(NamedTuple):
    captures: Captures
    context: InterventionContext
    facts: Facts
    claims: dict[str, Claim]


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Studied]:
    """A variable's subspace, swapped beside every control, as the rollout judges it."""

    @cache
    def study(variable: str, encoder: type[ToyWorld] = ToyWorld) -> Studied:
        spec = StudySpec(**SMALL, **fields_of(toy_clips(variable), {}), variable=variable)
        captures = captures_in(tmp_path_factory.mktemp(variable) / "run", spec, encoder())
        context = context_at(captures, 0, [])  # the rollout brings its own judges
        subspaces = {"diff_means": js.discovery.finders.find("diff_means", given_in(captures, 0, finder="diff_means"), 1, 0)}
        ways = Rolled.of(captures, StudyJudges(captures, 0), context)
        assert ways is not None
        fits = pd.DataFrame(columns=TABLES["fits"].written)
        if (variable, encoder) == ("carried", ToyWorld):
            fits = Refits(captures, context, subspaces, found_anew(captures, 0)[1]).by_rollout(ways).assign(how=LEFT_OUT)
        rollouts, fidelity = run_rollouts(captures, ways, context, subspaces, fits)
        summary = {"variable": variable, "tokens": "all", "best_layer": 0, "swap_donor": "twin", "ce": {"diff_means": {}}}
        facts = Facts(summary, {"rollouts": rollouts, "fidelity": fidelity, "fits": fits, "ce": rollouts[rollouts["step"] == 1]})
        return Studied(captures, context, facts, {question.name: question.claim(facts) for question in (STEPPED, KEPT)})

    return study


def effect(found: Studied, reading: str, step: int):
    row = fidelity_at(found.facts, step)
    assert row is not None
    edited = rolled(found.facts, reading, row, "diff_means", "swap")
    assert edited is not None
    return edited


# what the judge tells apart


@pytest.mark.slow
def test_what_is_carried_moves_the_rollout_to_the_last_step_and_matched_directions_do_not(studied) -> None:
    found = studied("carried")
    for reading in ("rollout", "future", "code"):
        for step in range(1, FRAMES):
            one = effect(found, reading, step)
            assert (
                one.effect.works
                and one.effect.low > 0.7
                and all(against.standing.startswith(("outside", "above it")) for against in one.beside)
            )
            for control in ("random", "norm", "shuffled_within", "top_pca"):
                assert abs(one.controls[control]["value"]) < 0.2, (reading, step, control)
    assert [found.claims[question.name].verdict for question in (STEPPED, KEPT)] == ["shown", "shown"]
    assert "over 2 steps of its rollout" in found.claims[KEPT.name].sentence.lower()


def test_intervals_hold_what_other_clips_would_have_found_and_read(studied) -> None:
    """Every group of clips left out in turn, of what the subspace is found in and of what the probes of rollouts are trained on."""
    found = studied("carried")
    fits, rows = found.facts.table("fits"), found.facts.table("rollouts")
    assert fits is not None and rows is not None
    count = fits.groupby(["judge", "control", "part"])["value"].agg(["size", "nunique"])
    for reading in ("rollout", "future", "code"):
        for step in range(1, FRAMES):
            name = judge_name(reading, step)
            assert count.loc[(name, "subspace", FIT), "nunique"] == SMALL["fits"] == count.loc[(name, "top_pca", FIT), "size"]
            assert count.loc[(name, "subspace", JUDGE), "nunique"] == SMALL["fits"]
            one = effect(found, reading, step)
            assert one.effect.of_encoder and one.effect.low < one.row["one_low"] <= one.row["one_high"] < one.effect.high
    own = rows[rows["control"] == "subspace"].set_index(["reading", "step"])
    for (reading, step), row in own.iterrows():
        values = fits[(fits["judge"] == judge_name(str(reading), step)) & (fits["control"] == "subspace")]["value"]
        assert values.mean() == pytest.approx(row["value"], abs=0.05), "the same clips, but for a sixth of them"
    assert "95 % intervals over fits, read-outs and scenes" in found.claims[KEPT.name].sentence


def test_what_is_read_and_not_used_moves_nothing_though_rollouts_are_read_rightly(studied) -> None:
    found = studied("unused")
    last = fidelity_at(found.facts, 0)
    assert last is not None and last["rolled"] == last["real"] == 1 and last["natural"] == pytest.approx(1, abs=1e-4)
    for step in range(1, FRAMES):
        for reading in ("rollout", "future", "code"):
            assert abs(effect(found, reading, step).effect.value) < 0.05
    assert all(claim.verdict in ("not shown", "refuted") for claim in found.claims.values())


@pytest.mark.slow
def test_what_the_rollout_loses_is_said_to_be_lost_and_no_effect_is_stated(studied) -> None:
    found = studied("lost")
    last = fidelity_at(found.facts, 0)
    assert last is not None and last["real"] == last["present"] == 1 and last["rolled_low"] < 0.5
    for claim in found.claims.values():
        assert claim.verdict == "not shown" and "%" in claim.sentence and not any(number.what.startswith("CE") for number in claim.numbers)
    assert "not shown to carry lost" in found.claims[KEPT.name].sentence and "of real latents" in found.claims[KEPT.name].sentence


@pytest.mark.slow
def test_of_a_rollout_that_does_not_follow_reality_nothing_is_claimed_but_that_it_uses_the_state(studied) -> None:
    found = studied("carried", Blurred)
    claim = found.claims[KEPT.name]
    assert claim.verdict == "undecided" and claim.sentence.startswith("The rollout does not follow reality: 2 steps on")
    assert not any(number.what.startswith("CE") for number in claim.numbers)
    error = next(number for number in claim.numbers if number.what.startswith("rollout error"))
    assert error.low > 1 and error.n == len(found.captures.test)
    assert found.claims[STEPPED.name].verdict == "shown" and effect(found, "code", 1).effect.low > 0.7


def test_the_page_says_whether_rollouts_follow_and_shows_every_step_beside_its_controls(studied) -> None:
    facts = studied("carried").facts
    section = rollouts_section(RunFolder(facts.summary, facts.tables, Path(), {}, ""))
    assert section.ran and "The rollout follows reality: 2 steps on" in str(section.blocks[0])
    assert len(section.drawings) == 1 and "random directions" in section.drawings[0].alt
    rows = [
        cell.text for block in section.blocks if isinstance(block, Grid) for row in block.rows for cell in row if isinstance(cell, Cell)
    ]
    assert sum("outside its draws" in text for text in rows) > 3 * 2 * 5  # readings, steps, most of the controls


def test_where_the_twins_own_rollout_moves_nothing_no_effect_is_stated(studied) -> None:
    facts = studied("carried").facts
    ends = {name: np.nan for name in ("value", "low", "high")}
    still = Facts(facts.summary, {**facts.tables, "rollouts": facts.tables["rollouts"].assign(**ends)})
    for question in (STEPPED, KEPT):
        claim = question.claim(still)
        assert claim.verdict == "undecided" and "no effect of an edit can be stated" in claim.sentence


# what 1 is


def test_swapping_everything_is_the_twins_own_rollout_and_without_an_edit_nothing_moves(studied) -> None:
    captures, context, *_ = studied("carried")
    world = World(captures.encoder, captures.encoder.at(1, 8))
    driven, begun = Driven.of(world.encoder, captures.test), beginnings(captures, context.scenes, world.early)
    whole = [
        Condition(torch.eye(WIDTH), torch.eye(WIDTH), torch.zeros(WIDTH), False, False, dose, [Owner("whole", "subspace", 0, None)])
        for dose in (0.0, 1.0)
    ]
    for step in (1, FRAMES - 1):
        judge = RolloutJudge(driven, world.steps, step, Straight())
        (read,) = run_edit(world.early, Site(0), begun, whole, [judge], "swap").reads
        torch.testing.assert_close(read.logits[0], read.clean, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(read.logits[1], read.twin, atol=1e-4, rtol=1e-4)
        assert float((read.twin - read.clean).abs().mean()) > 0.05
        again = rolled_out(world.early, captures.test.tokens(0)[:, :1], driven)[:, step - 1, 0]
        torch.testing.assert_close(read.clean, judge.probe.logits(again).double(), atol=1e-4, rtol=1e-4)


# what is refused


def test_an_encoder_is_believed_where_later_actions_change_nothing_before_them() -> None:
    self_test(ToyWorld())
    with pytest.raises(BadCheckpoint, match="a later action changes what its rollout has before"):
        self_test(Foreseeing())
    with pytest.raises(BadArgument, match="'nano' cannot be rolled out"):
        js.load_encoder("nano").rollout(torch.zeros(1, 1, 96), torch.zeros(1, 1, 1))


def test_who_cannot_be_judged_so_is_told_why(studied, tmp_path: Path) -> None:
    spec = studied("carried").captures.spec
    card = ToyWorld().card
    assert reason_against("rollout", card, spec) == ""
    assert "no predictor that is given actions" in reason_against("rollout", js.load_encoder("nano").card, spec)
    without = StudySpec(**SMALL, **fields_of(forgetful(toy_clips("carried")), {}), variable="carried")
    assert "carry no actions" in reason_against("rollout", card, without)
    with pytest.raises(BadArgument, match="1 actions of 1 numbers a clip; the clips carry 2 of 1 numbers"):
        check_judge("rollout", spec, ToyWorld(frames=2))
    assert "rollout" not in StudySpec().judges  # of most models it would be a line that says why not


def test_actions_stay_with_their_clips_through_files_selections_and_twins(tmp_path: Path) -> None:
    clips = toy_clips("carried", count=40)
    assert clips.recorded is not None
    path = Path(fields_of(clips, {})["clips"])
    assert set(read_arrays(path).recorded) == {"actions"} and list(read_arrays(path).labels.columns) == ["carried"]
    again = js.clips.from_file(path)
    assert again.recorded is not None and np.array_equal(again.recorded.actions, clips.recorded.actions)
    rows = clips.select([7, 3]).factors["clip"].to_numpy()
    assert torch.equal(clips.recorded.of(rows)[0], clips.recorded.of(rows + 40)[0])  # twins stand behind their clips
    other = js.clips.from_arrays(np.zeros((40, 5, 8, 8, 3)), {"kind": ["a", "b"] * 20}, actions=np.ones((40, 4, 1)))
    less = js.clips.from_arrays(np.zeros((40, 5, 8, 8, 3)), {"kind": ["a", "b"] * 20}, actions=np.zeros((40, 4, 1)))
    assert fields_of(other, {}) != fields_of(less, {})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"actions": np.zeros((20, 5, 1))}, r"actions: 20 clips of 5 frames have an array \(20, 4, numbers\) of them, not \(20, 5, 1\)"),
        ({"actions": np.zeros((20, 4, 1)), "states": np.zeros((20, 4, 7))}, r"states: 20 clips of 5 frames"),
        ({"actions": np.full((20, 4, 1), np.nan)}, "NaN"),
    ],
)
def test_what_was_recorded_fits_the_clips(given: dict[str, np.ndarray], said: str) -> None:
    with pytest.raises(BadData, match=said):
        js.clips.from_arrays(np.zeros((20, 5, 8, 8, 3)), {"kind": ["a", "b"] * 10}, **given)


@pytest.mark.slow
def test_the_plan_counts_the_steps_and_the_passes_of_rollouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def reached(free: Any, covariance: Any, target: float, rank: int, draws: int, rng: np.random.Generator) -> torch.Tensor:
        return controls.haar(free, rank, draws, rng)  # in so small a network the variance is out of reach, and all draws are one

    monkeypatch.setattr(variance, "variance_matched", reached)
    few = {**SMALL, "draws": 2, "fits": 5, "chapters": ()}
    spec = StudySpec(**few, **fields_of(toy_clips("carried", count=60), {}), variable="carried")
    captures = captures_in(tmp_path / "run", spec, ToyWorld())
    context = context_at(captures, 0, [])
    subspaces = {"diff_means": js.discovery.finders.find("diff_means", given_in(captures, 0, finder="diff_means"), 1, 0)}
    _ = (captures.judge, captures.test, captures.twins)
    ran, block, rollout = Counter[str](), ToyWorld.block, ToyWorld.rollout

    def counted_block(self: ToyWorld, index: int, hidden: torch.Tensor) -> torch.Tensor:
        ran["blocks"] += len(hidden)
        return block(self, index, hidden)

    def counted_rollout(self: ToyWorld, context: torch.Tensor, actions: torch.Tensor, states: torch.Tensor | None = None) -> torch.Tensor:
        ran["steps"] += len(context) * (1 + actions.shape[1] - context.shape[1])
        return rollout(self, context, actions, states)

    monkeypatch.setattr(ToyWorld, "block", counted_block)
    monkeypatch.setattr(ToyWorld, "rollout", counted_rollout)
    ways = Rolled.of(captures, StudyJudges(captures, 0), context)
    assert ways is not None
    fits = Refits(captures, context, subspaces, found_anew(captures, 0)[1]).by_rollout(ways).assign(how=LEFT_OUT)
    run_rollouts(captures, ways, context, subspaces, fits)
    card = ToyWorld().card
    model = Geometry(card.name, card.width, card.depth, card.tokens, card.pixels, 1000, card.grid[0], actions=card.actions)
    counts = Counts(spec, model, 0)
    planned = [passes for step in STEPS for passes in step.cost(counts) if "rollout" in passes.name]
    assert len(planned) == 2
    assert ran == {"blocks": sum(passes.block_passes for passes in planned), "steps": sum(passes.steps for passes in planned)}
    assert all(flops_of(passes, model) > flops_of(replace(passes, steps=0), model) for passes in planned)
