"""Which class reads which config.json: one dispatch by model_type, one way of loading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig, PreTrainedModel

from jepascope.encoders.dinov2 import Dinov2Encoder, Dinov2WithRegistersEncoder
from jepascope.encoders.dinov3 import Dinov3Encoder
from jepascope.encoders.family_sizes import sizes_of
from jepascope.encoders.head import TaskHead
from jepascope.encoders.ijepa import IJepaEncoder
from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.pixels import Pixels
from jepascope.encoders.pretrained import from_pretrained as vjepa2_from_pretrained
from jepascope.encoders.pretrained import guarded, load, refuse_misfits
from jepascope.encoders.timesformer import TimesformerEncoder
from jepascope.encoders.videomae import VideoMAEEncoder
from jepascope.encoders.vivit import VivitEncoder
from jepascope.encoders.vjepa2 import VJepa2Encoder

ENCODERS: dict[str, type[LibraryEncoder]] = {
    "videomae": VideoMAEEncoder,
    "vivit": VivitEncoder,
    "timesformer": TimesformerEncoder,
    "dinov2": Dinov2Encoder,
    "dinov2_with_registers": Dinov2WithRegistersEncoder,
    "dinov3_vit": Dinov3Encoder,
    "ijepa": IJepaEncoder,
}
BEYOND = ("classifier.", "pooler.", "decoder.", "encoder_to_decoder.", "fc_norm.", "mask_token")
"""Weights of a checkpoint that lie behind the encoder: task heads, and the decoder that VideoMAE was trained with."""


def from_pretrained(source: str, name: str) -> tuple[PreTrainedModel, TaskHead | None]:
    """The model that the config.json of a folder describes, and V-JEPA 2's task head where there is one; nothing in it is left random."""
    config = guarded(name, lambda: PreTrainedConfig.get_config_dict(source, local_files_only=True)[0])
    sizes_of(config, Path(source) / "config.json")
    encoder = ENCODERS.get(config["model_type"])
    if encoder is None:
        return vjepa2_from_pretrained(source, name)
    model, info = load(encoder.kind, source, name, **encoder.built)
    unexpected = {key for key in info["unexpected_keys"] if not (key.startswith(BEYOND) or key.endswith(encoder.idle))}
    refuse_misfits(name, set(info["missing_keys"]), unexpected, {str(key) for key in info["mismatched_keys"]})
    return model, None


def kind_of(model_type: str) -> type[VJepa2Encoder] | type[LibraryEncoder]:
    """The class that runs models of a type."""
    return ENCODERS.get(model_type, VJepa2Encoder)


def encoder_of(
    model: PreTrainedModel, name: str, extra: dict[str, Any], head: TaskHead | None, pixels: Pixels | None
) -> VJepa2Encoder | LibraryEncoder:
    """The encoder that runs this model."""
    kind = kind_of(model.config.model_type)
    return kind(model, name, extra, head, pixels) if issubclass(kind, VJepa2Encoder) else kind(model, name, extra, pixels)
