"""The self-test passes a sound encoder with a difference of 0.0 and catches each way in which one can be wrong."""

from __future__ import annotations

import pytest
import torch

from jepascope.encoders.selftest import self_test
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadCheckpoint


def test_a_sound_encoder_passes_with_no_difference_at_all(encoder: VJepa2Encoder) -> None:
    assert self_test(encoder) == 0.0


def test_it_passes_at_another_length_and_size(tiny: VJepa2Encoder) -> None:
    assert self_test(tiny.at(4, 48)) == 0.0


def test_nan_weights_are_caught(tiny: VJepa2Encoder) -> None:
    tiny.model.encoder.layer[1].mlp.fc1.weight[0, 0] = float("nan")
    with pytest.raises(BadCheckpoint, match="NaN or infinite"):
        self_test(tiny)


def test_nan_weights_in_the_predictor_are_caught(tiny: VJepa2Encoder) -> None:
    tiny.model.predictor.layer[1].mlp.fc1.weight[0, 0] = float("inf")
    with pytest.raises(BadCheckpoint, match="predictor's forecast has NaN"):
        self_test(tiny)


def test_a_loop_that_leaves_a_block_out_is_caught(tiny: VJepa2Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = VJepa2Encoder.block
    monkeypatch.setattr(VJepa2Encoder, "block", lambda self, index, hidden: hidden if index == 2 else whole(self, index, hidden))
    with pytest.raises(BadCheckpoint, match="differ from transformers' forward by"):
        self_test(tiny)


def test_tokens_in_another_order_are_caught_even_when_the_library_agrees(tiny: VJepa2Encoder) -> None:
    tiny.model.encoder.embeddings.register_forward_hook(lambda module, args, out: out.flip(1))
    with pytest.raises(BadCheckpoint, match=r"not in \(time, row, column\) order"):
        self_test(tiny)


def test_an_embedding_that_mixes_tokens_is_caught(tiny: VJepa2Encoder) -> None:
    tiny.model.encoder.embeddings.register_forward_hook(lambda module, args, out: out + out.mean(1, keepdim=True))
    with pytest.raises(BadCheckpoint, match=r"not in \(time, row, column\) order"):
        self_test(tiny)


def test_an_output_that_ignores_edits_is_caught(tiny: VJepa2Encoder) -> None:
    torch.nn.init.zeros_(tiny.model.encoder.layernorm.weight)
    with pytest.raises(BadCheckpoint, match="an edit at a middle layer does not reach its output"):
        self_test(tiny)
