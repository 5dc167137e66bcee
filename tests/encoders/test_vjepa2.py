"""The adapter computes what transformers computes, to the last bit in float32 on a CPU, and refuses what it would misplace."""

from __future__ import annotations

import pytest
import torch
from encoders_at_hand import noise_video, tiny_config
from torch import Tensor
from transformers.image_utils import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from transformers.models.vjepa2.modeling_vjepa2 import VJEPA2RopeAttention

from jepascope.encoders.predictor import centred_targets
from jepascope.encoders.rotary import rotary_table, rotate
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument


def largest(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().max())


# parity


@torch.inference_mode()
@pytest.mark.parametrize("clips", [1, 3])
def test_the_blocks_one_by_one_equal_transformers_forward_exactly(encoder: VJepa2Encoder, clips: int) -> None:
    video = noise_video(encoder, clips)
    ours = encoder.norm(encoder.run(encoder.embed(video), 0))
    theirs = encoder.model(encoder.preprocess(video), skip_predictor=True).last_hidden_state
    assert largest(ours, theirs) == 0.0


@torch.inference_mode()
def test_the_residual_stream_after_every_block_equals_transformers_hidden_states(encoder: VJepa2Encoder) -> None:
    video = noise_video(encoder, 2)
    seen: list[torch.Tensor] = []
    handles = [layer.register_forward_hook(lambda m, a, out: seen.append(out[0])) for layer in encoder.model.encoder.layer]
    try:
        encoder.model(encoder.preprocess(video), skip_predictor=True)
    finally:
        for handle in handles:
            handle.remove()
    hidden = encoder.embed(video)
    for index, theirs in enumerate(seen, start=1):
        hidden = encoder.block(index, hidden)
        assert largest(hidden, theirs) == 0.0
    assert len(seen) == encoder.card.depth


@torch.inference_mode()
def test_pixels_are_normalised_with_the_means_and_deviations_of_imagenet(tiny: VJepa2Encoder) -> None:
    video = noise_video(tiny, 1)
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD))
    torch.testing.assert_close(tiny.preprocess(video) * deviation + mean, video, atol=1e-6, rtol=0)


