"""A classifier checkpoint keeps its task head, with transformers' own logits to the last bit; and whatever is not there is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from encoders_at_hand import edit_weights, noise_video, save_classifier, tiny_config
from torch import Tensor
from transformers import VJEPA2ForVideoClassification

from jepascope.encoders.entries import ENCODERS
from jepascope.encoders.geometry import read_json, sizes_of
from jepascope.encoders.head import TaskHead
from jepascope.encoders.load import load_encoder, read_folder, save_encoder
from jepascope.encoders.models import known_models
from jepascope.encoders.planted.encoder import planted_encoder
from jepascope.encoders.selftest import self_test
from jepascope.encoders.task_labels import MAX_CHARACTERS, MAX_LABELS
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadCheckpoint

LABELS = ("Pulling [something] from left to right", "['Inward', '35som', 'NoTwis', 'TUCK']", "倒す", "up", "down")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, VJEPA2ForVideoClassification]:
    """A random classifier, as transformers saves it; not to be changed."""
    folder = tmp_path_factory.mktemp("classifier") / "tiny"
    return folder, save_classifier(folder, LABELS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One to be damaged."""
    save_classifier(tmp_path / "tiny", LABELS)
    return tmp_path / "tiny"


def logits_of(encoder: VJepa2Encoder, video: Tensor) -> Tensor:
    return encoder.head_logits(encoder.run(encoder.embed(video), 0))


def without_predictor(weights: dict[str, Tensor]) -> None:
    for name in [name for name in weights if "predictor." in name]:
        del weights[name]


# what it computes


@torch.inference_mode()
@pytest.mark.parametrize("clips", [1, 3])
def test_the_logits_equal_transformers_own_exactly(saved: tuple[Path, VJEPA2ForVideoClassification], clips: int) -> None:
    encoder = load_encoder(str(saved[0]))
    video = noise_video(encoder, clips)
    ours, theirs = logits_of(encoder, video), saved[1](encoder.preprocess(video)).logits
    assert ours.shape == (clips, len(LABELS)) and float(theirs.std()) > 0.01
    assert float((ours - theirs).abs().max()) == 0.0
    assert encoder.head_labels == LABELS
    assert (encoder.card.has_head, encoder.card.has_predictor) == (True, True)


@torch.inference_mode()
def test_off_the_trained_length_and_size_they_equal_a_model_configured_for_it(saved: tuple[Path, VJEPA2ForVideoClassification]) -> None:
    here = load_encoder(str(saved[0]), frames=4, size=48)
    config = tiny_config(frames_per_clip=4, crop_size=48)
    config.id2label = dict(enumerate(LABELS))
    fitting = VJEPA2ForVideoClassification(config).eval()
    fitting.load_state_dict(saved[1].state_dict())
    video = noise_video(here, 2)
    assert float((logits_of(here, video) - fitting(here.preprocess(video)).logits).abs().max()) == 0.0
    assert here.head_labels == LABELS


@torch.inference_mode()
def test_the_head_has_no_positions_of_its_own(saved: tuple[Path, VJEPA2ForVideoClassification]) -> None:
    encoder = load_encoder(str(saved[0]))
    hidden = encoder.run(encoder.embed(noise_video(encoder, 2)), 0)
    turned = hidden[:, torch.randperm(encoder.card.tokens, generator=torch.Generator().manual_seed(0))]
    torch.testing.assert_close(encoder.head_logits(turned), encoder.head_logits(hidden), atol=1e-5, rtol=1e-5)


def test_an_edit_of_the_residual_stream_has_a_gradient_and_the_head_has_none(saved: tuple[Path, VJEPA2ForVideoClassification]) -> None:
    encoder = load_encoder(str(saved[0]))
    hidden = encoder.embed(noise_video(encoder, 1)).requires_grad_()
    encoder.head_logits(encoder.run(hidden, 0))[0, 0].backward()
    assert hidden.grad is not None and float(hidden.grad.abs().max()) > 0
    assert encoder.head is not None and not any(weight.requires_grad for weight in encoder.head.parameters())


