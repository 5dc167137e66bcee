"""The action-conditioned predictor of V-JEPA 2-AC: latents of frames, each behind its action and its state, causal in time.

Written anew from facebookresearch/vjepa2 (``VisionTransformerPredictorAC`` of src/models/ac_predictor.py, ``ACBlock`` of
src/models/utils/modules.py); weights have Meta's names, so that a file is read as it is. Extrinsics are in every file and not used, as
published.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from jepascope.encoders.rotary import RotaryTable, rotary_table, rotate
from jepascope.encoders.weight_names import listed
from jepascope.errors import BadCheckpoint

BESIDE = 2  # tokens of a frame before its places: the action and the state
HEADS = {1024: 16}  # by width. Shapes do not tell how many there are, and another number gives other rollouts
SPREAD = 0.02  # of fresh weights
Grid = tuple[int, int, int]


class ActionBlock(nn.Module):
    """Attention and feed-forward, each behind its norm, on a residual stream."""

    def __init__(self, width: int, heads: int, wide: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, wide), "fc2": nn.Linear(wide, width)})

    def forward(self, x: Float[Tensor, "clips tokens width"], table: RotaryTable, seen: Bool[Tensor, "tokens tokens"]) -> Tensor:
        qkv = self.attn["qkv"](self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(rotate(qkv[0], table), rotate(qkv[1], table), qkv[2], attn_mask=seen)
        x = x + self.attn["proj"](mixed.transpose(1, 2).flatten(2))
        added: Tensor = self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x))))
        return x + added


class ActionPredictor(nn.Module):
    """``width``: of the encoder; ``inner``: its own; ``numbers``: of an action, and of a state."""

    def __init__(self, width: int, inner: int, depth: int, heads: int, wide: int, numbers: int) -> None:
        super().__init__()
        self.heads, self.numbers = heads, numbers
        self.predictor_embed, self.predictor_proj = nn.Linear(width, inner), nn.Linear(inner, width)
        self.action_encoder, self.state_encoder = nn.Linear(numbers, inner), nn.Linear(numbers, inner)
        self.extrinsics_encoder = nn.Linear(numbers - 1, inner)
        self.predictor_blocks = nn.ModuleList(ActionBlock(inner, heads, wide) for _ in range(depth))
        self.predictor_norm = nn.LayerNorm(inner, eps=1e-6)

    def fresh(self, seed: int) -> ActionPredictor:
        """One of the same shapes with weights as before training."""
        generator, shapes = torch.Generator().manual_seed(seed), {name: value.shape for name, value in self.state_dict().items()}
        twin = sized(shapes, self.heads)
        for name, value in twin.state_dict().items():
            if value.ndim > 1:
                value.normal_(0, SPREAD, generator=generator).clamp_(-2 * SPREAD, 2 * SPREAD)
            else:
                value.fill_(float("norm" in name and name.endswith("weight")))
        return twin

    def forward(
        self,
        latents: Float[Tensor, "clips tokens width"],
        actions: Float[Tensor, "clips times action"],
        states: Float[Tensor, "clips times state"],
        grid: Grid,
    ) -> Float[Tensor, "clips tokens width"]:
        """Of every time what comes after it; a time sees itself and what was before. ``grid``: of so many times."""
        times, places = grid[0], grid[1] * grid[2]
        x = self.predictor_embed(latents).unflatten(1, (times, places))
        beside = [encode(part)[:, :, None] for encode, part in ((self.action_encoder, actions), (self.state_encoder, states))]
        x = torch.cat([*beside, x], dim=2).flatten(1, 2)
        table, seen = self._where(grid, x.device)
        for block in self.predictor_blocks:
            x = block(x, table, seen)
        x = x.unflatten(1, (times, BESIDE + places))[:, :, BESIDE:].flatten(1, 2)
        return self.predictor_proj(self.predictor_norm(x))  # type: ignore[no-any-return]

    def _where(self, grid: Grid, device: torch.device) -> tuple[RotaryTable, Bool[Tensor, "tokens tokens"]]:
        """How tokens are turned, and which see which. Actions and states are turned by their time alone: they lie at its first place."""
        times, places = grid[0], grid[1] * grid[2]
        place = torch.cat([torch.zeros(BESIDE, dtype=torch.long), torch.arange(places)])
        ids = (places * torch.arange(times)[:, None] + place).flatten()
        time = torch.arange(times).repeat_interleave(BESIDE + places)
        head = self.predictor_embed.out_features // self.heads
        return rotary_table(grid, head).to(device).at(ids[None].to(device)), (time[:, None] >= time).to(device)


def sized(shapes: Mapping[str, tuple[int, ...] | torch.Size], heads: int) -> ActionPredictor:
    """A predictor of the sizes that shapes of weights imply."""
    inner, width = shapes["predictor_embed.weight"]
    depth = 1 + max(int(row[1]) for name in shapes if (row := re.match(r"predictor_blocks\.(\d{1,6})\.", name)))
    return ActionPredictor(width, inner, depth, heads, shapes["predictor_blocks.0.mlp.fc1.weight"][0], shapes["action_encoder.weight"][1])


def read_action_predictor(path: Path, weights: Mapping[str, Tensor], width: int) -> ActionPredictor:
    """The predictor of weights in Meta's names, float32, for an encoder of that width. BadCheckpoint where one is missing, unknown or
    misshapen, and for a width of which it is not known how many heads it has."""
    telling = ("predictor_embed.weight", "action_encoder.weight", "predictor_blocks.0.mlp.fc1.weight")
    lacking = [name for name in telling if name not in weights or weights[name].ndim != 2 or 0 in weights[name].shape]
    if lacking:
        raise BadCheckpoint(f"'{path}' has an action-conditioned predictor without {lacking[0]}. Is it complete? Download it again.")
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    inner, theirs = shapes["predictor_embed.weight"]
    if inner not in HEADS or theirs != width:
        known = f"how many heads one has is known for width {', '.join(map(str, HEADS))} alone, and the encoder is {width} wide"
        raise BadCheckpoint(f"'{path}' has an action-conditioned predictor {inner} wide, of an encoder {theirs} wide; {known}.")
    with torch.device("meta"):
        made = sized(shapes, HEADS[inner])
    wanted = {name: tuple(value.shape) for name, value in made.state_dict().items()}
    for what, names in (("lacks", wanted.keys() - shapes.keys()), ("has unknown", shapes.keys() - wanted.keys())):
        if names:
            raise BadCheckpoint(f"'{path}' {what} weights of its action-conditioned predictor: {listed(names)}.")
    if misshapen := [name for name in wanted if wanted[name] != shapes[name]]:
        name = misshapen[0]
        raise BadCheckpoint(f"'{path}' has misshapen weights: {name} is {shapes[name]}, but must be {wanted[name]}.")
    made.load_state_dict({name: weights[name].detach().to(torch.float32, copy=True) for name in wanted}, assign=True)
    return made.eval().requires_grad_(False)
