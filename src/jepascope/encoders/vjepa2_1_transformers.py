"""V-JEPA 2.1 in the format of transformers' pull request 45497, which no release of transformers reads: the video encoder, or refused.

Its configuration is transformers' V-JEPA 2 with fields of its own. Which names its weights have is known of the encoder alone, from public
code that reads such a folder: the norms behind depths that are forecast are ``encoder.distillation_norms``, the last of them the final one.
The names of the predictor's weights are not known, and it is left out; whatever else is not known refuses the folder.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import VJEPA2Config, VJEPA2Model

from jepascope.encoders.entries import EncoderEntry
from jepascope.encoders.folder_files import CONFIG_FILE, weight_files
from jepascope.encoders.geometry import read_json
from jepascope.encoders.pixels import Pixels
from jepascope.encoders.pretrained import guarded, refuse_misfits, weights_of
from jepascope.encoders.rotary import FIELD, V2_1
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.encoders.vjepa2_1 import CLIPS, PATCH
from jepascope.errors import BadCheckpoint

DECLARED = EncoderEntry(
    name="vjepa2_1_transformers",
    meaning="V-JEPA 2.1 in transformers' format",
    order=1,
    run="jepascope.encoders.vjepa2_1_transformers:TransformersEncoder",
    model_type="vjepa2",
    only={"use_rope_interleave": True, "interpolate_rope": True},
    like="vjepa2",
    choices={"use_modality_embeddings": (True,)},
)
BESIDE = ("mlp_ratio", "qkv_bias", "hidden_act", "layer_norm_eps")  # of its configuration, beside the sizes
NORMS, FINAL = "encoder.distillation_norms.", "encoder.layernorm."
EMBEDDINGS = "encoder.embeddings."
BIAS, OF_CLIPS = f"{EMBEDDINGS}patch_embeddings.proj.bias", f"{EMBEDDINGS}{CLIPS}"
LEFT_OUT = {
    "its branch for images": (f"{EMBEDDINGS}patch_embeddings_img.", f"{EMBEDDINGS}img_mod_embed"),
    "its predictor, the names of whose weights are not known": ("predictor.",),
}


class TransformersEncoder(VJepa2Encoder):
    """How such a folder is read; what it gives is a V-JEPA 2.1 encoder like any other."""

    @classmethod
    def read(cls, folder: Path, name: str, label: str, extra: dict[str, Any], pixels: Pixels) -> VJepa2Encoder:
        """The video encoder, its patches' bias with the embedding of clips in it; BadCheckpoint for weights that do not fit."""
        config = read_json(folder / CONFIG_FILE)
        last = _last_norm(config, folder / CONFIG_FILE)
        weights = weights_of(weight_files(folder, name), name)
        left = [words for words, stems in LEFT_OUT.items() if any(weight.startswith(stems) for weight in weights)]
        unused = tuple(stem for stems in LEFT_OUT.values() for stem in stems)
        earlier = tuple(f"{NORMS}{row}." for row in range(int(last.split(".")[-2])))
        kept = {weight: value.float() for weight, value in weights.items() if not weight.startswith((*unused, *earlier))}
        model = guarded(name, partial(_empty, config))
        shapes = {weight.replace(FINAL, last): tuple(value.shape) for weight, value in model.state_dict().items()}
        shapes[OF_CLIPS] = (1, 1, *shapes[BIAS])
        misshapen = [weight for weight in shapes.keys() & kept.keys() if tuple(kept[weight].shape) != shapes[weight]]
        refuse_misfits(name, shapes.keys() - kept.keys(), kept.keys() - shapes.keys(), misshapen)
        kept[BIAS] = kept[BIAS] + kept.pop(OF_CLIPS).flatten()
        model.load_state_dict({weight.replace(last, FINAL): value for weight, value in kept.items()}, assign=True)
        source = f"V-JEPA 2.1 in transformers' format{', left out ' if left else ''}{'; '.join(left)}"
        return VJepa2Encoder(model, label, {**extra, "source": source}, pixels=pixels)


def _empty(config: dict[str, Any]) -> VJEPA2Model:
    """The encoder of a configuration by the fields that both formats have: shapes, and weights of no meaning."""
    known = {name for name, _ in DECLARED.sizes.values()}.union(BESIDE)
    with torch.device("meta"):
        model = VJEPA2Model(VJEPA2Config(**{name: config[name] for name in known & config.keys()}, **{FIELD: V2_1.name}))
    model.predictor = None
    return model


def _last_norm(config: dict[str, Any], path: Path) -> str:
    """How names of the final norm's weights begin; BadCheckpoint where it is not known which that is, or where rows lie."""
    if config.get("patch_size", PATCH) != PATCH:
        raise BadCheckpoint(
            f"'{path}' is of V-JEPA 2.1 with patches of {config['patch_size']!a:.40}; where its rows lie is known for {PATCH}."
        )
    behind, depth, outputs = (
        config.get("hierarchical_layers"),
        config.get("num_hidden_layers", 24),
        config.get("num_distillation_outputs", 1),
    )
    if not isinstance(behind, list) or behind[-1:] != [depth - 1] or outputs not in range(1, len(behind) + 1):
        raise BadCheckpoint(
            f"'{path}': hierarchical_layers is {behind!a:.60} and num_distillation_outputs {outputs!a:.40}, so that it is not known which "
            f"norm is the final one; the first must end with the last of {depth} blocks (from 0), and the second is how many have norms."
        )
    return f"{NORMS}{outputs - 1}."
