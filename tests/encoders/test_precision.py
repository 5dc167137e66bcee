"""Another precision is tested at load: exactly before the cast and within bounds after it, and it is another name for the same weights."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from encoders_at_hand import noise_video

from jepascope.encoders.load import load_encoder, save_encoder
from jepascope.encoders.precision import exact
from jepascope.encoders.selftest import SETTLED_BOUNDS, last_latents, self_test, settled_test
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadCheckpoint


def test_bfloat16_weights_have_the_digest_of_the_float32_ones_and_exact_angles(tmp_path: Path, tiny: VJepa2Encoder) -> None:
    save_encoder(tiny, tmp_path / "tiny", {})
    whole, half = load_encoder(str(tmp_path / "tiny")), load_encoder(str(tmp_path / "tiny"), dtype=torch.bfloat16)
    assert isinstance(half, VJepa2Encoder) and isinstance(whole, VJepa2Encoder)
    assert half.card == whole.card and (half.dtype, whole.dtype) == (torch.bfloat16, torch.float32)
    assert {weight.dtype for weight in half.model.parameters()} == {torch.bfloat16}
    assert torch.equal(half.table().cos, whole.table().cos) and half.table().cos.dtype == torch.float32
    hidden = half.embed(noise_video(half, 1))
    assert half.run(hidden, 0).dtype == hidden.dtype == torch.bfloat16


def test_the_self_test_is_exact_before_the_cast_whatever_the_precision_asked_for(
    tmp_path: Path, tiny: VJepa2Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_encoder(tiny, tmp_path / "tiny", {})
    found: list[tuple[torch.dtype, float]] = []
    monkeypatch.setattr("jepascope.encoders.load.self_test", lambda encoder: found.append((encoder.dtype, self_test(encoder))))
    load_encoder(str(tmp_path / "tiny"), dtype=torch.bfloat16)
    assert found == [(torch.float32, 0.0)]


def test_a_cast_encoder_is_held_against_its_float32_output(tiny: VJepa2Encoder) -> None:
    before = last_latents(tiny)
    assert settled_test(tiny, before) == 0.0
    tiny.to("cpu", torch.bfloat16)
    assert 1e-4 < settled_test(tiny, before) < SETTLED_BOUNDS[torch.bfloat16] / 3
    other = VJepa2Encoder(copy.deepcopy(tiny.model), "other")
    other.model.encoder.layer[1].mlp.fc2.bias[:9] += 3.0
    with pytest.raises(BadCheckpoint, match=r"'other' in bfloat16 on 'cpu' differs by .*% from its float32 output on the CPU; run it"):
        settled_test(other, before)
    other.model.encoder.layer[1].mlp.fc2.bias.fill_(torch.nan)
    with pytest.raises(BadCheckpoint, match="NaN or infinite values in bfloat16 on 'cpu'"):
        settled_test(other, before)
    with pytest.raises(BadCheckpoint, match=r"gives \(2, 32, 48\) instead of \(2, 31, 48\)"):
        settled_test(tiny, before[:, 1:])


def test_a_compiled_float32_encoder_may_differ_by_rounding_alone(tiny: VJepa2Encoder) -> None:
    before = last_latents(tiny)
    tiny.model.encoder.layer[1].mlp.fc2.bias[:9] += 0.02
    with pytest.raises(BadCheckpoint, match="in float32 on 'cpu' differs by"):
        settled_test(tiny, before)


def test_exact_is_float32_at_least() -> None:
    kinds = (torch.bfloat16, torch.float16, torch.float32, torch.float64)
    assert [exact(torch.ones(1, dtype=kind)).dtype for kind in kinds] == [torch.float32] * 3 + [torch.float64]
    same = torch.ones(1)
    assert exact(same) is same
