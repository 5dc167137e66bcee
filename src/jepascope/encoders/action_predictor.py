"""The predictor of V-JEPA 2-AC: latents of frames, each behind its action and its state, causal in time.

Written anew from facebookresearch/vjepa2 (``VisionTransformerPredictorAC`` of src/models/ac_predictor.py, ``ACBlock`` of
src/models/utils/modules.py) and facebookresearch/jepa-wms, whose own are given no state, or call its weights otherwise; they have Meta's
names, so that a file is read as it is. Extrinsics are in some files and not used, as published.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from jepascope.encoders.rotary import RotaryTable
from jepascope.encoders.step_predictor import Attention, FeedForward, Space, StepPredictor, filled, layers_in, placed, telling
from jepascope.errors import BadCheckpoint

HEADS = {1024: 16}  # by width. Shapes do not tell how many there are, and another number gives other rollouts
EXTRINSICS = "extrinsics_encoder.weight"


class ActionBlock(nn.Module):
    """Attention and feed-forward, each behind its norm, on a residual stream."""

    def __init__(self, width: int, heads: int, wide: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = Attention(width, heads), FeedForward(width, wide)

    def forward(self, x: Float[Tensor, "clips tokens width"], table: RotaryTable, seen: Bool[Tensor, "tokens tokens"]) -> Tensor:
        x = x + self.attn(self.norm1(x), table, seen)
        added: Tensor = self.mlp(self.norm2(x))
        return x + added


class ActionPredictor(StepPredictor):
    """``width``: of the encoder; ``inner``: its own; ``numbers``: of an action; ``states``: of a state, 0 where none is given."""

    normed: ClassVar[bool] = True

    def __init__(
        self, width: int, inner: int, depth: int, heads: int, wide: int, numbers: int, states: int, extrinsics: bool = True
    ) -> None:
        super().__init__()
        self.width, self.heads, self.numbers, self.state_numbers = width, heads, numbers, states
        self.predictor_embed, self.predictor_proj = nn.Linear(width, inner), nn.Linear(inner, width)
        self.action_encoder = nn.Linear(numbers, inner)
        self.state_encoder = nn.Linear(states, inner) if states else None
        self.extrinsics_encoder = nn.Linear(numbers - 1, inner) if extrinsics else None
        self.predictor_blocks = nn.ModuleList(ActionBlock(inner, heads, wide) for _ in range(depth))
        self.predictor_norm = nn.LayerNorm(inner, eps=1e-6)

    def beside(self, states: Float[Tensor, "clips times state"], seen: int, places: int) -> Float[Tensor, "clips times state"]:
        """Themselves, of all times: they are tokens, and it says none."""
        return states

    def forward(
        self,
        latents: Float[Tensor, "clips times places width"],
        actions: Float[Tensor, "clips times action"],
        beside: Float[Tensor, "clips times state"] | None,
        space: Space,
    ) -> tuple[Float[Tensor, "clips times places width"], None]:
        times, places = latents.shape[1:3]
        parts = [self.action_encoder(actions)[:, :, None]]
        if self.state_encoder is not None:
            parts.append(self.state_encoder(beside)[:, :, None])
        x = torch.cat([*parts, self.predictor_embed(latents)], dim=2).flatten(1, 2)
        table, seen = placed(times, space, self.predictor_embed.out_features // self.heads, len(parts), x.device)
        for block in self.predictor_blocks:
            x = block(x, table, seen)
        x = x.unflatten(1, (times, len(parts) + places))[:, :, len(parts) :]
        return self.predictor_proj(self.predictor_norm(x)), None


def read_action_predictor(path: Path, weights: Mapping[str, Tensor], states: bool = True) -> ActionPredictor:
    """The predictor of weights in Meta's names, float32; ``states``: whether it is given some. BadCheckpoint where a weight is missing,
    unknown or misshapen, and for a width of which it is not known how many heads it has."""
    axes = dict.fromkeys(("predictor_embed.weight", "action_encoder.weight", "predictor_blocks.0.mlp.fc1.weight"), 2)
    shapes = telling(path, weights, axes | ({"state_encoder.weight": 2} if states else {}))
    inner, width = shapes["predictor_embed.weight"]
    if inner not in HEADS:
        known = f"how many heads one has is known for width {', '.join(map(str, HEADS))} alone"
        raise BadCheckpoint(f"'{path}' has an action-conditioned predictor {inner} wide; {known}.")
    with torch.device("meta"):
        made = ActionPredictor(
            width,
            inner,
            layers_in(weights, "predictor_blocks"),
            HEADS[inner],
            shapes["predictor_blocks.0.mlp.fc1.weight"][0],
            shapes["action_encoder.weight"][1],
            shapes["state_encoder.weight"][1] if states else 0,
            EXTRINSICS in weights,
        )
    return filled(path, made, weights)
