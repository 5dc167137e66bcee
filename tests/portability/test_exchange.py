"""Exchanges: with nothing held they are swaps; what is held is gone; numbers by hand on networks with a known answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from known_ground import Known, random_basis, shares
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.clips.donors import donor_rows
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument
from jepascope.intervention.control_entry import FLOORS
from jepascope.intervention.effects import intervene
from jepascope.intervention.judges import ProbeJudge, target_margin
from jepascope.intervention.scenes import Scenes
from jepascope.portability.exchange import PARALLEL, Exchange, exchange_controls, exchanged, joint, remainder


def swaps(ground: InterventionContext, bases: dict[str, Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Numerators and denominators by the swap of ``intervene``."""
    subspaces = {name: Subspace(basis, ground.mean) for name, basis in bases.items()}
    effects, _ = intervene(ground.encoder, ground.site, ground.scenes, subspaces, {}, [ground.judge], ("swap",))
    by_finder = [effects[effects["finder"] == name] for name in bases]
    return np.stack([rows["numerator"].to_numpy() for rows in by_finder]), by_finder[0]["denominator"].to_numpy()


def half_the_tokens(known: Known) -> InterventionContext:
    """Planted clips show their object everywhere; here it is at half of the places of each clip, other ones in its twin."""
    ground, scenes = known.ground, known.ground.scenes
    rng = np.random.default_rng(0)
    masks = [torch.from_numpy(rng.random(side.object_mask.shape) < 0.5) for side in (scenes.source, scenes.twin)]
    source, twin = (replace(side, shown=mask) for side, mask in zip((scenes.source, scenes.twin), masks, strict=True))
    judge = ProbeJudge(known.bench.judge.probe, "object")
    return replace(ground, site=Site(ground.site.layer, "object"), scenes=replace(scenes, source=source, twin=twin), judges=[judge])


def with_donors(known: Known) -> InterventionContext:
    """Other clips of another class in place of twins."""
    ground, scenes = known.ground, known.ground.scenes
    donors = donor_rows(scenes.source.clips, "direction", 0)
    other = Scenes(
        scenes.source, scenes.source.select(donors), scenes.label, scenes.label[torch.from_numpy(donors)], scenes.class_means, "class"
    )
    return replace(ground, scenes=other)


@pytest.mark.parametrize("how", ["twins", "object tokens", "donors"])
def test_with_nothing_held_an_exchange_is_a_swap(how: str, degenerate: Known) -> None:
    ground = {"twins": degenerate.ground, "object tokens": half_the_tokens(degenerate), "donors": with_donors(degenerate)}[how]
    bases = {"C": degenerate.plane("C"), "Haar": random_basis(64, 5, 1)}
    moved, below = exchanged(ground, [Exchange(basis) for basis in bases.values()])
    expected, denominator = swaps(ground, bases)
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    np.testing.assert_allclose(below, denominator, atol=1e-5)
    assert np.abs(expected).max(axis=1).min() > 0.01  # both do something


def test_each_copy_moves_half_beside_the_other_and_all_of_it_without(degenerate: Known) -> None:
    """Source y and target t, u = e(y) + e(t) is cut to length 1 half way between the two; nothing is left of it where t is opposite."""
    c, b = degenerate.plane("C"), degenerate.plane("B")
    found = shares(degenerate.ground, Exchange(c), Exchange(b), Exchange(c, b), Exchange(b, c), Exchange(torch.cat([c, b], dim=1)))
    assert found == pytest.approx([0.5, 0.5, 1, 1, 1], abs=1e-4)


