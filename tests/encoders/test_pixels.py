"""Pixels are normalised as the file beside the weights says, or as the family was trained; digests tell one from the other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from encoders_at_hand import noise_video, tiny_config
from families_at_hand import CONFIGS, drawn, kind_of, saved
from transformers import VideoMAEImageProcessorPil, VivitImageProcessor

from jepascope.encoders.load import load_encoder, save_encoder
from jepascope.encoders.pixels import HALF, IMAGENET, Pixels, read_pixels, settled
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadCheckpoint

MINE: dict[str, Any] = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}
ONE_EACH = tuple(dict.fromkeys(name.split()[0] for name in CONFIGS))


def says(folder: Path, name: str = "preprocessor_config.json", **fields: Any) -> Path:
    (folder / name).write_text(json.dumps(fields))
    return folder / name


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (MINE, ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))),
        ({**MINE, "rescale_factor": 0.00392156862745098}, ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))),
        ({**MINE, "do_normalize": False}, ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))),
        ({**MINE, "do_rescale": False}, tuple(tuple(round(v / 255, 9) for v in values) for values in MINE.values())),
        ({"do_normalize": False, "rescale_factor": 1 / 127.5, "offset": True}, HALF.constants),
        ({"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "offset": None}, IMAGENET.constants),
    ],
)
def test_a_file_about_bytes_is_read_for_pixels_from_0_to_1(fields: dict[str, Any], expected: Any, tmp_path: Path) -> None:
    found = read_pixels(says(tmp_path, **fields))
    assert found is not None and found.constants == expected
    assert found.source.startswith("pixels as preprocessor_config.json says (mean ")


def test_what_says_nothing_of_colours_leaves_the_family_its_own(tmp_path: Path) -> None:
    assert read_pixels(says(tmp_path, size={"height": 224}, do_rescale=True)) is None
    assert settled(None, HALF, {}, ["Any"]) == HALF


@pytest.mark.parametrize("processor", [VivitImageProcessor(do_normalize=False), VivitImageProcessor(), VideoMAEImageProcessorPil()])
def test_transformers_own_processors_give_the_pixels_that_their_files_say(processor: Any, tmp_path: Path) -> None:
    """Of a frame of the very size, so that nothing is resized or cropped."""
    processor.size, processor.crop_size = {"shortest_edge": 8}, {"height": 8, "width": 8}
    processor.save_pretrained(tmp_path)
    frame = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    theirs = torch.as_tensor(processor([list(frame[None].numpy())], return_tensors="pt")["pixel_values"])[0, 0]
    found = read_pixels(tmp_path / "preprocessor_config.json", centred="Vivit" in type(processor).__name__)
    assert found is not None
    mean, sd = (torch.tensor(values).view(3, 1, 1) for values in found.constants)
    torch.testing.assert_close((frame / 255 - mean) / sd, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({**MINE, "image_std": [0.4, 0.0, 0.6]}, "image_std has '0.0', but its numbers must lie from 0.0001 to 10000"),
        ({**MINE, "image_std": [0.4, -1, 0.6]}, "image_std has '-1'"),
        ({**MINE, "image_mean": [0.4, float("nan"), 0.6]}, "image_mean has 'nan'"),
        ({**MINE, "image_mean": [0.4, float("inf"), 0.6]}, "image_mean has 'inf'"),
        ({**MINE, "image_mean": [0.4, 10**17, 0.6]}, "image_mean has '1000"),
        ({**MINE, "image_mean": [0.4, 10**400, 0.6]}, "it holds a whole number of 401 digits"),
        ({**MINE, "image_mean": [0.4, True, 0.6]}, "image_mean has 'True'"),
        ({**MINE, "image_mean": [0.4, "\x1b[31m", 0.6]}, r"image_mean has '\\x1b\[31m'"),
        ({**MINE, "image_mean": [0.4, 0.6]}, r"image_mean is '\[0.4, 0.6\]', but must be three numbers, one a colour"),
        ({**MINE, "image_mean": 0.5}, "image_mean is '0.5', but must be three numbers"),
        ({"image_mean": [0.1, 0.2, 0.3]}, "image_std is 'None', but must be three numbers"),
        ({**MINE, "rescale_factor": 0}, "rescale_factor has '0'"),
        ({**MINE, "do_normalize": "no"}, "do_normalize is 'no', but must be true or false"),
        ({**MINE, "offset": 1}, "offset is '1', but must be true or false"),
    ],
)
def test_what_is_no_normalisation_is_refused_in_one_sentence(fields: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match=said) as caught:
        read_pixels(says(tmp_path, **fields))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["", "[1]", '{"image_mean": ', "[" * 10**5])
def test_what_is_no_file_of_settings_is_refused_at_load(text: str, tmp_path: Path) -> None:
    folder = saved(drawn("ijepa"), tmp_path / "saved")
    (folder / "preprocessor_config.json").write_text(text)
    with pytest.raises(BadCheckpoint, match=r"preprocessor_config\.json' (is not a readable|does not hold a) configuration") as caught:
        load_encoder(str(folder))
    assert str(caught.value).isprintable()


# at load


@torch.inference_mode()
@pytest.mark.parametrize("name", ONE_EACH)
def test_a_checkpoint_with_pixels_of_its_own_is_another_encoder(name: str, tmp_path: Path) -> None:
    encoder = drawn(name)
    folder = saved(encoder, tmp_path / "saved")
    assert load_encoder(str(folder)).card.digest == encoder.card.digest
    says(folder, **encoder.trained.settings)
    same = load_encoder(str(folder))
    assert same.card.digest == encoder.card.digest
    says(folder, **{**MINE, "offset": False})
    other = load_encoder(str(folder))
    assert other.card.digest != encoder.card.digest
    assert other.card.source == "pixels as preprocessor_config.json says (mean 0.1 0.2 0.3, sd 0.4 0.5 0.6)"
    assert other.untrained(0).pixels == other.pixels
    video = noise_video(other, 1)
    mean, sd = (torch.tensor(values).view(3, 1, 1) for values in MINE.values())
    assert torch.equal(other.preprocess(video), (video - mean) / sd)


def test_v_jepa_2_keeps_its_digest_unless_its_pixels_differ(tmp_path: Path) -> None:
    tiny = VJepa2Encoder.from_config(tiny_config(), seed=0)
    tiny.model.save_pretrained(tmp_path / "tiny")
    says(tmp_path / "tiny", "video_preprocessor_config.json", image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225])
    assert load_encoder(str(tmp_path / "tiny")).card.digest == tiny.card.digest
    says(tmp_path / "tiny", "video_preprocessor_config.json", **MINE)
    other = load_encoder(str(tmp_path / "tiny"))
    assert other.card.digest != tiny.card.digest
    assert other.card.source == "pixels as video_preprocessor_config.json says (mean 0.1 0.2 0.3, sd 0.4 0.5 0.6)"
    assert isinstance(other, VJepa2Encoder) and other.untrained(0).pixels == other.pixels
    save_encoder(other, tmp_path / "again", {})
    assert load_encoder(str(tmp_path / "again")).preprocess(noise_video(tiny, 1)).equal(other.preprocess(noise_video(tiny, 1)))


@pytest.mark.parametrize(
    ("name", "architecture", "published"),
    [
        ("ijepa", "IJepaModel", {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 0.00392156862745098}),
        (
            "vivit",
            "ViViTForVideoClassification",
            {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 0.00784313725490196, "do_normalize": True},
        ),
    ],
)
def test_a_published_file_that_says_otherwise_than_the_family_was_trained_is_not_followed(
    name: str, architecture: str, published: dict[str, Any], tmp_path: Path
) -> None:
    """Those of facebook/ijepa_* (the default of the processor they were converted with) and google/vivit-b-16x2-kinetics400.

    Trained further, a checkpoint has another architecture's name, and was trained with what its file says.
    """
    encoder = drawn(name)
    folder = saved(encoder, tmp_path / "saved")
    says(folder, **published)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": [architecture]}))
    again = load_encoder(str(folder))
    assert replace(again.card, name=name, source="") == encoder.card
    assert again.pixels.constants == kind_of(name).trained.constants
    assert again.card.source.startswith("pixels as the family was trained (mean ") and ", not as preproc" in again.card.source
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["TrainedFurther"]}))
    assert load_encoder(str(folder)).pixels.constants != again.pixels.constants


def test_vivit_as_google_publishes_it_goes_from_minus_1_to_1(tmp_path: Path) -> None:
    published = {"do_normalize": False, "do_rescale": True, "rescale_factor": 0.00784313725490196, "do_zero_centering": True}
    found = read_pixels(says(tmp_path, **published), centred=kind_of("vivit").centred)
    assert isinstance(found, Pixels) and found.constants == kind_of("vivit").trained.constants == HALF.constants
