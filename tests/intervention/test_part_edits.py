"""Edits of what a part of a block adds to the residual stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.activations.suffix import PooledReader, Rerun, Sweep, rerun
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.part_names import PARTS
from jepascope.errors import BadArgument
from jepascope.intervention.conditions import merged
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.edits import displacement
from jepascope.intervention.effects import intervene
from jepascope.intervention.run import run_edit
from jepascope.intervention.scenes import Scenes
from jepascope.intervention.surrogate import Planned, first_order_effects

LAYER, WIDTH, BOUND = 1, 48, 1e-5


def subspace_of(scenes: Scenes, rank: int, **where: Any) -> Subspace:
    """Random directions, with the mean of what is edited."""
    basis: Tensor = torch.linalg.qr(torch.randn(WIDTH, rank, generator=torch.Generator().manual_seed(rank), dtype=torch.float64)).Q
    return Subspace(basis.float(), scenes.source.pooled(LAYER, part=where["part"]).mean(0), provenance=where)


@pytest.fixture(scope="module")
def scenes(study: Any) -> Scenes:
    """The study's scenes with tokens of both parts of block 1."""
    own, twin = (capture(study.encoder, part.clips, sites=(LAYER, 0), part="residual") for part in (study.scenes.source, study.scenes.twin))
    return replace(study.scenes, source=own, twin=twin)


def by_part(study: Any, part: str) -> Scenes:
    """The same as captured for one of them."""
    source, twin = (capture(study.encoder, side.clips, sites=(LAYER,), part=part) for side in (study.scenes.source, study.scenes.twin))
    means = torch.stack([source.pooled(LAYER, part=part)[study.scenes.label == label].mean(0) for label in range(8)])
    return replace(study.scenes, source=source, twin=twin, class_means=means)


@torch.inference_mode()
@pytest.mark.parametrize("name", ["swap", "ablate", "steer"])
@pytest.mark.parametrize("ablate_to", ["mean", "zero", "resample"])
def test_an_edit_of_both_parts_is_the_edit_of_their_sum(study: Any, scenes: Scenes, name: str, ablate_to: str) -> None:
    """In the sense of docs/science.md: displacements add up, so that both edits, added where the block has added both parts, are one edit
    of the block's change; after it the network and its judge cannot tell them apart."""
    if name != "ablate" and ablate_to != "mean":
        return
    rows, basis, width = slice(0, len(scenes)), subspace_of(by_part(study, "mlp"), 4, part="mlp").basis, WIDTH
    parts = {part: by_part(study, part) for part in PARTS}
    means = {part: of.source.pooled(LAYER, part=part).mean(0) for part, of in parts.items()}
    moved = torch.zeros(len(scenes), 1, width)
    for part, of in parts.items():
        hidden = of.source.tokens(LAYER, rows, part=part)
        moved = moved + displacement(name, of, Site(LAYER, part=part), rows, hidden, means[part], ablate_to)

    def change(side: Scenes, which: str) -> Tensor:
        of = getattr(side, which)
        return of.tokens(LAYER) - of.tokens(0)

    own, other = change(scenes, "source"), change(scenes, "twin")
    someone = own[scenes.someone_else()]
    wanted = {
        "swap": other - own,
        "steer": (sum(of.class_means for of in parts.values())[scenes.target] - sum(of.class_means for of in parts.values())[scenes.label])[
            :, None
        ],
        "ablate": {"mean": sum(means.values()) - own, "zero": -own, "resample": someone - own}[ablate_to],
    }[name]
    assert float((moved - wanted).abs().max()) <= BOUND
    read = torch.empty(2, len(scenes), width)

    def edit(hidden: Tensor, which: slice) -> Tensor:
        return torch.stack([hidden + (r @ basis) @ basis.T for r in (moved, wanted)])[which]

    def keep(which: slice, found: dict[int, Tensor]) -> None:
        read[which] = found[3]

    rerun(study.encoder, [Rerun(Sweep(scenes.source.tokens(LAYER), LAYER, edit, {3: PooledReader()}), 2, keep)])
    assert float((read[0] - read[1]).abs().max()) <= BOUND < float((read[0] - scenes.source.pooled(3)).abs().max())


@pytest.mark.parametrize("part", PARTS)
def test_every_edit_runs_at_a_part_and_judges_read_it(study: Any, part: str) -> None:
    of, site = by_part(study, part), Site(LAYER, part=part)
    subspace = subspace_of(of, 3, layer=LAYER, part=part)
    effects, matching = intervene(study.encoder, site, of, {"mine": subspace}, {}, [study.judge], ("ablate", "swap", "steer"))
    assert len(effects) == 3 * len(of) and matching.empty
    assert bool((effects.groupby("edit")["numerator"].apply(lambda x: x.abs().max()) > 0).all())
    with pytest.raises(BadArgument, match=f"found in what {part} adds, and is not one of layer 1"):
        intervene(study.encoder, Site(LAYER), study.scenes, {"mine": subspace}, {}, [study.judge])


@pytest.mark.parametrize("part", PARTS)
def test_a_swap_at_a_part_puts_what_the_twin_s_adds_in_its_place(study: Any, part: str) -> None:
    """Inside the subspace: the judge reads what the network makes of the clip with that of its twin's."""
    of, site, encoder = by_part(study, part), Site(LAYER, part=part), study.encoder
    subspace = subspace_of(of, 20, part=part)
    conditions = merged({"mine": subspace}, {}, (1.0,), "swap")
    edited = run_edit(encoder, site, of, conditions, [study.judge], "swap")
    with torch.inference_mode():
        before, theirs = (encoder.embed(side.clips.video()) for side in (of.source, of.twin))
        own, other = (encoder.parts(LAYER, hidden)[PARTS.index(part)] for hidden in (before, theirs))
        between, moved = encoder.attended(LAYER, before), (other - own) @ subspace.basis @ subspace.basis.T
        after = encoder.fed(LAYER, between + moved) if part == "attention" else encoder.fed(LAYER, between) + moved
        hidden = encoder.run(after, LAYER)
    mask = of.mask("object")
    assert mask is not None
    pooled = torch.stack([tokens[chosen].mean(0) for tokens, chosen in zip(hidden, mask, strict=True)])
    torch.testing.assert_close(edited.reads[0].logits[0], study.judge.logits(pooled), atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("part", PARTS)
def test_first_order_effects_at_a_part_are_the_slopes_of_the_exact_ones(study: Any, part: str) -> None:
    of, site = by_part(study, part), Site(LAYER, part=part)
    subspace = subspace_of(of, 3, part=part)
    context = InterventionContext(study.encoder, site, of, [study.judge], None, subspace.mean)
    small = 0.05
    exact, _ = context.edit({"mine": subspace}, {}, ("swap",), (small,))
    slope = first_order_effects([Planned(context, {"mine": subspace}, {}, {}, ("swap",), (small,))])
    first, second = exact["numerator"].to_numpy() / small, slope["value"].to_numpy() / small
    assert abs(first - second).max() <= 0.05 * abs(first).max()