@torch.inference_mode()
def test_the_head_moves_with_its_encoder(saved: tuple[Path, VJEPA2ForVideoClassification]) -> None:
    encoder = load_encoder(str(saved[0]))
    video = noise_video(encoder, 2)
    full = logits_of(encoder, video)
    double = logits_of(encoder.to("cpu", torch.float64), video.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), full, atol=1e-4, rtol=1e-4)
    half = load_encoder(str(saved[0]), dtype=torch.bfloat16)
    read = logits_of(half, video)  # the head is a judge: it reads the latents of bfloat16 blocks in float32
    assert half.dtype == torch.bfloat16 and read.dtype == torch.float32
    assert 0 < float((read - full).abs().max()) < 0.05 * float(full.abs().max())


# what it is called


def test_the_digest_names_the_encoder_and_the_head_has_its_own(
    saved: tuple[Path, VJEPA2ForVideoClassification], folder: Path, tmp_path: Path
) -> None:
    encoder = load_encoder(str(saved[0]))
    saved[1].vjepa2.save_pretrained(tmp_path / "plain")
    plain = load_encoder(str(tmp_path / "plain"))
    assert encoder.card.digest == plain.card.digest
    assert encoder.card.head_digest == load_encoder(str(folder)).card.head_digest != plain.card.head_digest == ""
    assert encoder.describe()["head_digest"] == encoder.at(4, 48).card.head_digest == encoder.card.head_digest
    edit_weights(folder, lambda weights: weights["classifier.bias"].add_(1.0))
    moved = load_encoder(str(folder))
    assert moved.card.digest == encoder.card.digest and moved.card.head_digest != encoder.card.head_digest
    renamed = TaskHead(encoder.head.pooler, encoder.head.classifier, LABELS[::-1])  # type: ignore[union-attr]
    assert renamed.digest != encoder.card.head_digest


def test_an_untrained_twin_has_no_head(saved: tuple[Path, VJEPA2ForVideoClassification], tmp_path: Path) -> None:
    twin = load_encoder(str(saved[0])).untrained(0)
    assert (twin.card.has_head, twin.card.has_predictor, twin.card.head_digest) == (False, True, "")
    save_encoder(twin, tmp_path / "twin", {})
    assert not load_encoder(str(tmp_path / "twin")).card.has_head


@torch.inference_mode()
@pytest.mark.parametrize("labels", [LABELS, ("left", "right"), ("LABEL_0", "LABEL_1"), ("only",)])
def test_saving_what_was_loaded_changes_nothing(tmp_path: Path, labels: tuple[str, ...]) -> None:
    save_classifier(tmp_path / "first", labels)
    edit_weights(tmp_path / "first", lambda weights: weights.update({name: value.half() for name, value in weights.items()}))
    first = load_encoder(str(tmp_path / "first"))
    save_encoder(first, tmp_path / "again", {})
    again = load_encoder(str(tmp_path / "again"))
    assert first.head_labels == again.head_labels == labels
    assert (first.card.digest, first.card.head_digest) == (again.card.digest, again.card.head_digest)


# what is not there


def test_an_encoder_without_a_head_says_so(tiny: VJepa2Encoder) -> None:
    for encoder in (tiny, planted_encoder("clean")):
        hidden = torch.zeros(1, encoder.card.tokens, encoder.card.width)
        assert not encoder.card.has_head
        for asked in (lambda encoder=encoder, hidden=hidden: encoder.head_logits(hidden), lambda encoder=encoder: encoder.head_labels):
            with pytest.raises(BadArgument, match=rf"Encoder '{encoder.card.name}' has no task head") as caught:
                asked()
            assert "\n" not in str(caught.value)


def test_an_encoder_without_a_predictor_says_so(folder: Path, tmp_path: Path) -> None:
    edit_weights(folder, without_predictor)
    encoder = load_encoder(str(folder))
    bare = encoder.untrained(0)
    save_encoder(bare, tmp_path / "bare", {})
    for one in (encoder, encoder.at(4, 48), bare, load_encoder(str(tmp_path / "bare")), planted_encoder("clean")):
        assert not one.card.has_predictor
        hidden, ids = torch.zeros(1, 2, one.card.width), torch.arange(2)[None]
        for asked in (
            lambda one=one, hidden=hidden, ids=ids: one.forecast(hidden, ids, ids),
            lambda one=one, hidden=hidden: one.forecast_space(hidden),
        ):
            with pytest.raises(BadArgument, match="has no predictor, so it cannot forecast"):
                asked()


