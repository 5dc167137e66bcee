"""The predictor of V-JEPA 2.1 as a module: shown the encoder's latents at several depths side by side, it forecasts as many of them, and
it was trained to say those of the tokens that it is shown as well (dense prediction).

Names and arithmetic follow facebookresearch/vjepa2 (app/vjepa_2_1/models/predictor.py, train.py; src/hub/backbones.py), read there and
written anew. Its positions are the encoder's (``rotary.V2_1``), as in training; the hub's own construction leaves rows and columns
unstretched there, which is the same at 256 pixels alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import VJEPA2Config, VJEPA2Model
from transformers.models.vjepa2.modeling_vjepa2 import VJEPA2Predictor

from jepascope.encoders.depths import LEVELS, TEACHER, context_layers
from jepascope.encoders.predictor import mask_words
from jepascope.encoders.rotary import V2_1


def forecast_words(config: Mapping[str, Any], mask_tokens: Float[Tensor, "tokens 1 1 narrow"]) -> str:
    """What a predictor forecasts, and from which mask token."""
    width, teacher = config.get("hidden_size", 0), config.get(TEACHER)
    depths = context_layers(config.get("num_hidden_layers", 0), config.get(LEVELS, 1))
    of = f"its own latents, {width:,} numbers a token"
    if teacher:
        of = f"a teacher's latents, {teacher:,} numbers a token, against which its own {width:,} cannot be held"
    elif len(depths) > 1:
        of = f"its own latents after blocks {', '.join(map(str, depths))}, of which the last are judged"
    return f"its predictor forecasts {of}; it begins from {mask_words(mask_tokens)}"


class DensePredictor(VJEPA2Predictor):  # type: ignore[misc]
    """transformers' predictor with what is V-JEPA 2.1's: an MLP to take in several depths, an embedding of clips, wider projections.

    ``norms``: those behind the depths before the last, which Meta keeps with the encoder. ``proj_context``: None where a checkpoint has
    none (one that was trained to forecast targets alone).
    """

    def __init__(self, config: VJEPA2Config) -> None:
        super().__init__(config)
        levels, width, narrow = getattr(config, LEVELS, 1), config.hidden_size, config.pred_hidden_size
        context_layers(config.num_hidden_layers, levels)
        forecast = getattr(config, TEACHER, 0) or levels * width
        if levels > 1:
            self.embeddings.predictor_embeddings = nn.Sequential(nn.Linear(levels * width, width), nn.GELU(), nn.Linear(width, narrow))
        self.embeddings.video_mod_embed = nn.Parameter(torch.zeros(1, 1, narrow))
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=config.layer_norm_eps) for _ in range(levels - 1))
        self.proj = nn.Linear(narrow, forecast)
        self.proj_context: nn.Linear | None = nn.Linear(narrow, forecast)


class DenseModel(VJEPA2Model):  # type: ignore[misc]
    """transformers' V-JEPA 2 with the predictor of 2.1."""

    def __init__(self, config: VJEPA2Config) -> None:
        super().__init__(config)
        self.predictor = DensePredictor(config)
        self.post_init()


def kind_of(rule: Any) -> type[VJEPA2Model]:
    """The class of a configuration with this rotary rule: V-JEPA 2, or 2.1."""
    return DenseModel if rule == V2_1.name else VJEPA2Model