@torch.inference_mode()
def test_the_forecast_equals_transformers_predictor(encoder: VJepa2Encoder) -> None:
    """To rounding, not to the bit: transformers sorts the tokens by place first, so its sums run in another order."""
    video, n = noise_video(encoder, 2), encoder.card.tokens
    latents = encoder.norm(encoder.run(encoder.embed(video), 0))
    order = torch.stack([torch.randperm(n, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)])
    context, target = order[:, : n // 3].contiguous(), order[:, n // 3 : n // 3 + n // 2].contiguous()
    theirs = encoder.model(encoder.preprocess(video), context_mask=[context], target_mask=[target]).predictor_output.last_hidden_state
    seen = torch.gather(latents, 1, context[..., None].expand(-1, -1, encoder.card.width))
    torch.testing.assert_close(encoder.forecast(seen, context, target), theirs, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_the_forecast_of_the_future_equals_transformers_predictor_exactly(encoder: VJepa2Encoder) -> None:
    """Context before target, both in order: nothing is sorted, and not a bit differs."""
    video, n = noise_video(encoder, 2), encoder.card.tokens
    ids = torch.arange(n).expand(2, -1)
    context, target = ids[:, : n // 2].contiguous(), ids[:, n // 2 :].contiguous()
    latents = encoder.norm(encoder.run(encoder.embed(video), 0))
    theirs = encoder.model(encoder.preprocess(video), context_mask=[context], target_mask=[target]).predictor_output.last_hidden_state
    assert largest(encoder.forecast(latents[:, : n // 2], context, target), theirs) == 0.0


@torch.inference_mode()
def test_where_the_first_mask_token_alone_counts_the_forecast_begins_from_it() -> None:
    """As in files of Meta's, trained on clips of one length: transformers' default, the second, was left at zero."""
    model = VJepa2Encoder.from_config(tiny_config(), seed=0).model
    tokens = model.predictor.embeddings.mask_tokens
    tokens[0] *= 10
    tokens[1:] = 0
    encoder = VJepa2Encoder(model, "as Meta's")
    assert "begins from mask token 0 of 3, the only one that is not zero" in encoder.card.forecasts
    video, n = noise_video(encoder, 2), encoder.card.tokens
    ids = torch.arange(n).expand(2, -1)
    context, target = ids[:, : n // 2].contiguous(), ids[:, n // 2 :].contiguous()
    latents = encoder.norm(encoder.run(encoder.embed(video), 0))[:, : n // 2]

    def theirs() -> Tensor:
        asked = {"context_mask": [context], "target_mask": [target]}
        return model(encoder.preprocess(video), **asked).predictor_output.last_hidden_state

    default, ours = theirs(), encoder.forecast(latents, context, target)
    tokens[1] = tokens[0]
    assert largest(ours, theirs()) == 0.0
    assert largest(ours, default) > 0.01


@torch.inference_mode()
def test_the_forecast_does_not_depend_on_the_order_of_context_and_targets(encoder: VJepa2Encoder) -> None:
    n = encoder.card.tokens
    context = torch.randn(1, n // 2, encoder.card.width, generator=torch.Generator().manual_seed(0))
    ids = torch.arange(n)[None]
    straight = encoder.forecast(context, ids[:, : n // 2], ids[:, n // 2 :])
    turned = encoder.forecast(context.flip(1), ids[:, : n // 2].flip(1), ids[:, n // 2 :].flip(1)).flip(1)
    torch.testing.assert_close(straight, turned, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_encoding_all_tokens_as_a_subset_equals_the_whole_forward(encoder: VJepa2Encoder) -> None:
    video = noise_video(encoder, 2)
    ids = torch.arange(encoder.card.tokens).expand(2, -1)
    assert largest(encoder.encode_context(video, ids), encoder.norm(encoder.run(encoder.embed(video), 0))) == 0.0


@torch.inference_mode()
def test_tokens_encoded_alone_do_not_see_the_rest_of_the_clip(encoder: VJepa2Encoder) -> None:
    video, half = noise_video(encoder, 1), encoder.card.frames // 2
    ids = torch.arange(encoder.card.tokens // 2)[None]
    other = torch.cat([video[:, :half], noise_video(encoder, 1, seed=1)[:, half:]], dim=1)
    assert torch.equal(encoder.encode_context(video, ids), encoder.encode_context(other, ids))


# positions


@pytest.mark.parametrize("grid", [(3, 4, 4), (2, 3, 4), (4, 4, 2), (1, 1, 3)])
@pytest.mark.parametrize("heads", [2, 3])
def test_rotary_positions_equal_transformers_on_square_and_other_grids(grid: tuple[int, int, int], heads: int) -> None:
    """Every token has the place that transformers gives the same (time, row, column) on its square grid."""
    config = tiny_config(num_attention_heads=heads)
    attention = VJEPA2RopeAttention(config, 48, heads)
    head = 48 // heads
    x = torch.randn(2, heads, grid[0] * grid[1] * grid[2], head, generator=torch.Generator().manual_seed(0))
    side = config.crop_size // config.patch_size
    ids = torch.tensor(
        [t * side * side + row * side + column for t in range(grid[0]) for row in range(grid[1]) for column in range(grid[2])]
    )
    theirs = attention.apply_rotary_embeddings(x, attention.get_position_ids(x.transpose(1, 2), masks=ids.expand(2, -1)))
    assert largest(rotate(x, rotary_table(grid, head)), theirs) == 0.0


@torch.inference_mode()
@pytest.mark.parametrize(("frames", "size"), [(8, 48), (4, 32), (12, 24), (2, 8)])
def test_off_the_configured_crop_positions_are_those_of_a_model_configured_for_it(frames: int, size: int) -> None:
    encoder = VJepa2Encoder.from_config(tiny_config(), seed=0)
    fitting = VJepa2Encoder.from_config(tiny_config(frames_per_clip=frames, crop_size=size), seed=1)
    fitting.model.load_state_dict(encoder.model.state_dict())
    here = encoder.at(frames, size)
    video = noise_video(here, 2)
    assert here.card.grid == (frames // 2, size // 8, size // 8)
    theirs = fitting.model(fitting.preprocess(video), skip_predictor=True).last_hidden_state
    assert largest(here.norm(here.run(here.embed(video), 0)), theirs) == 0.0


@torch.inference_mode()
def test_transformers_own_positions_are_wrong_off_the_crop() -> None:
    """Why the table is ours: the day this fails, transformers follows the actual grid."""
    encoder = VJepa2Encoder.from_config(tiny_config(), seed=0).at(8, 48)
    video = noise_video(encoder, 1)
    theirs = encoder.model(encoder.preprocess(video), skip_predictor=True).last_hidden_state
    assert largest(encoder.norm(encoder.run(encoder.embed(video), 0)), theirs) > 0


# refusals


@pytest.mark.parametrize(("frames", "size"), [(7, 32), (8, 36), (0, 32), (8, 0), (1, 32), (8, 4)])
def test_odd_frame_counts_and_sizes_off_the_grid_are_refused(tiny: VJepa2Encoder, frames: int, size: int) -> None:
    with pytest.raises(BadArgument, match="frames must be a multiple of 2 and the size a multiple of 8"):
        tiny.at(frames, size)


@pytest.mark.parametrize("shape", [(1, 6, 3, 32, 32), (1, 8, 3, 40, 40), (1, 8, 3, 32, 40), (1, 7, 3, 32, 32)])
def test_video_of_another_length_or_size_is_refused_with_both_sizes(tiny: VJepa2Encoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(BadArgument, match=rf"set up for 8 frames of 32 x 32 pixels, not {shape[1]} of {shape[3]} x {shape[4]}"):
        tiny.embed(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(8, 3, 32, 32), (1, 3, 8, 32, 32), (1, 8, 1, 32, 32)])
def test_what_is_not_a_batch_of_colour_clips_is_refused(tiny: VJepa2Encoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(BadArgument, match=r"takes video of shape \(clips, frames, 3, height, width\)"):
        tiny.check_video(torch.zeros(shape))


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (0, 4), (3, 2), (4, None)])
def test_blocks_that_do_not_exist_are_refused(tiny: VJepa2Encoder, start: int, stop: int | None) -> None:
    with pytest.raises(BadArgument, match=r"has layers 0\.\.3"):
        tiny.run(torch.zeros(1, tiny.card.tokens, 48), start, stop)


# running in parts


@torch.inference_mode()
def test_running_in_parts_equals_running_at_once(encoder: VJepa2Encoder) -> None:
    hidden = encoder.embed(noise_video(encoder, 2))
    whole = encoder.run(hidden, 0)
    for cut in range(encoder.card.depth + 1):
        assert torch.equal(encoder.run(encoder.run(hidden, 0, cut), cut), whole)
        assert torch.equal(encoder.run(hidden, cut, cut), hidden)


# twins, cards, digests


def test_an_untrained_twin_has_the_same_architecture_and_other_weights(encoder: VJepa2Encoder) -> None:
    twin = encoder.untrained(5)
    assert twin.model.config.to_dict() == encoder.model.config.to_dict()
    assert (twin.card.grid, twin.card.width, twin.card.depth) == (encoder.card.grid, encoder.card.width, encoder.card.depth)
    assert twin.card.digest != encoder.card.digest
    assert twin.card.digest == encoder.untrained(5).card.digest != encoder.untrained(6).card.digest
    assert twin.extra == encoder.extra
    ours, theirs = encoder.model.state_dict(), twin.model.state_dict()
    assert not any(torch.equal(ours[name], theirs[name]) for name in ours if name.endswith("query.weight"))


def test_drawing_fresh_weights_leaves_the_callers_random_state_alone(tiny: VJepa2Encoder) -> None:
    before = torch.get_rng_state()
    tiny.untrained(1)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_untrained_twin_keeps_length_size_and_precision(tiny: VJepa2Encoder) -> None:
    twin = tiny.at(4, 48).to("cpu", torch.bfloat16).untrained(0)
    assert (twin.card.frames, twin.card.size, twin.dtype) == (4, 48, torch.bfloat16)


def test_the_digest_names_weights_and_what_the_weights_do_not_tell(tiny: VJepa2Encoder) -> None:
    again = VJepa2Encoder.from_config(tiny_config(), seed=0)
    assert again.card.digest == tiny.card.digest == tiny.at(4, 48).card.digest
    heads = VJepa2Encoder.from_config(tiny_config(num_attention_heads=3), seed=0)
    heads.model.load_state_dict(tiny.model.state_dict())
    assert VJepa2Encoder(heads.model, "heads").card.digest != tiny.card.digest
    with torch.no_grad():
        again.model.predictor.proj.bias[0] += 1e-6
    assert VJepa2Encoder(again.model, "moved").card.digest != tiny.card.digest


def test_centred_targets_have_no_mean_over_the_clip_and_unit_spread() -> None:
    latents = torch.randn(3, 20, 7, generator=torch.Generator().manual_seed(0)) * 3 + 5
    targets = centred_targets(latents)
    torch.testing.assert_close(targets.mean(dim=1), torch.zeros(3, 7), atol=1e-5, rtol=0)
    torch.testing.assert_close(targets.square().mean(dim=(1, 2)), torch.ones(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(centred_targets(latents * 4 - 2), targets, atol=1e-4, rtol=0)


@torch.inference_mode()
def test_the_forecast_space_is_layer_normalised_unless_the_checkpoint_says_centred(tiny: VJepa2Encoder) -> None:
    latents = torch.randn(2, 10, 48, generator=torch.Generator().manual_seed(0))
    assert torch.equal(tiny.forecast_space(latents), torch.nn.functional.layer_norm(latents, (48,)))
    centred = VJepa2Encoder(tiny.model, "centred", {"targets": "centred"})
    assert torch.equal(centred.forecast_space(latents), centred_targets(latents))


@torch.inference_mode()
def test_in_half_precision_the_rotary_table_stays_in_float32() -> None:
    encoder = VJepa2Encoder.from_config(tiny_config(), seed=0)
    full = encoder.norm(encoder.run(encoder.embed(noise_video(encoder, 1)), 0))
    encoder.to("cpu", torch.bfloat16)
    half = encoder.norm(encoder.run(encoder.embed(noise_video(encoder, 1)), 0))
    assert encoder.table().cos.dtype == torch.float32 and half.dtype == torch.bfloat16
    assert largest(full, half.float()) < 0.1 * full.abs().max()