@torch.inference_mode()
def test_weights_of_a_predictor_that_is_not_there_are_never_made_up(saved: tuple[Path, VJEPA2ForVideoClassification], folder: Path) -> None:
    edit_weights(folder, without_predictor)
    once, twice, whole = load_encoder(str(folder)), load_encoder(str(folder)), load_encoder(str(saved[0]))
    assert not [name for name in once.model.state_dict() if name.startswith("predictor")]
    assert once.card.digest == twice.card.digest != whole.card.digest
    video = noise_video(once, 1)
    assert torch.equal(logits_of(once, video), logits_of(whole, video))
    assert once.card.head_digest == whole.card.head_digest


# refusals


def config_with(**fields: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, **fields}))

    return change


def weights_with(change: Callable[[dict[str, Tensor]], object]) -> Callable[[Path], None]:
    return lambda folder: edit_weights(folder, change)


def numbered(*labels: object) -> dict[str, object]:
    return {str(row): label for row, label in enumerate(labels)}


def truncated(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (weights_with(lambda w: w.pop("classifier.bias")), r"lacks weights: classifier\.bias\."),
        (weights_with(lambda w: [w.pop(f"classifier.{end}") for end in ("weight", "bias")]), r"lacks weights: classifier\.bias and 1 more"),
        (weights_with(lambda w: w.pop("pooler.query_tokens")), r"lacks weights: pooler\.query_tokens"),
        (weights_with(lambda w: w.pop("vjepa2.encoder.layer.1.mlp.fc1.weight")), r"lacks weights: vjepa2\.encoder\.layer\.1"),
        (weights_with(lambda w: w.pop("vjepa2.predictor.proj.bias")), r"lacks weights: vjepa2\.predictor\.proj\.bias\."),
        (weights_with(lambda w: w.update({"pooler.extra": torch.zeros(2)})), r"has unknown weights: pooler\.extra"),
        (weights_with(lambda w: w.update({"classifier.2.bias": torch.zeros(2)})), r"has unknown weights: classifier\.2\.bias"),
        (
            weights_with(lambda w: w.update({"pooler.query_tokens": torch.zeros(1, 2, 48)})),
            r"has misshapen weights: .*pooler\.query_tokens",
        ),
        (weights_with(lambda w: w.update({"classifier.weight": torch.zeros(5, 47)})), r"has misshapen weights: .*classifier\.weight"),
        (
            weights_with(lambda w: w.update({"classifier.weight": torch.zeros(7, 48), "classifier.bias": torch.zeros(7)})),
            r"has a classifier of 7 rows, but its config\.json \(id2label\) names 5 labels",
        ),
        (weights_with(lambda w: w["classifier.weight"].fill_(float("nan"))), "failed its self-test: its head's logits have NaN"),
        (truncated, "could not be loaded.*Download it again"),
        (config_with(num_pooler_layers=2), r"has unknown weights: pooler\.self_attention_layers\.2"),
        (config_with(num_pooler_layers=4), r"lacks weights: pooler\.self_attention_layers\.3"),
        (config_with(id2label=numbered("a", "b")), r"has a classifier of 5 rows, but its config\.json \(id2label\) names 2 labels"),
        (config_with(id2label=None), r"has a classifier of 5 rows, but its config\.json \(id2label\) names 2 labels"),
        (config_with(num_labels=4), "num_labels is 4, but id2label names 5"),
    ],
)
def test_a_head_that_does_not_fit_is_refused_in_one_sentence(folder: Path, damage: Callable[[Path], None], said: str) -> None:
    damage(folder)
    with pytest.raises(BadCheckpoint, match=said) as caught:
        load_encoder(str(folder))
    print(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a", "b"], "id2label must give 1 to 10,000 labels"),
        ({}, "id2label must give 1 to 10,000 labels"),
        (numbered(*("x" for _ in range(MAX_LABELS + 1))), "id2label must give 1 to 10,000 labels"),
        ({"0": "a", "2": "b"}, "must number its 2 labels from 0 to 1"),
        ({"0": "a", "one": "b"}, "must number its 2 labels from 0 to 1"),
        ({"0": "a", "00": "b"}, "must number its 2 labels from 0 to 1"),
        (numbered("a", 5), "label 1 of id2label is 5, but must be"),
        (numbered("a", None), "label 1 of id2label is None"),
        (numbered("", "b"), "label 0 of id2label is ''"),
        (numbered("a", "x" * (MAX_CHARACTERS + 1)), "must be 1 to 200 printable characters"),
        (numbered("a", "two\nlines"), "label 1 of id2label is 'two.*printable characters on one line"),
        (numbered("a", "\x1b[31mred"), "label 1 of id2label is"),
        (numbered("a", "\ud800"), "label 1 of id2label is"),
    ],
)
def test_labels_that_no_one_can_read_are_refused_before_anything_is_built(folder: Path, labels: object, said: str) -> None:
    config_with(id2label=labels)(folder)
    with pytest.raises(BadCheckpoint, match=said) as caught:
        sizes_of(read_json(folder / "config.json"), folder / "config.json")
    assert "\n" not in str(caught.value) and str(caught.value).isprintable() and len(str(caught.value)) < 400
    with pytest.raises(BadCheckpoint, match=said):
        load_encoder(str(folder))


