"""First-order effects: they are the slope of the exact ones, their means are those of many draws, and what they do not follow is left."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.encoders.budget import BACK_COPIES, back_bytes
from jepascope.errors import BadArgument
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import AS_GIVEN, CONTROLS
from jepascope.intervention.controls import matched_controls
from jepascope.intervention.controls.many import ManyDraws, many_draws, mean_projector
from jepascope.intervention.edit_entry import USUAL
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.slopes import slopes
from jepascope.intervention.surrogate import Planned, first_order_effects

LAYER, DRAWS, SMALL, FAR = 1, 3, 0.01, 40.0
KEY = ["finder", "edit", "control", "draw", "scene"]


def context_of(study, tokens: str = "object", layer: int = LAYER, judge: ProbeJudge | None = None) -> InterventionContext:
    covariance = study.whole.moments(LAYER, tokens).covariance
    mean = study.whole.pooled(LAYER).mean(dim=0)
    return InterventionContext(study.encoder, Site(layer, tokens), study.scenes, [judge or study.judge], covariance, mean)


def planned_of(study, context: InterventionContext, doses: tuple[float, ...] = (1.0,), draws: int = DRAWS, many: int = 50) -> Planned:
    subspaces = {"one": study.subspace(1), "two": study.subspace(2)}
    shuffled = [study.subspace(50 + draw) for draw in range(draws + 4)]
    controls, unrun = {}, {}
    for name, subspace in subspaces.items():
        controls[name] = matched_controls(subspace, context.covariance, draws, 0, shuffled)
        unrun[name] = many_draws(subspace, context.covariance, many, 0, AS_GIVEN, shuffled=shuffled[draws:])
    return Planned(context, subspaces, controls, unrun, USUAL, doses)


def joined(study, planned: Planned) -> pd.DataFrame:
    exact, _ = planned.context.edit(planned.subspaces, planned.controls, planned.edits, planned.doses)
    return exact.merge(first_order_effects([planned]), on=KEY, suffixes=("", "_first"), validate="one_to_one")


@pytest.mark.parametrize("tokens", ["object", "all"])
def test_a_first_order_effect_is_the_slope_of_the_exact_one(study, tokens: str) -> None:
    """Every edit and control, rescaled and carried ones too, at a dose so small that nothing bends."""
    both = joined(study, planned_of(study, context_of(study, tokens), (SMALL,)))
    assert len(both) == 2 * len(USUAL) * (1 + len(AS_GIVEN) * DRAWS) * len(study.scenes)
    for (edit, control), rows in both.groupby(["edit", "control"]):
        scale = rows["numerator"].abs().max()
        assert (rows["numerator"] - rows["value"]).abs().max() < 0.05 * scale, (edit, control)
        assert np.corrcoef(rows["numerator"], rows["value"])[0, 1] > 0.999, (edit, control)


def test_the_mean_over_many_draws_is_that_of_their_own_effects(study) -> None:
    """The same draws, once as if they were run and once as if they were not."""
    context, subspace = context_of(study), study.subspace(1)
    shuffled, count = [study.subspace(50 + draw) for draw in range(6)], 6
    many = many_draws(subspace, context.covariance, count, 0, AS_GIVEN, shuffled=shuffled)
    stream = {name: np.random.default_rng([0, CONTROLS.entry(name).seed, 2]) for name in AS_GIVEN}
    free = torch.linalg.svd(subspace.basis.double(), full_matrices=True)[0][:, 3:].contiguous()
    draws = []
    for name in AS_GIVEN:
        entry = CONTROLS.entry(name)
        made = CONTROLS.load(name)
        drawn = made(shuffled, subspace, count) if entry.made == "found" else made(subspace, context.covariance, free, count, stream[name])
        one = matched_controls(subspace, context.covariance, 1, 0, shuffled, names=(name,))[0]
        draws += [replace(one, draw=draw, basis=basis.float()) for draw, basis in enumerate(drawn)]
    table = first_order_effects([Planned(context, {"one": subspace}, {"one": draws}, {"one": many}, ("ablate", "swap"))])
    for (_, control), rows in table[~table["control"].isin(["subspace", "carried"])].groupby(["edit", "control"]):
        means = rows.groupby("scene")[["value", "expected"]].mean()
        np.testing.assert_allclose(means["value"], means["expected"], atol=1e-4 * rows["value"].abs().max(), err_msg=control)
        assert (rows["many"] == count).all()


def test_a_step_that_is_carried_over_comes_to_nothing_on_average(study) -> None:
    planned = planned_of(study, context_of(study), draws=60)
    rows = first_order_effects([replace(planned, edits=("steer",))]).query("finder == 'one' and control == 'random'")
    assert (rows["expected"] == 0).all()
    by_draw = rows.groupby("draw")["value"].sum()
    assert abs(by_draw.mean()) < 3.5 * by_draw.std() / np.sqrt(len(by_draw))


def test_all_layers_together_are_what_each_is_alone(study) -> None:
    late = replace(context_of(study), site=Site(3, "object"))
    first, last = planned_of(study, context_of(study)), planned_of(study, late)
    together = first_order_effects([last, first])
    for layer, planned in ((LAYER, first), (3, last)):
        alone, part = first_order_effects([planned]), together[together["layer"] == layer].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, alone, rtol=1e-3, atol=1e-4)
        assert len(alone) == 2 * len(USUAL) * (1 + len(AS_GIVEN) * DRAWS) * len(study.scenes)


def test_clips_by_chunks_have_the_same_slopes(study, monkeypatch) -> None:
    context = context_of(study)
    given = (study.encoder, [LAYER], study.scenes, study.judge, USUAL, context.unedited)
    (whole,) = [part for _, part in slopes(*given)]
    hidden, blocks = context.encoder.card.hidden_bytes, context.depth - LAYER
    monkeypatch.setattr("jepascope.encoders.budget.AT_WORK", 3 * back_bytes(hidden, blocks, 2))
    parts = list(slopes(*given))
    assert len(parts) == -(-len(study.scenes) // 3)
    for key, slope in whole.items():
        torch.testing.assert_close(torch.cat([part[key] for _, part in parts]), slope, rtol=1e-4, atol=1e-6)
    monkeypatch.setattr("jepascope.encoders.budget.AT_WORK", BACK_COPIES * blocks * hidden - 1)  # one clip alone is too long
    alone = list(slopes(*given))
    monkeypatch.setattr("jepascope.activations.way_back.made_again", lambda hidden, blocks: False)
    assert len(alone) == len(study.scenes)
    for (_, again), (_, kept) in zip(alone, slopes(*given), strict=True):
        assert all(torch.equal(again[key], slope) for key, slope in kept.items())
    assert torch.equal(whole["swap", LAYER], whole["steer", LAYER]) and not torch.equal(whole["swap", LAYER], whole["ablate", LAYER])


def swapped(planned: Planned) -> pd.DataFrame:
    """Exact effects, as shares of a margin that is there: this judge of random weights may have none."""
    return planned.context.edit(planned.subspaces, planned.controls, ("swap",), planned.doses)[0].assign(denominator=10.0)


@dataclass(frozen=True)
class Saturated:
    """Logits that stand still almost everywhere: the sign of a linear function, softened a little."""

    weights: Tensor

    def logits(self, x: Tensor) -> Tensor:
        return torch.tanh(300 * (x - x.mean(dim=-1, keepdim=True)) @ self.weights)


@pytest.mark.slow
def test_a_judge_that_saturates_is_refused_by_its_own_correlation(study) -> None:
    judge = replace(study.judge, probe=Saturated(study.judge.probe.weights))
    planned = planned_of(study, context_of(study, judge=judge), (FAR,), draws=20)
    effects = swapped(planned)
    given, plain = (ce_table(effects, first_order=table) for table in (first_order_effects([replace(planned, edits=("swap",))]), None))
    rows = given[given["control"] != "subspace"]
    few = rows["correlation"] < 0.5  # of 20 draws, so that one in a hundred lies above by chance
    assert few.mean() > 0.8 and (rows["worth"][few] == 20).all()
    kept = [part.drop(index=rows.index[~few], columns="correlation") for part in (given, plain)]
    pd.testing.assert_frame_equal(*kept)


@pytest.mark.slow
def test_where_the_surrogate_follows_means_move_and_places_do_not(study) -> None:
    planned = planned_of(study, context_of(study), draws=20, many=400)
    effects = swapped(planned)
    first = first_order_effects([replace(planned, edits=("swap",))])
    given, plain = (ce_table(effects, first_order=table).query("control == 'random'") for table in (first, None))
    assert (given["correlation"] > 0.9).all() and (given["worth"] > 60).all()
    assert (given["value"] != plain["value"]).all()
    pd.testing.assert_frame_equal(given[["p", "percentile", "p_holm"]], plain[["p", "percentile", "p_holm"]])


class OnNumbers:
    """A read-out that leaves torch."""

    def logits(self, x: Tensor) -> Tensor:
        return torch.from_numpy(x.detach().numpy() @ np.ones((48, 8), np.float32))


def test_a_judge_that_torch_cannot_differentiate_is_refused(study) -> None:
    context = context_of(study, judge=ProbeJudge(OnNumbers(), "object", "mine"))
    with pytest.raises(BadArgument, match="'mine' is no function that torch can differentiate"):
        first_order_effects([planned_of(study, context)])


def test_layers_behind_the_judge_are_refused(study) -> None:
    judge = replace(study.judge, layer=2)
    with pytest.raises(BadArgument, match="reads layer 2"):
        list(slopes(study.encoder, [3], study.scenes, judge, USUAL, context_of(study).unedited))


@dataclass(frozen=True)
class Bent:
    """Logits that are squares of a linear function about the mean clip."""

    weights: Tensor
    mean: Tensor

    def logits(self, x: Tensor) -> Tensor:
        return ((x - self.mean) @ self.weights).square()


def tilted(count: int, rng: np.random.Generator, width: int = 48, rank: int = 3) -> Tensor:
    """Bases that lie close to one subspace."""
    first = np.eye(width)[:, :rank]
    return torch.linalg.qr(torch.from_numpy(first + 0.03 * rng.standard_normal((count, width, rank))))[0].float()


def test_slopes_about_the_mean_edit_follow_what_bends_and_keep_means_unbiased(study) -> None:
    """A parabola, and draws that all lead far up one side of it: a plane through their mean edit lies closer to them."""
    judge = replace(study.judge, probe=Bent(study.judge.probe.weights, study.whole.pooled(3).mean(dim=0)))
    context, rng = context_of(study, judge=judge), np.random.default_rng(0)
    plain = planned_of(study, context, (FAR,), draws=16)
    (draws, *_), subspaces = plain.controls.values(), {"one": plain.subspaces["one"]}
    bases, more = tilted(16, rng), tilted(400, rng)
    drawn = [replace(draw, basis=bases[draw.draw]) for draw in draws if draw.name == "random"]
    many = {"one": {"random": ManyDraws(mean_projector(more), None, len(more))}}
    clean = replace(plain, subspaces=subspaces, controls={"one": drawn}, many=many, edits=("swap",))
    effects, _ = context.edit(subspaces, clean.controls, clean.edits, clean.doses)
    exact = effects.query("control == 'random'").groupby("draw")["numerator"].sum()
    followed = []
    for given in (False, True):
        rows = first_order_effects([replace(clean, about_means=given)]).query("control == 'random'")
        sums = rows.groupby("draw")[["value", "expected"]].sum()
        followed.append(np.corrcoef(exact, sums["value"])[0, 1])
        error = sums["value"].std() / len(sums) ** 0.5
        assert abs(sums["value"].mean() - sums["expected"].mean()) < 4 * error
    assert followed[1] > 0.9 and followed[1] > followed[0] + 0.1
