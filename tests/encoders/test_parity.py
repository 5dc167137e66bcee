"""Every loader and adapter, at every layer, against the library's own forward of a model that the library read by itself: one line each.

The largest absolute difference must be 0.0 in float32 on a CPU. V-JEPA 2.1 is in no library: it is held to rounding against a plain
implementation of its video path.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from encoders_at_hand import SHIPPED, noise_video, save_classifier, tiny_config
from families_at_hand import CONFIGS, drawn, saved
from safetensors.torch import load_file
from test_meta import checkpoint, random_model
from test_vjepa2_1 import checkpoint as checkpoint_2_1
from test_vjepa2_1 import random_encoder as random_encoder_2_1
from torch import Tensor
from transformers import VJEPA2Model

from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.load import load_encoder
from jepascope.encoders.models import WEIGHTS
from jepascope.encoders.pe_video import PeVideoEncoder
from jepascope.encoders.videoprism import VideoPrismEncoder
from jepascope.encoders.vjepa2 import VJepa2Encoder

ROUNDING = 1e-5  # of latents about 1 in size
Encoder = VJepa2Encoder | LibraryEncoder
Layers = list[Tensor]  # after each block, then after the final norm


def of_vjepa2(encoder: Encoder, model: Any, video: Tensor) -> Layers:
    seen: Layers = []
    for layer in model.encoder.layer:
        layer.register_forward_hook(lambda module, args, out: seen.append(out[0]))
    latents = model(encoder.preprocess(video), skip_predictor=True).last_hidden_state
    return [*seen, latents]


def family(name: str) -> Callable[[Path], tuple[Encoder, Callable[[Tensor], Layers]]]:
    def load(folder: Path) -> tuple[Encoder, Callable[[Tensor], Layers]]:
        encoder = load_encoder(str(saved(drawn(name), folder)))
        assert isinstance(encoder, LibraryEncoder)
        if isinstance(encoder, PeVideoEncoder):  # transformers reads its configuration by timm alone; timm's numbers: test_pe_video.py
            twin = type(encoder)(encoder.kind(encoder.model.config), "the library's own")
            twin.model.load_state_dict(load_file(folder / "model.safetensors"))
        else:
            twin = type(encoder)(encoder.kind.from_pretrained(folder, **encoder.built), "the library's own")

        def theirs(video: Tensor) -> Layers:
            if isinstance(twin, PeVideoEncoder):  # of which hidden_states lack the class token at the last layer
                seen: Layers = []
                for block in twin.blocks:
                    block.register_forward_hook(lambda module, args, out: seen.append(twin.outward(out)))
                latents = twin.reference(video)
                return [*seen, latents]
            out = twin.forward(twin.laid_out(video), output_hidden_states=True)
            if not isinstance(twin, VideoPrismEncoder):
                return [twin.outward(hidden) for hidden in (*out.hidden_states[1:], out.last_hidden_state)]
            spatial = 1 + len(twin.model.spatial_layers)  # the last of hidden_states is normed and in order already
            over_time = [twin.by_time(hidden) for hidden in (*out.hidden_states[spatial:-1], out.last_temporal_hidden_state)]
            return [*map(twin.outward, out.hidden_states[1:spatial]), *over_time, out.last_hidden_state]

        return encoder, theirs

    return load


def vjepa2_folder(folder: Path) -> tuple[Encoder, Callable[[Tensor], Layers]]:
    torch.manual_seed(0)
    VJEPA2Model(tiny_config()).save_pretrained(folder)
    encoder = load_encoder(str(folder))
    return encoder, lambda video: of_vjepa2(encoder, VJEPA2Model.from_pretrained(folder).eval(), video)


def vjepa2_classifier(folder: Path) -> tuple[Encoder, Callable[[Tensor], Layers]]:
    model = save_classifier(folder, ("left", "right"))
    encoder = load_encoder(str(folder))
    return encoder, lambda video: of_vjepa2(encoder, model.vjepa2, video)


def vjepa2_file(folder: Path) -> tuple[Encoder, Callable[[Tensor], Layers]]:
    torch.save(checkpoint(random_model()), folder / "vitx.pt")
    encoder = load_encoder(str(folder / "vitx.pt"), frames=4)
    return encoder, lambda video: of_vjepa2(encoder, random_model(), video)


def vjepa2_1_file(folder: Path) -> tuple[Encoder, Callable[[Tensor], Layers]]:
    meta = random_encoder_2_1()
    torch.save(checkpoint_2_1(meta), folder / "vjepa2_1_vitx.pt")
    return load_encoder(str(folder / "vjepa2_1_vitx.pt"), frames=4, size=64), lambda video: [meta(video)]


def shipped(name: str) -> Callable[[Path], tuple[Encoder, Callable[[Tensor], Layers]]]:
    def load(folder: Path) -> tuple[Encoder, Callable[[Tensor], Layers]]:
        encoder = load_encoder(name)
        model = VJEPA2Model.from_pretrained(WEIGHTS / name, dtype=torch.float32).eval()
        return encoder, lambda video: of_vjepa2(encoder, model, video)

    return load


LOADERS = {
    **{name: shipped(name) for name in SHIPPED},
    "V-JEPA 2, folder": vjepa2_folder,
    "V-JEPA 2, classifier": vjepa2_classifier,
    "V-JEPA 2, Meta's .pt": vjepa2_file,
    "V-JEPA 2.1, Meta's .pt": vjepa2_1_file,
    **{f"{name}, folder": family(name) for name in CONFIGS},
}


@torch.inference_mode()
@pytest.mark.parametrize("name", LOADERS)
def test_every_layer_of_what_is_loaded_equals_the_librarys_own(name: str, tmp_path: Path) -> None:
    encoder, library = LOADERS[name](tmp_path)
    video = noise_video(encoder, 2)
    hidden, ours = encoder.embed(video), []
    for block in range(1, encoder.card.depth + 1):
        hidden = encoder.block(block, hidden)
        ours.append(hidden)
    ours.append(encoder.norm(hidden))
    theirs = library(video)
    differences = [float((mine - its).abs().max()) for mine, its in zip(ours[-len(theirs) :], theirs, strict=True)]
    print(f"{name}: largest difference {max(differences):.1e} over {len(theirs)} layers of {tuple(hidden.shape)}")
    assert len(theirs) == (1 if "2.1" in name else encoder.card.depth + 1)
    assert max(differences) <= (ROUNDING if "2.1" in name else 0.0)