def test_the_configuration_of_a_hub_name_is_checked_before_anything_is_built(folder: Path) -> None:
    config_with(num_labels=10**12)(folder)
    with pytest.raises(BadCheckpoint, match="num_labels is 1000000000000, but must be a whole number"):
        read_folder(folder, "someone/classifier", "classifier")


def test_without_the_architecture_a_head_is_left_aside(folder: Path) -> None:
    """As transformers' AutoModel does: the encoder alone is what config.json asks for."""
    config_with(architectures=["VJEPA2Model"], id2label={"x": 3})(folder)
    with pytest.raises(BadCheckpoint):  # transformers' own refusal of the labels, in one sentence
        load_encoder(str(folder))
    config_with(architectures=["VJEPA2Model"], id2label=None)(folder)
    assert not load_encoder(str(folder)).card.has_head


# the self-test


def test_a_sound_head_passes(saved: tuple[Path, VJEPA2ForVideoClassification]) -> None:
    assert self_test(load_encoder(str(saved[0]))) == 0.0


def test_a_head_with_another_number_of_logits_is_caught(folder: Path) -> None:
    encoder = load_encoder(str(folder))
    assert encoder.head is not None
    encoder.head.labels = LABELS[:4]
    with pytest.raises(BadCheckpoint, match=r"failed its self-test: its head gives logits of shape \(1, 5\) for 4 labels"):
        self_test(encoder)


def test_labels_and_rows_are_as_many() -> None:
    with pytest.raises(BadArgument, match="The classifier has 3 rows, but there are 2 labels"):
        TaskHead(torch.nn.Identity(), torch.nn.Linear(4, 3), ("a", "b"))


# the list of known models


def test_the_known_classifiers_have_the_parameters_of_their_configuration() -> None:
    classifiers = [model for model in known_models() if model.head]
    assert len(classifiers) == 4
    for model in classifiers:
        large = model.sizes.width == 1024
        config = tiny_config(
            patch_size=16,
            crop_size=model.sizes.size,
            frames_per_clip=model.sizes.frames,
            hidden_size=model.sizes.width,
            num_hidden_layers=model.sizes.depth,
            num_attention_heads=16 if large else 22,
            pred_hidden_size=384,
            pred_num_attention_heads=12,
            pred_num_hidden_layers=12,
            pred_num_mask_tokens=10,
        )
        config.mlp_ratio = 4.0 if large else 48 / 11
        config.num_labels = int(model.head.split()[-2])
        with torch.device("meta"):
            assert sum(weight.numel() for weight in VJEPA2ForVideoClassification(config).parameters()) == model.parameters
    assert VJEPA2ForVideoClassification.__name__ == ENCODERS.own["vjepa2"].classifier