def test_what_is_held_goes_to_the_mean_in_clip_and_twin(degenerate: Known) -> None:
    """Held at some other point of B, b^3 points one way whatever the clip shows, and C moves what is left."""
    ground, c, b = degenerate.ground, degenerate.plane("C"), degenerate.plane("B")
    fixed = torch.tensor([1.0, 0.0])  # b^3 = (1, 0)
    found = exchanged(replace(ground, mean=ground.mean + b @ (fixed - b.T @ ground.mean)), [Exchange(c, b)])[0][0]

    def read(shown: Tensor) -> Tensor:
        u = shown + fixed
        return u / u.norm(dim=1, keepdim=True).clamp(min=1)

    angle = torch.arange(8) * (torch.pi / 4)
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)
    scenes, out = ground.scenes, degenerate.plane("R")
    logits = [ground.judge.logits((read(circle[shown]) @ out.T).float()) for shown in (scenes.target, scenes.label)]
    after, before = (target_margin(one, scenes.label, scenes.target) for one in logits)
    np.testing.assert_allclose(found, (after - before).numpy(), atol=1e-3)


def test_oblique_to_what_is_held_only_what_is_left_of_the_twin_is_moved(clean: Known) -> None:
    """h' + U U' (I - H H') (twin - h): along U alone, by what U reads of the rest. In a linear network that is a trace."""
    c, noise, ground = clean.plane("C"), clean.nuisance(4), clean.ground
    u = torch.linalg.qr(c + 0.5 * noise)[0]
    held = torch.stack([(c[:, 0] + c[:, 1] + noise[:, 0]) / 3**0.5], dim=1)
    found = exchanged(ground, [Exchange(u, held)])[0][0]
    scenes, site = ground.scenes, ground.site.layer
    clip, twin = (side.pooled(site) - (side.pooled(site) - ground.mean) @ held @ held.T for side in (scenes.source, scenes.twin))
    read = c @ clean.plane("R").T  # the last layer holds R C'h
    logits = [ground.judge.logits(h @ read) for h in (clip + (twin - clip) @ u @ u.T, clip)]
    after, before = (target_margin(one, scenes.label, scenes.target) for one in logits)
    np.testing.assert_allclose(found, (after - before).numpy(), atol=1e-3)
    outside = exchanged(ground, [Exchange(remainder(u, held), held)])[0][0]
    assert np.abs(found - outside).max() > 0.1  # another edit


def test_the_effect_of_what_is_held_is_not_counted(clean: Known) -> None:
    """Ablating C alone already takes the margin half way to the target's; from there noise moves nothing."""
    ground, c, noise = clean.ground, clean.plane("C"), clean.nuisance()
    assert shares(ground, Exchange(noise, c), Exchange(c), Exchange(c, noise)) == pytest.approx([0, 1, 1], abs=1e-4)


def test_exchanges_of_one_run_do_not_touch_each_other(degenerate: Known) -> None:
    ground, c, b = degenerate.ground, degenerate.plane("C"), degenerate.plane("B")
    wanted = [Exchange(c, b), Exchange(c), Exchange(degenerate.nuisance(), b), Exchange(b, c), Exchange(c[:, :1], b)]
    together, below = exchanged(ground, wanted)
    for i, one in enumerate(wanted):
        alone, same = exchanged(ground, [one])
        np.testing.assert_allclose(alone[0], together[i], atol=1e-5)
        np.testing.assert_array_equal(same, below)
    nothing, still = exchanged(ground, [])
    assert nothing.shape == (0, len(below)) and np.array_equal(still, below)


def test_progress_counts_every_edited_clip_and_ends_at_all_of_them(degenerate: Known) -> None:
    said: list[tuple[int, int]] = []
    exchanged(degenerate.ground, [Exchange(degenerate.plane("C"), degenerate.plane("B"))] * 3, lambda *both: said.append(both))
    assert said[-1] == (4 * 16, 4 * 16)  # and the ablation that they are measured from
    assert [done for done, _ in said] == sorted(done for done, _ in said)


# what lies outside another subspace


def turned(degrees: float) -> Tensor:
    """A direction so far from the first axis."""
    angle = np.deg2rad(degrees)
    return torch.tensor([[np.cos(angle)], [np.sin(angle)], [0], [0]], dtype=torch.float32)


