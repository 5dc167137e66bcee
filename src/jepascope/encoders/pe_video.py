"""PE-Video (transformers' PeVideoEncoder), the video encoder of PE-AV: one token a frame, which a tower made, and a class token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PeVideoEncoder as Theirs
from transformers import PeVideoEncoderConfig, TimmWrapperConfig
from transformers.models.pe_video.modeling_pe_video import (
    PeVideoEncoderEmbedder,
    PeVideoEncoderLayer,
    PeVideoEncoderPatchEmbedder,
    PeVideoEncoderRMSNorm,
    PeVideoEncoderRotaryEmbedding,
)

from jepascope.encoders.entries import EncoderEntry
from jepascope.encoders.folder_files import config_of, weight_files
from jepascope.encoders.frame_tower import USUAL, tower_of
from jepascope.encoders.geometry import own_fields, read_json
from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.perception import VisionModel
from jepascope.encoders.pixels import HALF, Pixels
from jepascope.encoders.pretrained import filled, guarded, refuse_misfits, weights_of
from jepascope.errors import BadCheckpoint

DECLARED = EncoderEntry(
    name="pe_video_encoder",
    meaning="PE-Video",
    order=9,
    run="jepascope.encoders.pe_video:PeVideoEncoder",
    within={"pe_video": ("video_config",), "pe_audio_video": ("audio_video_config", "video_config")},
    tower="vision_config",
    fields={
        "width": ("hidden_size", 1792),
        "depth": ("num_hidden_layers", 6),
        "heads": ("num_attention_heads", 14),
        "head_width": ("head_dim", 128),
        "inside": ("intermediate_size", 4800),
        "frames": ("num_frames", 16),
    },
    class_token=True,
)
FIELDS = (
    *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "hidden_act"),
    *("max_position_embeddings", "initializer_range", "rms_norm_eps", "rope_parameters", "rope_theta", "rope_scaling", "attention_bias"),
)
"""What is read of the encoder's own configuration; the tower's is in its vision_config."""
TOWER = "embedder.vision_model."  # what the names of the tower's weights begin with, in the encoder itself
LABELS = "embedder.proj.weight"  # (width, numbers of the vector that the tower makes of a frame)


class Embedder(PeVideoEncoderEmbedder):  # type: ignore[misc]
    """transformers', with a tower that needs no timm."""

    def __init__(self, config: Any) -> None:
        nn.Module.__init__(self)
        vision = config.vision_config
        self.vision_model = VisionModel(tower_of(vision.to_dict(), Path("config.json")), vision.num_labels)
        self.proj = nn.Linear(vision.num_labels, config.hidden_size, bias=False)
        self.data_proj = nn.Linear(config.hidden_size, config.hidden_size)


class ByClip(PeVideoEncoderPatchEmbedder):  # type: ignore[misc]
    """transformers', clip by clip: the last digits of a convolution depend on how many clips it is given."""

    def forward(self, inputs_embeds: Tensor, padding_mask: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        of_one = super().forward
        return torch.cat([of_one(clip)[0] for clip in inputs_embeds.split(1)]), padding_mask


class Towered(Theirs):  # type: ignore[misc]
    """transformers' encoder around that tower, run by transformers' own forward."""

    def __init__(self, config: Any) -> None:
        super(Theirs, self).__init__(config)
        self.embedder, self.patch_embedder = Embedder(config), ByClip(config)
        self.layers = nn.ModuleList(PeVideoEncoderLayer(config, index) for index in range(config.num_hidden_layers))
        self.norm = PeVideoEncoderRMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.rotary_emb = PeVideoEncoderRotaryEmbedding(config=config)
        self.output = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.post_init()


class PeVideoEncoder(LibraryEncoder):
    """Its layers are those over time: layer 0 is what the tower makes of each frame, normed over the clip and convolved with the frames
    beside it. The linear map behind the last norm counts in with that. Its pixels go from -1 to 1, as Meta trained it.
    """

    kind = Towered
    trained = HALF
    attention_adds = ("self_attn",)
    beside = ("head_dim", "rms_norm_eps", "rope_parameters")

    def beside_shapes(self) -> list[Any]:
        return [*super().beside_shapes(), asdict(self.model.embedder.vision_model.timm_model.tower)]

    @classmethod
    def read(cls, folder: Path, name: str, label: str, extra: dict[str, Any], pixels: Pixels) -> PeVideoEncoder:
        """The encoder alone, of a folder that may hold PE-AV's audio and text as well."""
        path, files = config_of(folder, name), weight_files(folder, name)
        held = weights_of(files, name)
        before = min((weight.partition(TOWER)[0] for weight in held if TOWER in weight), key=len, default="")
        weights = {weight.removeprefix(before): value for weight, value in held.items() if weight.startswith(before)}
        fields, read = own_fields(read_json(path), path), weights.get(LABELS)
        heads = fields.get(*DECLARED.sizes["heads"])
        if fields.get("num_key_value_heads") not in (None, heads):
            raise BadCheckpoint(f"'{path}': num_key_value_heads must be {heads}, as num_attention_heads is; fewer are not read.")
        labels = read.shape[1] if read is not None and read.ndim == 2 else 1
        config = guarded(name, partial(configured, fields, labels), files)
        model, info = filled(cls.kind, config, weights, name, files)
        refuse_misfits(name, set(info["missing_keys"]), set(info["unexpected_keys"]), info["mismatched_keys"])
        return cls(model, label, extra, pixels)

    def embeddings(self, pixels: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips seen width"]:
        return self.model.patch_embedder(self.model.embedder(pixels)[0])[0]  # type: ignore[no-any-return]

    def placed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips frames width"]:
        """What the tower makes of each frame, before neighbouring ones are convolved."""
        return self.model.embedder(self.laid_out(video))[0]  # type: ignore[no-any-return]

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        seen = self.inward(hidden)
        positions = self.model.rotary_emb(seen, torch.arange(seen.shape[1], device=seen.device)[None])
        return self.outward(self.block_forward(self.blocks[index - 1], seen, position_embeddings=positions))

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.model.output(self.model.norm(hidden))  # type: ignore[no-any-return]

    def reference(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        """transformers' own forward, whose class token is apart."""
        out = self.forward(self.laid_out(video))
        return torch.cat([out.last_hidden_state, out.pooler_output[:, None]], dim=1)


def configured(fields: Mapping[str, Any], labels: int) -> PeVideoEncoderConfig:
    """transformers' configuration of the encoder, without what timm would be asked for."""
    vision = fields.get("vision_config") or {}
    tower = TimmWrapperConfig(architecture=vision.get("architecture", USUAL), model_args=vision.get("model_args"), num_labels=labels)
    return PeVideoEncoderConfig(**{field: fields[field] for field in FIELDS if fields.get(field) is not None}, vision_config=tower)
