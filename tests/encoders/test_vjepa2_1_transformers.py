"""V-JEPA 2.1 in transformers' format: the encoder as Meta's arithmetic has it, or refused; never taken for V-JEPA 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from encoders_at_hand import edit_weights, noise_video
from meta_2_1_at_hand import HEADS, WIDTH, MetaEncoder, random_encoder, random_predictor
from safetensors.torch import save_file
from torch import Tensor

from jepascope.encoders.load import load_encoder, save_encoder
from jepascope.encoders.rotary import V2_1
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadCheckpoint
from jepascope.study.geometry import geometry
from jepascope.study.spec import StudySpec

DEPTH = 4
SIZES = {
    "hidden_size": WIDTH,
    "num_attention_heads": HEADS,
    "num_hidden_layers": DEPTH,
    "mlp_ratio": 2,
    "crop_size": 64,
    "frames_per_clip": 4,
}
FLAGS = {"use_rope_interleave": True, "interpolate_rope": True, "use_modality_embeddings": True, "use_image_patch_embedder": True}
OF_PREDICTOR = {"use_context_projection": True, "teacher_embed_dim": 1664, "pred_num_mask_tokens": 8}


def folder_of(folder: Path, model: MetaEncoder, outputs: int = 1, **config: Any) -> str:
    """As the pull request's conversion names them: queries, keys and values apart, ``outputs`` norms, the predictor beside."""
    weights: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        place = name.replace("patch_embed_img.", "embeddings.patch_embeddings_img.").replace("patch_embed.", "embeddings.patch_embeddings.")
        place = place.replace("blocks.", "layer.").replace(".attn.", ".attention.")
        if name.endswith("_mod_embed"):
            place = f"embeddings.{name}"
        if name.startswith("norms_block."):
            row = int(name.split(".")[1]) - 4 + outputs
            if row >= 0:
                weights[f"encoder.distillation_norms.{row}.{name.split('.')[2]}"] = value.clone()
        elif ".qkv." in name:
            parts = zip(("query", "key", "value"), value.chunk(3), strict=True)
            weights |= {f"encoder.{place.replace('.qkv.', f'.{part}.')}": third.clone() for part, third in parts}
        else:
            weights[f"encoder.{place}"] = value.clone()
    weights |= {f"predictor.{name}": value.clone() for name, value in random_predictor().state_dict().items()}
    behind = {"hierarchical_layers": [0, 1, 2, 3], "num_distillation_outputs": outputs}
    folder.mkdir()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps({"model_type": "vjepa2", **SIZES, **FLAGS, **OF_PREDICTOR, **behind, **config}))
    return str(folder)


META = random_encoder()


@torch.inference_mode()
@pytest.mark.parametrize("outputs", [1, 4])
@pytest.mark.parametrize(("frames", "size"), [(4, 64), (4, 112)])
def test_latents_equal_metas_arithmetic(outputs: int, frames: int, size: int, tmp_path: Path) -> None:
    encoder = load_encoder(folder_of(tmp_path / "folder", META, outputs), frames=frames, size=size)
    assert isinstance(encoder, VJepa2Encoder) and encoder.rotary == V2_1
    video = noise_video(encoder, 2)
    difference = float((encoder.norm(encoder.run(encoder.embed(video), 0)) - META(video)).abs().max())
    print(f"{outputs} norms, {frames} frames of {size} pixels: largest difference {difference:.2e}")
    assert difference < 1e-5


def test_the_card_says_what_was_left_out_and_a_saved_folder_is_the_same_again(tmp_path: Path) -> None:
    encoder = load_encoder(folder_of(tmp_path / "folder", META))
    assert isinstance(encoder, VJepa2Encoder)
    said = "V-JEPA 2.1 in transformers' format, left out its branch for images; its predictor, the names of whose weights are not known"
    assert (encoder.card.source, encoder.card.has_predictor) == (said, False)
    save_encoder(encoder, tmp_path / "again", {})
    again = load_encoder(str(tmp_path / "again"))
    assert isinstance(again, VJepa2Encoder) and (again.rotary, again.card.source) == (V2_1, said)
    planned = geometry(StudySpec(model=str(tmp_path / "folder")))
    assert (planned.width, planned.depth, planned.has_predictor) == (WIDTH, DEPTH, False)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"use_rope_interleave": False}, "use_modality_embeddings is 'True', but must be one of: False, as V-JEPA 2 is read"),
        ({"interpolate_rope": False}, "use_rope_interleave is 'True', but must be one of: False"),
        ({"use_rope_interleave": False, "interpolate_rope": False}, "use_modality_embeddings is 'True', but must be one of: False"),
        ({flag: False for flag in FLAGS} | {"use_context_projection": False}, "hierarchical_layers is .*, but must be one of: None"),
        ({"use_modality_embeddings": False}, "use_modality_embeddings is 'False', but must be one of: True"),
        ({"hierarchical_layers": None}, "hierarchical_layers is None and num_distillation_outputs 1, so that it is not known which norm"),
        ({"hierarchical_layers": [1, 2, 3, 4]}, r"hierarchical_layers is \[1, 2, 3, 4\]"),
        ({"num_distillation_outputs": 5}, "num_distillation_outputs 5"),
        ({"patch_size": 8}, "patches of 8"),
        ({"hidden_act": "no such"}, "could not be loaded"),
        ({"hidden_size": 256, "num_attention_heads": 4}, "has misshapen weights"),
    ],
)
def test_a_configuration_that_does_not_say_all_of_it_is_refused(config: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match=said) as caught:
        load_encoder(folder_of(tmp_path / "folder", META, **config))
    assert str(caught.value).isprintable()
    print(caught.value)


@pytest.mark.parametrize(
    ("name", "put", "said"),
    [
        ("encoder.distillation_norms.0.weight", None, r"lacks weights: encoder\.distillation_norms\.0\.weight"),
        ("encoder.embeddings.video_mod_embed", None, r"lacks weights: encoder\.embeddings\.video_mod_embed"),
        ("encoder.layer.2.attention.key.bias", None, r"lacks weights: encoder\.layer\.2\.attention\.key\.bias"),
        (
            "encoder.layernorm.weight",
            torch.ones(WIDTH),
            r"has unknown weights: encoder\.layernorm\.weight",
        ),
        ("encoder.norms.3.weight", torch.ones(WIDTH), r"has unknown weights: encoder\.norms\.3\.weight"),
        ("encoder.distillation_norms.1.weight", torch.ones(WIDTH), r"has unknown weights: encoder\.distillation_norms\.1\.weight"),
        ("encoder.distillation_norms.0.weight", torch.ones(3), r"has misshapen weights: encoder\.distillation_norms\.0\.weight"),
        ("encoder.embeddings.video_mod_embed", torch.ones(WIDTH), r"has misshapen weights: encoder\.embeddings\.video_mod_embed"),
    ],
)
def test_weights_that_do_not_fit_are_refused(name: str, put: Tensor | None, said: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "folder", META)

    def change(weights: dict[str, Tensor]) -> None:
        weights.pop(name, None)
        if put is not None:
            weights[name] = put

    edit_weights(Path(folder), change)
    with pytest.raises(BadCheckpoint, match=said) as caught:
        load_encoder(folder)
    assert str(caught.value).isprintable()
    print(caught.value)
