"""The predictor of DINO-WM: latents of frames with actions and states as further features of every place, at learned positions.

Written anew from facebookresearch/jepa-wms (``ViTPredictor`` of app/plan_common/models/vit.py, after gaoyuezhou/dino_wm, and how
app/vjepa_wm/video_wm.py joins features); weights have Meta's names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from jepascope.encoders.jepa_wms import WINDOW
from jepascope.encoders.step_predictor import Space, StepPredictor, causal, filled, layers_in, telling
from jepascope.errors import BadCheckpoint

HEAD = 64  # width of a head: its code has no setting for it, so that the queries' width tells how many heads there are
LAYERS = "transformer.layers"


class SelfAttention(nn.Module):
    """Behind its norm; ``inner``: the width of all heads."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.norm, self.to_qkv = nn.LayerNorm(width), nn.Linear(width, 3 * inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, width))

    def forward(self, x: Float[Tensor, "clips tokens width"], seen: Bool[Tensor, "tokens tokens"]) -> Float[Tensor, "clips tokens width"]:
        query, key, value = (part.unflatten(-1, (-1, HEAD)).transpose(1, 2) for part in self.to_qkv(self.norm(x)).chunk(3, dim=-1))
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        return self.to_out(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Fed(nn.Module):
    """A feed-forward behind its norm."""

    def __init__(self, width: int, wide: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, wide), nn.GELU(), nn.Identity(), nn.Linear(wide, width))

    def forward(self, x: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.net(x)  # type: ignore[no-any-return]


class Transformer(nn.Module):
    """Both in turn on a residual stream, and a norm."""

    def __init__(self, width: int, depth: int, inner: int, wide: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(nn.ModuleList([SelfAttention(width, inner), Fed(width, wide)]) for _ in range(depth))

    def forward(self, x: Float[Tensor, "clips tokens width"], seen: Bool[Tensor, "tokens tokens"]) -> Float[Tensor, "clips tokens width"]:
        layers: Any = self.layers
        for attention, feed_forward in layers:
            x = attention(x, seen) + x
            x = feed_forward(x) + x
        return self.norm(x)  # type: ignore[no-any-return]


class DinoWMPredictor(StepPredictor):
    """``width``: of the encoder, beside which every place has ``features`` of its time's state (0: none) and of its action."""

    spreads: ClassVar[Mapping[str, float]] = {"pos_embedding": 1.0}

    def __init__(
        self, width: int, depth: int, inner: int, wide: int, positions: int, action: tuple[int, int], state: tuple[int, int] = (0, 0)
    ) -> None:
        """``action`` and ``state``: numbers of one, and the features that are made of them."""
        super().__init__()
        (self.numbers, of_action), (self.state_numbers, of_state) = action, state
        self.width, whole = width, width + of_state + of_action
        self.action_encoder = nn.Linear(*action)
        self.proprio_encoder = nn.Linear(*state) if of_state else None
        self.pos_embedding = nn.Parameter(torch.zeros(1, positions, whole))
        self.transformer = Transformer(whole, depth, inner, wide)

    def forward(
        self,
        latents: Float[Tensor, "clips times places width"],
        actions: Float[Tensor, "clips times action"],
        beside: Float[Tensor, "clips times places features"] | None,
        space: Space,
    ) -> tuple[Float[Tensor, "clips times places width"], Float[Tensor, "clips times places features"] | None]:
        times, places = latents.shape[1:3]
        said = self.action_encoder(actions)[:, :, None].expand(-1, -1, places, -1)
        x = torch.cat([latents, said] if beside is None else [latents, beside, said], dim=3).flatten(1, 2)
        x, seen = x + self.pos_embedding[:, : x.shape[1]], causal(times, places, x.device)
        x = self.transformer(x, seen).unflatten(1, (times, places))
        after = x[..., self.width : x.shape[-1] - said.shape[-1]]
        return x[..., : self.width], None if beside is None else after


def read_dino_wm_predictor(path: Path, weights: Mapping[str, Tensor], places: int) -> DinoWMPredictor:
    """The predictor of weights in Meta's names (those of ``action_encoder`` and ``proprio_encoder`` beside them), float32, for so many
    ``places`` a frame. BadCheckpoint where a weight is missing, unknown or misshapen, where positions are not those of whole frames, or a
    mask that is kept with them is not that of its code."""
    axes = {"pos_embedding": 3, "action_encoder.weight": 2, f"{LAYERS}.0.0.to_qkv.weight": 2, f"{LAYERS}.0.1.net.1.weight": 2}
    states = any(name.startswith("proprio_encoder.") for name in weights)
    shapes = telling(path, weights, axes | ({"proprio_encoder.weight": 2} if states else {}))
    queries, whole = shapes[f"{LAYERS}.0.0.to_qkv.weight"]
    (of_action, numbers), (of_state, given) = shapes["action_encoder.weight"], shapes.get("proprio_encoder.weight", (0, 0))
    width = whole - of_action - of_state
    if queries % (3 * HEAD) or width < 1:
        raise BadCheckpoint(f"'{path}' has a predictor with queries {queries} wide of tokens {whole} wide, which its code does not make.")
    times, rest = divmod(shapes["pos_embedding"][1], places)
    if rest or times < WINDOW:
        raise BadCheckpoint(f"'{path}' has {shapes['pos_embedding'][1]} positions, and its frames have {places} places each.")
    depth, seen = layers_in(weights, LAYERS), causal(times, places, torch.device("cpu")).float()
    masks = {f"{LAYERS}.{layer}.0.bias" for layer in range(depth)} & weights.keys()  # which tokens see which: some files keep them
    for name in masks:
        if weights[name].numel() != seen.numel() or not torch.equal(weights[name].float().view(seen.shape), seen):
            raise BadCheckpoint(f"'{path}': {name} is not the mask of {times} frames of {places} places that see what was before.")
    with torch.device("meta"):
        wide = shapes[f"{LAYERS}.0.1.net.1.weight"][0]
        made = DinoWMPredictor(width, depth, queries // 3, wide, times * places, (numbers, of_action), (given, of_state))
    return filled(path, made, {name: value for name, value in weights.items() if name not in masks})
