"""V-JEPA 2 (transformers' VJEPA2Model) behind the VideoEncoder interface.

The loop over the blocks is ours, the weights and modules are transformers'. In float32 on a CPU the result equals
transformers' own forward exactly; tests and the self-test at load hold it to that.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import VJEPA2ForVideoClassification, VJEPA2Model

from jepascope.encoders.dense_predictor import kind_of
from jepascope.encoders.entries import EncoderEntry
from jepascope.encoders.forecasting import Forecasting
from jepascope.encoders.geometry import read_json
from jepascope.encoders.head import TaskHead
from jepascope.encoders.pixels import Pixels
from jepascope.encoders.pretrained import load, refuse_misfits
from jepascope.encoders.rotary import FIELD, RULES, V2, RotaryRule, RotaryTable, block_forward, rotary_table
from jepascope.encoders.task_labels import names_head, task_labels
from jepascope.encoders.vjepa2_1 import rotation_of
from jepascope.errors import BadCheckpoint

DECLARED = EncoderEntry(
    name="vjepa2",
    meaning="V-JEPA 2",
    order=0,
    run="jepascope.encoders.vjepa2:VJepa2Encoder",
    fields={
        "width": ("hidden_size", 1024),
        "depth": ("num_hidden_layers", 24),
        "heads": ("num_attention_heads", 16),
        "patch": ("patch_size", 16),
        "size": ("crop_size", 256),
        "frames": ("frames_per_clip", 64),
        "tubelet": ("tubelet_size", 2),
        "channels": ("in_chans", 3),
        "predictor_width": ("pred_hidden_size", 384),
        "predictor_depth": ("pred_num_hidden_layers", 12),
        "predictor_heads": ("pred_num_attention_heads", 12),
        "mask_tokens": ("pred_num_mask_tokens", 10),
        "poolers": ("num_pooler_layers", 3),
        "labels": ("num_labels", 2),  # transformers leaves the labels out of config.json where they are LABEL_0 and LABEL_1
    },
    choices={  # of V-JEPA 2.1 transformers' fields say otherwise, and it is read as what it is or not at all
        "rotary": ("vjepa2", "vjepa2.1"),
        "use_rope_interleave": (False,),
        "use_modality_embeddings": (False,),
        "interpolate_rope": (False,),
        "use_context_projection": (False,),
        "use_image_patch_embedder": (False,),
        "hierarchical_layers": (None,),
        "teacher_embed_dim": (None,),
        "num_distillation_outputs": (1,),
    },
    predictor=True,
    classifier="VJEPA2ForVideoClassification",
    checkpoints=(
        ("facebook/vjepa2-vitl-fpc64-256", 325_971_328, {"torch_file": "vitl.pt", "torch_gb": 5.1}),
        ("facebook/vjepa2-vith-fpc64-256", 653_930_880, {"width": 1280, "depth": 32, "torch_file": "vith.pt", "torch_gb": 10.4}),
        ("facebook/vjepa2-vitg-fpc64-256", 1_034_555_264, {"width": 1408, "depth": 40, "torch_file": "vitg.pt", "torch_gb": 16.5}),
        (
            "facebook/vjepa2-vitg-fpc64-384",
            1_034_555_264,
            {"width": 1408, "depth": 40, "size": 384, "torch_file": "vitg-384.pt", "torch_gb": 16.5},
        ),
        ("facebook/vjepa2-vitl-fpc16-256-ssv2", 375_485_998, {"frames": 16, "head": "Something-Something v2, 174 labels"}),
        (
            "facebook/vjepa2-vitg-fpc64-384-ssv2",
            1_128_049_454,
            {"width": 1408, "depth": 40, "size": 384, "head": "Something-Something v2, 174 labels"},
        ),
        ("facebook/vjepa2-vitl-fpc32-256-diving48", 375_356_848, {"frames": 32, "head": "Diving48, 48 labels"}),
        (
            "facebook/vjepa2-vitg-fpc32-384-diving48",
            1_127_871_920,
            {"width": 1408, "depth": 40, "frames": 32, "size": 384, "head": "Diving48, 48 labels"},
        ),
        ("vjepa2-ac-vitg.pt", 1_317_394_944, {"width": 1408, "depth": 40, "frames": 8, "tubelet": 1, "actions": 7}),
    ),
)
BESIDE_SHAPES = ("num_attention_heads", "pred_num_attention_heads", "hidden_act", "layer_norm_eps")
"""What changes the output of the same weights (frames and size are the clips' own)."""


class VJepa2Encoder(Forecasting):
    """A frozen V-JEPA 2 or 2.1 encoder, with its predictor and its task head when the checkpoint has them.

    A model without a predictor is one whose ``predictor`` is None. V-JEPA 2.1 is known by its configuration (``rotary``); its predictor is
    shown latents of ``context_layers``, and where it forecasts a teacher's latents the card has no predictor: nothing of the encoder's
    own can be held against them. ``digest`` names the model alone, so that a classifier and the encoder it was put on share their
    activations where the weights are the same.
    """

    kind = VJEPA2Model
    attention_adds = ("attention.proj",)  # which ``block_forward`` calls

    def __init__(
        self,
        model: VJEPA2Model,
        name: str,
        extra: dict[str, Any] | None = None,
        head: TaskHead | None = None,
        pixels: Pixels | None = None,
    ) -> None:
        super().__init__(model, name, extra, pixels)
        self.head = head
        self.card = replace(self.card, has_head=head is not None, head_digest="" if head is None else head.digest)
        self.card = replace(self.card, has_predictor=self.card.has_predictor and not self.teacher, forecasts=self.forecasts())
        self._tables: dict[tuple[tuple[int, int, int], int, torch.device], RotaryTable] = {}
        self.block_forward = block_forward

    def beside_shapes(self) -> list[Any]:
        """Nothing but numbers for V-JEPA 2 as published, so that digests stay what they were before the rest was known."""
        return [
            *(getattr(self.model.config, field) for field in BESIDE_SHAPES),
            *([] if self.rotary == V2 else [self.rotary.name]),
            *([] if self.pixels.constants == self.trained.constants else [self.pixels.constants]),
        ]

    @classmethod
    def read(cls, folder: Path, name: str, label: str, extra: dict[str, Any], pixels: Pixels) -> VJepa2Encoder:
        """Encoder, with its predictor when the checkpoint has one, and the task head when config.json names one.

        A checkpoint without any weight of the predictor gives an encoder without; one that holds a part of it is refused, as is every
        other weight that is missing, unknown or misshapen.
        """
        path = folder / "config.json"
        config = read_json(path)
        labels = task_labels(config, path) if names_head(config, DECLARED.classifier) else ()
        loaded, info = load(VJEPA2ForVideoClassification if labels else kind_of(config.get(FIELD)), folder, name)
        for key, shape, _ in info["mismatched_keys"]:
            if key == "classifier.bias" and len(shape) == 1:
                raise BadCheckpoint(
                    f"'{name}' has a classifier of {shape[0]} rows, but its config.json (id2label) names {len(labels)} labels."
                )
        model, missing = (loaded.vjepa2 if labels else loaded), set(info["missing_keys"])
        predictor = {f"{'vjepa2.' if labels else ''}predictor.{key}" for key in model.predictor.state_dict()}
        if predictor <= missing:  # transformers left it random
            model.predictor, missing = None, missing - predictor
        elif (of_context := {name for name in predictor if ".proj_context." in name}) <= missing and of_context:
            model.predictor.proj_context, missing = None, missing - of_context
        unexpected = {key for key in info["unexpected_keys"] if labels or not key.startswith(("pooler.", "classifier."))}
        refuse_misfits(name, missing, unexpected, info["mismatched_keys"])
        return cls(model, label, extra, TaskHead(loaded.pooler, loaded.classifier, labels) if labels else None, pixels)

    @classmethod
    def built_of(cls, config: Any) -> VJEPA2Model:
        return kind_of(getattr(config, FIELD, V2.name))(config)

    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> VJepa2Encoder:
        """Itself, moved. The task head is a judge, and judges in float32 at least."""
        if self.head is not None:
            self.head.to(device=device, dtype=torch.float32 if dtype is not None and dtype.itemsize < 4 else dtype)
        return super().to(device, dtype)

    def embeddings(self, pixels: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        return self.model.encoder.embeddings(pixels)  # type: ignore[no-any-return]

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.block_forward(self.blocks[index - 1], hidden, self.table())

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.model.encoder.layernorm(hidden)  # type: ignore[no-any-return]

    @property
    def blocks(self) -> nn.ModuleList:
        return self.model.encoder.layer  # type: ignore[no-any-return]

    def forward(self, pixels: Float[Tensor, "clips frames 3 rows columns"], **asked: Any) -> Any:
        """transformers' own forward, at the size it is configured for (its positions are wrong elsewhere).

        For V-JEPA 2.1 with a rotation of its own put in, which does not read the table.
        """
        with rotation_of(self.model, self.rotary):
            return self.model(pixels, skip_predictor=True, **asked)

    @property
    def rotary(self) -> RotaryRule:
        """The rule of its positions: V-JEPA 2's, or 2.1's where the configuration says so."""
        return RULES[getattr(self.model.config, FIELD, V2.name)]

    def table(self, head_dim: int | None = None) -> RotaryTable:
        """The rotary table of this encoder's grid (cached per device)."""
        head_dim = head_dim or self.card.width // self.model.config.num_attention_heads
        key = (self.card.grid, head_dim, self.device)
        if key not in self._tables:
            with torch.inference_mode(False):  # a table first asked for without gradients must serve later passes with them
                self._tables[key] = rotary_table(self.card.grid, head_dim, self.rotary).to(self.device)
        return self._tables[key]

    def head_logits(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips labels"]:
        if self.head is None:
            raise self._without_head()
        return self.head(self.norm(hidden).to(self.head.dtype))  # type: ignore[no-any-return]

    @property
    def head_labels(self) -> tuple[str, ...]:
        if self.head is None:
            raise self._without_head()
        return self.head.labels
