"""The notebook functions: the README's lines, on few clips."""

from __future__ import annotations

import pytest
import torch

import jepascope as js
from jepascope.errors import BadArgument


@pytest.fixture(scope="module")
def encoder():
    return js.load_encoder("nano")


@pytest.fixture(scope="module")
def activations(encoder):
    return js.capture(encoder, js.directions8(seed=3, per_class=20), cache=False)


def test_every_public_name_is_there() -> None:
    for name in js.__all__:
        assert getattr(js, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = js.nothing


def test_capture_renders_the_scenes_as_the_encoder_takes_them(encoder, activations) -> None:
    assert (activations.clips.frames, activations.clips.size) == (encoder.card.frames, encoder.card.size)


def test_a_cached_capture_is_read_back_equal(encoder) -> None:
    clips = js.directions8(seed=4, per_class=5)
    first, second = js.capture(encoder, clips), js.capture(encoder, clips)
    assert torch.equal(first.pooled(2), second.pooled(2))


def test_an_effect_stands_beside_its_four_controls(encoder, activations) -> None:
    subspace = js.find(activations, "direction", layer=2)
    table = js.intervene(encoder, activations, subspace, draws=10).set_index("control")
    assert list(table.index) == ["subspace", "random", "variance", "shuffled", "norm"]
    assert table["finder"].eq("diff_means").all() and table["n"].eq(32).all()
    assert table.loc["subspace", "value"] > table.loc["random", "value"]


def test_a_subspace_retains_all_of_its_own_effect(encoder, activations) -> None:
    subspace = js.find(activations, "direction", layer=2)
    found = js.port(encoder, activations, subspace, subspace)
    assert found.sas == pytest.approx(1) and found.rce.value == pytest.approx(1)
    assert found.chance == pytest.approx(subspace.rank / subspace.width)


def test_a_subspace_of_unknown_or_other_origin_is_refused(encoder, activations) -> None:
    subspace = js.find(activations, "direction", layer=2)
    with pytest.raises(BadArgument, match="does not say its variable"):
        js.intervene(encoder, activations, js.Subspace(subspace.basis, subspace.mean))
    with pytest.raises(BadArgument, match="not in 'nano-untrained-0'"):
        js.intervene(encoder.untrained(0), activations, subspace)


def test_das_without_the_encoder_or_with_another_is_refused(encoder, activations) -> None:
    with pytest.raises(BadArgument, match=r"'das' at layer 3, all tokens trains through the network.*encoder="):
        js.find(activations, "direction", layer=3, finder="das")
    with pytest.raises(BadArgument, match="not of 'nano-untrained-0'"):
        js.find(activations, "direction", layer=3, finder="das", encoder=encoder.untrained(0))


@pytest.mark.slow
def test_das_and_its_controls_are_trained_through_the_network(encoder, activations) -> None:
    subspace = js.find(activations, "direction", layer=3, finder="das", rank=3, encoder=encoder)
    assert subspace.rank == 3 and max(subspace.provenance["losses"]) < subspace.provenance["loss_without_edit"]
    table = js.intervene(encoder, activations, subspace, edit="swap", draws=2).set_index("control")
    assert table.loc["subspace", "value"] > table.loc["shuffled", "value"]
