"""An encoder family is one file: what is declared in it is listed, planned, loaded and refused like every other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from encoders_at_hand import noise_video
from transformers import ViTConfig, ViTModel

import jepascope.encoders
from jepascope.cli.models import models_table, notes
from jepascope.encoders.entries import ENCODERS, family_of
from jepascope.encoders.geometry import sizes_of
from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.load import load_encoder
from jepascope.encoders.models import known_models
from jepascope.encoders.pixels import Pixels
from jepascope.errors import BadCheckpoint
from jepascope.study.geometry import geometry
from jepascope.study.spec import StudySpec

VIT_FILE = '''
"""ViT (transformers' ViTModel), frame by frame: a class token a frame."""

from transformers import ViTModel

from jepascope.encoders.entries import EncoderEntry
from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.pixels import HALF

DECLARED = EncoderEntry(
    name="vit",
    meaning="ViT",
    run="jepascope.encoders.vit:ViTEncoder",
    fields={"patch": ("patch_size", 16), "inside": ("intermediate_size", 3072)},
    class_token=True,
    checkpoints=(("google/vit-large-patch16-224", 303_301_632, {"width": 1024, "depth": 24}),),
)


class ViTEncoder(LibraryEncoder):
    kind = ViTModel
    built = {"add_pooling_layer": False}
    trained = HALF
'''
SMALL = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "image_size": 16, "patch_size": 4, "intermediate_size": 48}


@pytest.fixture
def dropped_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of encoders with one file more."""
    folder = tmp_path / "encoders"
    folder.mkdir()
    for file in Path(str(jepascope.encoders.__file__)).parent.glob("*.py"):
        (folder / file.name).symlink_to(file)
    (folder / "vit.py").write_text(VIT_FILE)
    assert "vit" not in ENCODERS.own
    monkeypatch.setattr(jepascope.encoders, "__path__", [str(folder)])
    monkeypatch.setattr(ENCODERS, "_folder", lambda: str(folder))
    monkeypatch.delitem(vars(ENCODERS), "own")
    monkeypatch.delitem(sys.modules, "jepascope.encoders.vit", raising=False)


@torch.inference_mode()
@pytest.mark.usefixtures("dropped_in")
def test_a_family_is_listed_planned_and_loaded_by_its_file_alone(tmp_path: Path) -> None:
    rows = {row.name: row for row in known_models()}
    large = rows["google/vit-large-patch16-224"]
    assert (large.sizes.width, large.sizes.depth, large.sizes.size, large.sizes.extra_per_frame) == (1024, 24, 224, 1)
    assert models_table(tuple(rows.values()), 80).row_count == len(rows)
    assert "I-JEPA, PE-Video, ViT" in " ".join(notes(tuple(rows.values()), 80))
    assert geometry(StudySpec(model=large.name, frames=4)).tokens == 4 * (14 * 14 + 1)

    torch.manual_seed(0)
    model = ViTModel(ViTConfig(**SMALL, initializer_range=0.3)).eval()
    model.save_pretrained(tmp_path / "saved")
    planned = geometry(StudySpec(model=str(tmp_path / "saved"), frames=3))
    encoder = load_encoder(str(tmp_path / "saved"), frames=3)
    assert isinstance(encoder, LibraryEncoder) and encoder.pixels == Pixels((0.5,) * 3, (0.5,) * 3)
    assert (planned.width, planned.depth, planned.tokens) == (encoder.card.width, encoder.card.depth, encoder.card.tokens) == (24, 3, 51)
    video = noise_video(encoder, 2)
    theirs = model(encoder.preprocess(video).flatten(0, 1)).last_hidden_state
    assert torch.equal(encoder.norm(encoder.run(encoder.embed(video), 0)), encoder.outward(theirs))


def test_without_its_file_the_same_checkpoint_is_refused(tmp_path: Path) -> None:
    ViTModel(ViTConfig(**SMALL)).save_pretrained(tmp_path / "saved")
    with pytest.raises(
        BadCheckpoint, match=r"is of a 'vit' model; jepascope reads V-JEPA 2, V-JEPA 2\.1, V-JEPA 2\.1 in transformers' format, "
    ):
        load_encoder(str(tmp_path / "saved"))


@pytest.mark.parametrize("name", ENCODERS.own)
def test_every_family_has_a_class_and_sizes_that_are_allowed(name: str) -> None:
    family = ENCODERS.own[name]
    config = {"model_type": family.model_type or name, **family.only}
    assert family_of(config) == family
    assert sizes_of(config, Path("config.json")).weights > 0
    assert issubclass(ENCODERS.load(name), LibraryEncoder)


def test_families_are_read_without_importing_torch() -> None:
    code = (
        "import sys, json; from jepascope.encoders.models import known_models; "
        "print(json.dumps([len(known_models()), *({'torch', 'transformers'} & set(sys.modules))]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [len(known_models())]
