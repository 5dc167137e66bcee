"""What every family adds, and where: resampling, zero ablation, and edits that are limited to some tokens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.activations.suffix import Rerun, Sweep, rerun
from jepascope.errors import BadData
from jepascope.intervention.circle import Circle
from jepascope.intervention.conditions import merged
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.edits import displacement, pool_inside
from jepascope.intervention.effects import intervene
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.ring import Ring
from jepascope.intervention.run import Group
from jepascope.intervention.scenes import Scenes

LAYER, EVERYONE = 1, slice(0, 8)


def edited(study, scenes: Scenes, tokens: str, edit: str, ablate_to: str = "mean", seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden states at the site before and after an edit of one subspace, and its basis."""
    site, hidden = Site(LAYER, tokens), scenes.source.tokens(LAYER)
    (condition,) = merged({"one": study.subspace(seed)}, {}, (1.0,), edit)
    moved = displacement(edit, scenes, site, EVERYONE, hidden, condition.mean, ablate_to)
    kept: list[Tensor] = []
    rerun(
        study.encoder,
        [
            Rerun(
                Sweep(hidden, LAYER, Group([condition], moved, scenes.mask(tokens)), {LAYER: lambda encoder, now, clips: now.flatten(1)}),
                1,
                lambda part, found: kept.append(found[LAYER]),
            )
        ],
    )
    return hidden, kept[0][0].view(hidden.shape), condition.basis


@pytest.mark.parametrize("tokens", ["object", "background", "time:0", "time:1-2", "time:3"])
@pytest.mark.parametrize("edit", ["ablate", "swap", "steer"])
def test_an_edit_changes_the_tokens_that_it_is_limited_to_and_no_other(study, tokens: str, edit: str) -> None:
    before, after, _ = edited(study, study.scenes, tokens, edit)
    changed = (before != after).any(dim=-1)
    mask = study.scenes.mask(tokens)
    assert mask is not None and mask.any() and not mask.all()
    assert not changed[~mask].any()
    assert changed[mask].float().mean() > 0.9  # a token that twins share has nothing to swap


def test_the_background_is_of_neither_twins_object(study) -> None:
    scenes = study.scenes
    object_, background = scenes.mask("object"), scenes.mask("background")
    assert torch.equal(object_, scenes.source.object_mask | scenes.twin.object_mask)
    assert not (background & object_).any()
    assert torch.equal(background.sum(dim=1), object_.sum(dim=1).minimum((~object_).sum(dim=1)))


def test_someone_else_is_never_oneself_and_everyone_is_taken_from_once(study) -> None:
    for count in range(2, 9):
        rows = np.arange(count)
        part = Scenes(
            study.scenes.source.select(rows),
            study.scenes.twin.select(rows),
            study.scenes.label[:count],
            study.scenes.target[:count],
            study.scenes.class_means,
        )
        other = part.someone_else()
        assert sorted(other) == rows.tolist() and (other != rows).all()
        assert (other == part.someone_else()).all()
    with pytest.raises(BadData, match=r"takes from another .*scene, and there is only one"):
        Scenes(
            study.scenes.source.select(np.arange(1)),
            study.scenes.twin.select(np.arange(1)),
            study.scenes.label[:1],
            study.scenes.target[:1],
            study.scenes.class_means,
        ).someone_else()


def test_resampling_is_a_swap_with_someone_elses_tokens(study) -> None:
    scenes = study.scenes
    before, after, u = edited(study, scenes, "all", "ablate", "resample")
    other = scenes.source.tokens(LAYER, scenes.someone_else())
    torch.testing.assert_close(after @ u, other @ u, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(after - after @ u @ u.T, before - before @ u @ u.T, atol=1e-5, rtol=1e-5)


def test_resampled_effects_do_not_depend_on_how_scenes_are_cut_into_batches(study) -> None:
    judge = ProbeJudge(study.judge.probe)
    one = {"one": study.subspace(0)}
    few, many = (
        intervene(study.encoder, Site(LAYER), study.scenes, one, {}, [judge], ("ablate",), batch=batch, ablate_to="resample")[0]
        for batch in (3, 32)
    )
    np.testing.assert_allclose(few["numerator"], many["numerator"], atol=1e-6)  # a matrix product of fewer rows may round otherwise


def test_zero_ablation_leaves_nothing_and_mean_ablation_the_mean(study) -> None:
    before, zeroed, u = edited(study, study.scenes, "all", "ablate", "zero")
    torch.testing.assert_close(zeroed @ u, torch.zeros(8, before.shape[1], 3), atol=1e-5, rtol=0)
    _, mean, _ = edited(study, study.scenes, "all", "ablate")
    wanted = study.subspace(0).mean @ u
    torch.testing.assert_close(mean @ u, wanted.expand(8, before.shape[1], 3), atol=1e-5, rtol=1e-5)
    assert (wanted.abs() > 1e-3).any()


@pytest.mark.parametrize("edit", tuple(EDITS.own))
def test_a_dose_of_zero_loses_nothing(study, edit: str) -> None:
    angle = torch.arange(8.0)
    circle = Circle(torch.zeros(48), torch.eye(48)[:, :2])
    ring = Ring(torch.arange(8) * torch.pi / 4, torch.randn(8, 48, generator=torch.Generator().manual_seed(0)))
    scenes = replace(study.scenes, angle=angle, target_angle=angle + 1, circle=circle, ring=ring)
    effects, _ = intervene(study.encoder, Site(LAYER, "object"), scenes, {"one": study.subspace(0)}, {}, [study.judge], (edit,), (0.0, 1.0))
    none, whole = (effects[effects["dose"] == dose] for dose in (0.0, 1.0))
    # the clean reading comes from another batch: what is left is float32's last digits
    assert none["numerator"].abs().max() < 1e-5 < whole["numerator"].abs().max()
    assert none["kl"].abs().max() < 1e-9 < whole["kl"].max()


def test_the_mean_edit_is_over_the_tokens_that_are_read(study) -> None:
    inside = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    read = torch.tensor([[1, 1, 0, 0, 0], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]]).float()
    wanted = torch.stack([inside[:, s][:, read[s] > 0].mean(dim=1) for s in range(3)], dim=1)
    torch.testing.assert_close(pool_inside(inside, read), wanted)
    torch.testing.assert_close(pool_inside(inside, None), inside.mean(dim=2))
    assert torch.equal(pool_inside(inside[:, :, :1], read), inside[:, :, 0])  # one row stands for all tokens


@pytest.mark.parametrize("tokens", ["background", "time:0-1"])
def test_where_tokens_that_are_not_edited_are_read_no_more_than_their_share_arrives_directly(study, tokens: str) -> None:
    """At the last layer nothing runs any more: reading all tokens after an edit of some gives the edit's mean over all."""
    judge = ProbeJudge(study.judge.probe)
    effects, _ = intervene(study.encoder, Site(3, tokens), study.scenes, {"one": study.subspace(0)}, {}, [judge], ("ablate", "swap"))
    np.testing.assert_allclose(effects["numerator"], effects["numerator_direct"], atol=1e-5)
