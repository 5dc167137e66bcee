"""The predictor of V-JEPA 2.1 from Meta's .pt files, against a plain implementation of it: what it is shown, what it says, from which mask
token; and which files are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from encoders_at_hand import noise_video
from meta_2_1_at_hand import DEPTHS, NARROW, TEACHER, WIDTH, State, change, checkpoint, random_encoder, random_predictor, saved
from safetensors.torch import load_file
from torch import Tensor
from typer.testing import CliRunner

from jepascope.cli.app import app
from jepascope.encoders.card import EncoderCard
from jepascope.encoders.load import load_encoder, save_encoder
from jepascope.encoders.meta import load_meta
from jepascope.encoders.predictor import mask_token, mask_words
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadCheckpoint
from jepascope.intervention.judges.predictor import unavailable
from jepascope.study.spec import StudySpec

DEPTH, REFERENCE = 12, Path(__file__).with_name("meta_2_1.safetensors")
META = random_encoder(depth=DEPTH)
PREDICTORS = {
    "four depths": (random_predictor(4, teacher=False, blocks=2), "target_encoder"),
    "its own last": (random_predictor(1, teacher=False, blocks=2), "target_encoder"),
    "a teacher's": (random_predictor(1, teacher=True, blocks=2), "ema_encoder"),
}


@pytest.fixture(scope="module", params=PREDICTORS)
def which(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], VJepa2Encoder]:
    """An encoder with one of the predictors, read once."""
    loaded: dict[str, VJepa2Encoder] = {}

    def encoder(which: str) -> VJepa2Encoder:
        if which not in loaded:
            predictor, key = PREDICTORS[which]
            loaded[which] = untested(saved(tmp_path_factory.mktemp("meta"), checkpoint(META, key, predictor))).at(8, 64)
        return loaded[which]

    return encoder


def untested(file: str) -> VJepa2Encoder:
    """Read without the self-test, which is most of the time that reading takes."""
    model, extra, _ = load_meta(Path(file))
    return VJepa2Encoder(model, "untested", extra)


def kept(encoder: VJepa2Encoder, folder: Path) -> str:
    """A folder of it, made for clips so small that its self-test is quick."""
    save_encoder(encoder, folder, {})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "crop_size": 32}))
    return str(folder)


def masked(tokens: int) -> tuple[Tensor, Tensor]:
    """A third of the tokens of two clips as context and half of them as targets, in no order."""
    order = torch.stack([torch.randperm(tokens, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)])
    return order[:, : tokens // 3], order[:, tokens // 3 : tokens // 3 + tokens // 2]


# parity


@torch.inference_mode()
@pytest.mark.parametrize(("frames", "size"), [(8, 64), (4, 112), (2, 256)])
def test_forecasts_equal_metas_arithmetic_at_any_size(read, which: str, frames: int, size: int) -> None:
    encoder, predictor = read(which).at(frames, size), PREDICTORS[which][0]
    video, (context, targets) = noise_video(encoder, 2), masked(encoder.card.tokens)
    depths = META.depths(video, context)
    shown = torch.cat(depths if which == "four depths" else depths[-1:], dim=-1)
    theirs = predictor(shown, context, targets, encoder.card.grid)
    seen = encoder.encode_context(video, context)
    said = encoder.dense_forecast(seen, context, targets)
    pairs = {"context": (seen, shown), "targets": (said.targets, theirs[0]), "of the context": (said.context, theirs[1])}
    pairs["forecast"] = encoder.forecast(seen, context, targets), theirs[0] if encoder.teacher else theirs[0][..., -WIDTH:]
    apart = {name: float((ours - other).abs().max()) for name, (ours, other) in pairs.items()}
    print(f"{which}, {frames} frames of {size} pixels: largest differences {', '.join(f'{n} {d:.1e}' for n, d in apart.items())}")
    assert max(apart.values()) < 3e-5
    assert float(theirs[0].std()) > 0.1


@torch.inference_mode()
@pytest.mark.parametrize("which", ["four depths", "a teacher's"])
def test_outputs_equal_those_of_metas_own_code(read, which: str) -> None:
    """Computed once, by Meta's code on these weights (how, the file's metadata says); at 112 pixels, where rows are stretched."""
    theirs = {name.split("/")[1]: value for name, value in load_file(REFERENCE).items() if name.startswith(which)}
    encoder, (predictor, _) = read(which).at(8, 112), PREDICTORS[which]
    drawn = sum(float(value.double().sum().float().double().abs()) for model in (META, predictor) for value in model.state_dict().values())
    if drawn != pytest.approx(float(theirs["weights"]), rel=1e-6):
        pytest.skip("this torch draws other random numbers, so that the weights are others")
    video, (context, targets) = noise_video(encoder, 2), masked(encoder.card.tokens)
    seen = encoder.encode_context(video, context)
    said = encoder.dense_forecast(seen, context, targets)
    ours = {"latents": encoder.norm(encoder.run(encoder.embed(video), 0)), "shown": seen, "targets": said.targets, "context": said.context}
    apart = {name: float((value[:1, : theirs[name].shape[1]] - theirs[name]).abs().max()) for name, value in ours.items()}
    print(f"{which}: largest differences from Meta's code {', '.join(f'{name} {largest:.1e}' for name, largest in apart.items())}")
    assert max(apart.values()) < 3e-5


@torch.inference_mode()
def test_what_it_is_shown_of_whole_clips_is_every_depth_behind_its_norm(read, which: str) -> None:
    encoder = read(which)
    video = noise_video(encoder, 1)
    layers = DEPTHS[DEPTH] if which == "four depths" else (DEPTH,)
    assert encoder.context_layers == layers
    shown = encoder.context(encoder.states(encoder.embed(video), 0, layers))
    torch.testing.assert_close(shown, torch.cat(META.depths(video)[-len(layers) :], dim=-1), atol=1e-5, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize("part", ["video_mod_embed", "proj_context", "norms", "mask"])
def test_each_part_of_it_matters(read, part: str) -> None:
    """Without it the forecast is another one, so that parity says something of it."""
    encoder = read("four depths")
    video, (context, targets) = noise_video(encoder, 2), masked(encoder.card.tokens)

    def said() -> Tensor:
        both = encoder.dense_forecast(encoder.encode_context(video, context), context, targets)
        return both.context if part == "proj_context" else both.targets

    predictor, before = encoder.model.predictor, said()
    weight = {
        "video_mod_embed": predictor.embeddings.video_mod_embed,
        "proj_context": predictor.proj_context.weight,
        "norms": predictor.norms[0].weight,
        "mask": predictor.embeddings.mask_tokens,
    }[part]
    kept = weight.clone()
    weight.zero_()
    after = said()
    weight.copy_(kept)
    assert (before - after).abs().max() > 0.1


# what it forecasts, and what that can be held against


@torch.inference_mode()
def test_a_teachers_latents_are_forecast_and_held_against_nothing(read) -> None:
    encoder = read("a teacher's")
    context, targets = masked(encoder.card.tokens)
    seen = encoder.encode_context(noise_video(encoder, 2), context)
    assert encoder.forecast(seen, context, targets).shape[-1] == TEACHER and not encoder.card.has_predictor
    said = "forecasts a teacher's latents, 1,664 numbers a token, against which its own 128 cannot be held"
    assert said in encoder.card.forecasts
    with pytest.raises(BadArgument, match=said) as caught:
        encoder.forecast_space(seen)
    assert str(caught.value).isprintable()
    assert said in unavailable(encoder.card, StudySpec(model="any"))
    assert not encoder.untrained(0).card.forecasts


def test_an_encoder_of_the_teachers_width_that_was_distilled_has_none_of_its_own(tmp_path: Path) -> None:
    """The key tells: what was distilled is kept as ema_encoder."""
    predictor = PREDICTORS["its own last"][0]
    distilled, own = (untested(saved(tmp_path, checkpoint(META, key, predictor))) for key in ("ema_encoder", "target_encoder"))
    assert (distilled.card.has_predictor, own.card.has_predictor) == (False, True)


@torch.inference_mode()
@pytest.mark.parametrize("which", ["four depths", "its own last"])
def test_its_own_latents_are_held_against_those_of_the_last_depth(read, which: str) -> None:
    encoder = read(which)
    assert encoder.card.has_predictor and not unavailable(encoder.card, StudySpec(model="any"))
    latents = META(noise_video(encoder, 2))
    space = encoder.forecast_space(latents)
    apart, variance = latents - latents.mean(-1, keepdim=True), latents.var(-1, correction=0, keepdim=True)
    torch.testing.assert_close(space, apart / (variance + 1e-5).sqrt())


@torch.inference_mode()
def test_what_is_not_all_that_it_is_shown_is_refused(read) -> None:
    encoder = read("four depths")
    context, targets = masked(encoder.card.tokens)
    with pytest.raises(BadArgument, match=r"is shown 512 numbers a token, not 128: .* layers 3, 6, 9, 12"):
        encoder.forecast(torch.zeros(*context.shape, WIDTH), context, targets)


# mask tokens


def tokens(*norms: float) -> Tensor:
    return torch.tensor(norms).view(-1, 1, 1, 1) * torch.full((1, 1, 1, 4), 0.5)


@pytest.mark.parametrize(
    ("norms", "used", "said"),
    [
        ((2.0, 0.0, 0.0), 0, "mask token 0 of 3, the only one that is not zero (norm 2)"),
        ((0.0, 0.0, 3.0), 2, "mask token 2 of 3, the only one that is not zero (norm 3)"),
        ((0.5, 2.0), 1, "mask token 1 of 2, which Meta's code and transformers take by default (norms 0.5, 2)"),
        ((2.0, 1e-6, 1.0), 0, "mask token 0 of 3, the first that is not zero (the default, 1, is) (norms 2, 1e-06, 1)"),
        ((0.0, 0.0), 1, "mask token 1 of 2, all of which are zero"),
        ((4.0,), 0, "mask token 0 of 1, the only one that is not zero (norm 4)"),
    ],
)
def test_the_mask_token_that_counts_is_found_from_the_norms(norms: tuple[float, ...], used: int, said: str) -> None:
    assert mask_token(tokens(*norms)) == used
    assert mask_words(tokens(*norms)).startswith(said)


@torch.inference_mode()
@pytest.mark.parametrize(("counts", "used"), [((0,), 0), ((5,), 5), ((0, 1), 1), ((0, 2), 0)])
def test_forecasts_begin_from_it(counts: tuple[int, ...], used: int, tmp_path: Path) -> None:
    predictor = random_predictor(1, teacher=False, counts=counts)
    encoder = untested(saved(tmp_path, checkpoint(META, "target_encoder", predictor))).at(4, 64)
    assert f"begins from mask token {used} of 8" in encoder.card.forecasts
    context, targets = masked(encoder.card.tokens)
    seen = encoder.encode_context(noise_video(encoder, 2), context)
    ours, grid = encoder.forecast(seen, context, targets), encoder.card.grid
    for token in range(8):
        same = float((ours - predictor(seen, context, targets, grid, token)[0]).abs().max()) < 1e-5
        assert same == (token == used)


def test_models_says_what_files_and_folders_forecast_and_from_which_mask_token(read, tmp_path: Path) -> None:
    file = saved(tmp_path, checkpoint(META, "target_encoder", PREDICTORS["four depths"][0]))
    encoder = read("four depths")
    for where in (file, kept(encoder, tmp_path / "folder")):
        told = json.loads(CliRunner().invoke(app, ["models", where, "--json"]).stdout)
        assert (told["width"], told["depth"]) == (WIDTH, DEPTH)
        assert told["forecasts"].split(" (norm")[0] == encoder.card.forecasts.split(" (norm")[0]
        assert (
            "its own latents after blocks 3, 6, 9, 12" in told["forecasts"]
            and "begins from mask token 0 of 8, the only" in told["forecasts"]
        )
    shown = CliRunner().invoke(app, ["models", file]).stdout
    assert "target_encoder of V-JEPA 2.1 and predictor, left out its branch for images" in shown


# folders and files


@torch.inference_mode()
def test_a_saved_folder_forecasts_the_same(read, which: str, tmp_path: Path) -> None:
    encoder = read(which)
    again = load_encoder(kept(encoder, tmp_path / "folder"), frames=8, size=64)
    assert isinstance(again, VJepa2Encoder)
    facts = ("has_predictor", "source", "width", "depth")
    assert all(getattr(again.card, fact) == getattr(encoder.card, fact) for fact in facts)
    assert again.context_layers == encoder.context_layers
    context, targets = masked(encoder.card.tokens)
    seen = encoder.encode_context(noise_video(encoder, 2), context)
    ours, theirs = (one.forecast(seen, context, targets) for one in (again, encoder))
    torch.testing.assert_close(ours, theirs, atol=0.05, rtol=0)  # weights are saved in float16


def test_a_folder_or_file_without_a_projection_of_the_context_forecasts_targets_alone(tmp_path: Path) -> None:
    whole = checkpoint(META, "target_encoder", PREDICTORS["four depths"][0])
    change("predictor", predictor_proj_context__weight=None, predictor_proj_context__bias=None)(whole)
    encoder = untested(saved(tmp_path, whole)).at(2, 32)
    for one in (encoder, load_encoder(kept(encoder, tmp_path / "folder"), frames=2, size=32)):
        ids = torch.arange(4)[None]
        shown = torch.zeros(1, 2, 4 * WIDTH)
        assert one.forecast(shown, ids[:, :2], ids[:, 2:]).shape == (1, 2, WIDTH)
        with pytest.raises(BadArgument, match="forecasts targets alone"):
            one.dense_forecast(shown, ids[:, :2], ids[:, 2:])


@torch.inference_mode()
def test_a_twin_has_a_predictor_of_the_same_make(read) -> None:
    encoder = read("four depths")
    twin = encoder.untrained(0)
    shapes = {name: value.shape for name, value in encoder.model.state_dict().items()}
    assert {name: value.shape for name, value in twin.model.state_dict().items()} == shapes
    assert (twin.context_layers, twin.card.has_predictor) == (encoder.context_layers, True)
    assert "all of which are zero" in twin.card.forecasts
    context, targets = masked(twin.card.tokens)
    assert twin.forecast(twin.encode_context(noise_video(twin, 2), context), context, targets).isfinite().all()


P, T = "predictor", "target_encoder"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (change(P, mask_tokens__3=None), r"lacks weights: predictor\.mask_tokens\.3"),
        (change(P, video_mod_embed=None), r"lacks weights: predictor\.video_mod_embed"),
        (change(P, predictor_blocks__1__attn__qkv__bias=None), r"lacks weights: predictor\.predictor_blocks\.1\.attn\.qkv\.bias"),
        (change(P, predictor_proj__weight=None), r"lacks weights: predictor\.predictor_proj\.weight"),
        (change(P, predictor_embed__0__bias=None), r"lacks weights: predictor\.predictor_embed\.0\.bias"),
        (change(P, predictor_proj_context__weight=None), r"lacks weights: predictor\.predictor_proj_context\.weight"),
        (change(T, norms_block__1__bias=None), r"lacks weights: target_encoder\.norms_block\.1\.bias"),
        (change(P, predictor_head=torch.zeros(1)), r"has unknown weights: predictor\.predictor_head\. "),
        (change(P, predictor_proj_context__weight=torch.zeros(7, NARROW)), r"misshapen weights: predictor\.predictor_proj_context\.weight"),
        (
            change(P, predictor_embed__0__weight=torch.zeros(WIDTH, 3 * WIDTH)),
            r"its predictor is shown 3 depths of 12 blocks; where they lie",
        ),
        (
            change(P, predictor_embed__0__weight=torch.zeros(WIDTH, 4 * WIDTH + 1)),
            r"misshapen weights: predictor\.predictor_embed\.0\.weight",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(damage: Callable[[State], object], said: str, tmp_path: Path) -> None:
    whole = checkpoint(META, T, PREDICTORS["four depths"][0])
    damage(whole)
    with pytest.raises(BadCheckpoint, match=said) as caught:
        load_encoder(saved(tmp_path, whole), frames=2, size=32)
    assert str(caught.value).isprintable()  # one line
    print(caught.value)


def test_a_predictor_with_damaged_weights_fails_the_self_test(tmp_path: Path) -> None:
    whole = checkpoint(META, T, PREDICTORS["four depths"][0])
    change(P, predictor_norm__bias=torch.full((NARROW,), float("nan")))(whole)
    with pytest.raises(BadCheckpoint, match="failed its self-test: its predictor's forecast has NaN"):
        load_encoder(kept(untested(saved(tmp_path, whole)), tmp_path / "folder"))


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    file = Path(saved(tmp_path, checkpoint(META, T, PREDICTORS["four depths"][0])))
    file.write_bytes(file.read_bytes()[:-100_000])
    with pytest.raises(BadCheckpoint, match="could not be read"):
        load_encoder(str(file))


def test_four_depths_of_another_number_of_blocks_are_refused(tmp_path: Path) -> None:
    """Meta's code has them for 12, 24, 40 and 48."""
    with pytest.raises(BadCheckpoint, match="is shown 4 depths of 4 blocks; where they lie is known for 4 depths of 12, 24, 40, 48 blocks"):
        load_encoder(saved(tmp_path, checkpoint(random_encoder(), T, PREDICTORS["four depths"][0])), frames=2, size=32)


def test_a_card_without_words_says_that_there_is_no_predictor() -> None:
    card = EncoderCard("plain", 8, 2, 4, 16, (2, 1, 1), "")
    assert unavailable(card, StudySpec(model="any")) == "this encoder has no predictor"