def test_a_remainder_is_what_lies_outside() -> None:
    axes = torch.eye(4)
    torch.testing.assert_close(remainder(axes[:, :2], axes[:, 1:3]).abs(), axes[:, :1])
    assert remainder(axes[:, :2], axes[:, :3]).shape == (4, 0)
    close = np.rad2deg(np.arcsin(PARALLEL))
    assert remainder(turned(close - 0.5), axes[:, :1]).shape == (4, 0)
    torch.testing.assert_close(remainder(turned(close + 0.5), axes[:, :1]).abs(), axes[:, 1:2])
    with pytest.raises(BadArgument, match="widths 4 and 3 have no common part"):
        remainder(axes, torch.eye(3))


def test_a_remainder_is_orthonormal_and_orthogonal_to_the_other_and_depends_on_spans_alone() -> None:
    u, v = random_basis(48, 7, 0), random_basis(48, 9, 1)
    found = remainder(u, v)
    torch.testing.assert_close(found.T @ found, torch.eye(7), atol=1e-6, rtol=0)
    torch.testing.assert_close(found.T @ v, torch.zeros(7, 9), atol=1e-6, rtol=0)
    other = remainder(u @ random_basis(7, 7, 2), v @ random_basis(9, 9, 3))
    torch.testing.assert_close(other @ other.T, found @ found.T, atol=1e-5, rtol=0)
    both = joint(u, v)
    torch.testing.assert_close(both.T @ both, torch.eye(16), atol=1e-6, rtol=0)
    torch.testing.assert_close(both @ (both.T @ u), u, atol=1e-6, rtol=0)
    assert torch.equal(both[:, :9], v)
    assert joint(v[:, :3], v).shape == (48, 9)


# controls


def test_controls_are_orthogonal_to_both_and_the_variance_is_matched(clean: Known) -> None:
    ground, a, b = clean.ground, clean.nuisance(4), clean.nuisance(2)
    drawn = exchange_controls(ground, a, joint(a, b))
    assert drawn is not None and list(drawn) == list(FLOORS)
    for bases in drawn.values():
        assert len(bases) == ground.draws
        for basis in bases:
            assert float((basis.T @ torch.cat([a, b], dim=1)).abs().max()) < 1e-5
            torch.testing.assert_close(basis.T @ basis, torch.eye(2), atol=1e-5, rtol=0)

    def variance(basis: Tensor) -> float:
        return float((basis.double().T @ ground.covariance @ basis.double()).trace())

    assert [variance(basis) for basis in drawn["variance"]] == pytest.approx([variance(a)] * ground.draws, rel=1e-3)
    assert np.ptp([variance(basis) for basis in drawn["random"]]) > 0.01 * variance(a)


def test_the_variance_that_is_matched_is_what_is_left_when_something_is_held(clean: Known) -> None:
    ground, c, noise = clean.ground, clean.plane("C"), clean.nuisance(4)
    u = torch.linalg.qr(c + 0.5 * noise)[0].double()
    without = torch.eye(64, dtype=torch.float64) - (c @ c.T).double()
    left = without @ ground.covariance @ without
    drawn = exchange_controls(ground, u.float(), joint(u.float(), c), c)
    assert drawn is not None
    wanted = float((u.T @ left @ u).trace())
    found = [float((basis.double().T @ left @ basis.double()).trace()) for basis in drawn["variance"]]
    assert found == pytest.approx([wanted] * ground.draws, rel=1e-3)
    assert wanted < 0.5 * float((u.T @ ground.covariance @ u).trace())


def test_without_room_there_are_no_controls(clean: Known) -> None:
    whole = random_basis(64, 64, 0)
    assert exchange_controls(clean.ground, whole[:, :3], whole[:, 3:62]) is None  # two directions are left for three
    assert exchange_controls(clean.ground, whole[:, :2], whole[:, 2:62]) is not None
    assert exchange_controls(clean.ground, whole[:, :40], None) is None
