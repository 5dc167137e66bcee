"""The predictor of JEPA-WM: latents of frames, modulated by their actions in every block (AdaLN), with states as further features.

Written anew from facebookresearch/jepa-wms (``VisionTransformerAdaLN`` of app/plan_common/models/AdaLN_vit.py, and how
app/vjepa_wm/video_wm.py embeds states); weights have Meta's names.
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

MODULATION = "adaLN_modulation"


class ModulatedBlock(nn.Module):
    """Attention and feed-forward, each behind a norm that is shifted and scaled, and before a gate, as the action of its time says."""

    def __init__(self, width: int, heads: int, wide: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = Attention(width, heads), FeedForward(width, wide)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(
        self,
        x: Float[Tensor, "clips tokens width"],
        action: Float[Tensor, "clips times width"],
        table: RotaryTable,
        seen: Bool[Tensor, "tokens tokens"],
    ) -> Float[Tensor, "clips tokens width"]:
        said = self.adaLN_modulation(action).repeat_interleave(x.shape[1] // action.shape[1], dim=1)
        shift, scale, gate, shift_fed, scale_fed, gate_fed = said.chunk(6, dim=2)
        x = x + gate * self.attn(self.norm1(x) * (1 + scale) + shift, table, seen)
        added: Tensor = gate_fed * self.mlp(self.norm2(x) * (1 + scale_fed) + shift_fed)
        return x + added


class AdaLNPredictor(StepPredictor):
    """``width``: of the encoder; ``inner``: its own, to which ``features`` of a state are added (0: it is given none)."""

    spreads: ClassVar[Mapping[str, float]] = {MODULATION: 0.2}

    def __init__(self, width: int, inner: int, depth: int, heads: int, wide: int, numbers: int, states: int = 0, features: int = 0) -> None:
        super().__init__()
        self.width, self.inner, self.heads, self.numbers, self.state_numbers = width, inner, heads, numbers, states
        whole = inner + features
        self.predictor_embed, self.predictor_proj = nn.Linear(width, inner), nn.Linear(inner, width)
        self.action_encoder = nn.Linear(numbers, whole)
        self.proprio_encoder = nn.Linear(states, features) if states else None
        self.predictor_blocks = nn.ModuleList(ModulatedBlock(whole, heads, wide) for _ in range(depth))
        self.predictor_norm = nn.LayerNorm(whole, eps=1e-6)

    def forward(
        self,
        latents: Float[Tensor, "clips times places width"],
        actions: Float[Tensor, "clips times action"],
        beside: Float[Tensor, "clips times places features"] | None,
        space: Space,
    ) -> tuple[Float[Tensor, "clips times places width"], Float[Tensor, "clips times places features"] | None]:
        times, embedded = latents.shape[1], self.predictor_embed(latents)
        x = (embedded if beside is None else torch.cat([embedded, beside], dim=3)).flatten(1, 2)
        table, seen = placed(times, space, x.shape[-1] // self.heads, 0, x.device)
        said = self.action_encoder(actions)
        for block in self.predictor_blocks:
            x = block(x, said, table, seen)
        x = self.predictor_norm(x).unflatten(1, (times, -1))
        return self.predictor_proj(x[..., : self.inner]), None if beside is None else x[..., self.inner :]


def read_adaln_predictor(path: Path, weights: Mapping[str, Tensor], heads: int) -> AdaLNPredictor:
    """The predictor of weights in Meta's names (``proprio_encoder``'s beside them), float32, with so many heads, which no shape tells.
    BadCheckpoint where a weight is missing, unknown or misshapen."""
    axes = dict.fromkeys(("predictor_embed.weight", "action_encoder.weight", "predictor_blocks.0.mlp.fc1.weight"), 2)
    states = any(name.startswith("proprio_encoder.") for name in weights)
    shapes = telling(path, weights, axes | ({"proprio_encoder.weight": 2} if states else {}))
    inner, width = shapes["predictor_embed.weight"]
    whole, numbers = shapes["action_encoder.weight"]
    if whole % heads:
        raise BadCheckpoint(f"'{path}' has a predictor {whole} wide, which is no multiple of its {heads} heads.")
    features, given = shapes.get("proprio_encoder.weight", (0, 0))
    with torch.device("meta"):
        wide = shapes["predictor_blocks.0.mlp.fc1.weight"][0]
        made = AdaLNPredictor(width, inner, layers_in(weights, "predictor_blocks"), heads, wide, numbers, given, features)
    return filled(path, made, weights)
