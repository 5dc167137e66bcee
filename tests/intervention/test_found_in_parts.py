"""Finders that are trained through the network, in what a part of a block adds."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from relay import LOUD, WRITER, AtOnce, relay
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.site import Site, pool
from jepascope.clips.planted import planted_clips
from jepascope.discovery.finders import find
from jepascope.discovery.finders.rotation import ReadOuts, _accumulate, _losses
from jepascope.discovery.labelled import Labelled, Suffix
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.part_names import PARTS
from jepascope.planted.bench import VARIABLE
from jepascope.study.setting import given_to


@cache
def fit_clips() -> Activations:
    return capture(relay(kind=AtOnce), planted_clips(0, 24, 8, 8).split("fit"), part="attention")


@cache
def found(site: Site) -> tuple[Labelled, Subspace]:
    data = given_to("das", fit_clips(), VARIABLE, site, relay(kind=AtOnce))
    return data, find("das", data, 2)


def share(subspace: Subspace, plane: Tensor) -> float:
    """Of a plane that lies in the subspace."""
    return float((subspace.basis.T @ plane.float()).square().sum()) / 2


def test_das_finds_what_the_same_block_s_mlp_reads_of_its_attention() -> None:
    """By no other way does it reach the read-out: later blocks see none of it."""
    data, subspace = found(Site(WRITER, part="attention"))
    assert share(subspace, relay(kind=AtOnce).planes["C"]) > 0.95
    said = subspace.provenance
    assert max(said["losses"]) < 0.8 * said["loss_without_edit"] and data.where == f"attention of block {WRITER}, all tokens"


def test_das_finds_nothing_where_the_variable_was_read_already() -> None:
    """After block 2 all of it lies in R, and attention of block 3 adds nothing of it."""
    _, subspace = found(Site(LOUD, part="attention"))
    said = subspace.provenance
    assert min(said["losses"]) > 0.95 * said["loss_without_edit"]


@pytest.fixture(scope="module")
def suffixes(study: Any) -> dict[tuple[int, str], Suffix]:
    """Of the tiny random network, at both parts of its middle block and at the last one's attention."""
    made = {}
    for layer, part in ((2, "attention"), (2, "mlp"), (3, "attention")):
        source, twin = (capture(study.encoder, of.clips, sites=(layer,), part=part) for of in (study.scenes.source, study.scenes.twin))
        made[layer, part] = Suffix(study.encoder, Site(layer, part=part), source, twin, study.scenes.target)
    return made


@pytest.mark.parametrize("at", [(2, "attention"), (2, "mlp"), (3, "attention")])
def test_what_is_trained_on_is_the_forward_with_the_twin_s_part_exchanged(
    suffixes: dict[tuple[int, str], Suffix], at: tuple[int, str]
) -> None:
    suffix, (layer, part) = suffixes[at], at
    encoder, rows, width = suffix.encoder, torch.arange(4), suffix.encoder.card.width
    generator = torch.Generator().manual_seed(0)
    bases = torch.linalg.qr(torch.randn(1, width, 3, generator=generator))[0].requires_grad_()
    reading = ReadOuts(torch.randn(1, 8, width, generator=generator), torch.zeros(1, 8), suffix.target[None])

    def by_hand(u: Tensor) -> Tensor:
        with torch.no_grad():
            before, theirs = (encoder.embed(side.clips.select(rows.numpy()).video()) for side in (suffix.source, suffix.twin))
            before, theirs = (encoder.run(hidden, 0, layer - 1) for hidden in (before, theirs))
            own, other = (encoder.parts(layer, hidden)[PARTS.index(part)] for hidden in (before, theirs))
            moved = (other - own) @ u @ u.T
            between = encoder.attended(layer, before)
            after = encoder.fed(layer, between + moved) if part == "attention" else encoder.fed(layer, between) + moved
            logits = pool(encoder.run(after, layer)) @ reading.weights[0].T
            return torch.nn.functional.cross_entropy(logits, suffix.target[rows], reduction="none")

    with torch.no_grad():
        exchanged = _losses(suffix, reading, bases, rows, torch.arange(1))[0]
    torch.testing.assert_close(exchanged, by_hand(bases.detach()[0]), atol=2e-5, rtol=1e-5)
    _accumulate(suffix, reading, bases, rows, torch.arange(1))
    assert bases.grad is not None
    way = torch.randn(width, 3, generator=generator)
    small = 1e-2 * way / way.norm()
    sides = [by_hand(bases.detach()[0] + sign * small).double().mean() for sign in (1, -1)]
    assert float((bases.grad[0] * small).sum()) == pytest.approx(float(sides[0] - sides[1]) / 2, rel=0.02)


def test_what_is_gone_is_gone_from_the_part_alone(suffixes: dict[tuple[int, str], Suffix]) -> None:
    """The stream moves by as much as the part does, and the rest of it stays."""
    whole, rows = suffixes[2, "attention"], torch.arange(3)
    width = whole.encoder.card.width
    gone, mean = torch.eye(width)[:, :2], torch.ones(width)
    (stream, away), (left, still) = whole.exchanged(rows), replace(whole, gone=gone, mean=mean).exchanged(rows)
    own = whole.source.tokens(2, rows.numpy(), part="attention")
    torch.testing.assert_close(left[..., :2], stream[..., :2] - own[..., :2] + 1, atol=1e-5, rtol=1e-5)
    assert torch.equal(left[..., 2:], stream[..., 2:]) and float(still[..., :2].abs().max()) < 1e-5
    torch.testing.assert_close(still[..., 2:], away[..., 2:])
