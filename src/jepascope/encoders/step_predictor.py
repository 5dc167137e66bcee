"""StepPredictor: what the predictors of world models share. Each is shown latents of some times and their actions, and says what comes
after every one of them; a time sees itself and what was before."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from jepascope.encoders.rotary import RotaryTable, rotary_table, rotate
from jepascope.encoders.weight_names import listed
from jepascope.errors import BadCheckpoint

SPREAD = 0.02  # of fresh weights
Space = tuple[int, int]
Made = TypeVar("Made", bound="StepPredictor")


class StepPredictor(nn.Module):
    """``width``: of the encoder; ``numbers``: of an action; ``state_numbers``: of a recorded state, 0 where it is given none."""

    width: int
    numbers: int
    state_numbers: int = 0
    proprio_encoder: nn.Linear | None  # of one that makes features of states, and says those of later times itself
    normed: ClassVar[bool] = False  # whether its latents are layer-normed, those that it is shown and those that it says
    spreads: ClassVar[Mapping[str, float]] = {}  # of fresh weights that are not as SPREAD says, by a part of their names

    def beside(
        self, states: Float[Tensor, "clips times state"], seen: int, places: int
    ) -> Float[Tensor, "clips some_times *places features"]:
        """What stands beside latents, of recorded states: features at every place, of the first ``seen`` times."""
        assert self.proprio_encoder is not None  # it is asked where states are given
        return self.proprio_encoder(states[:, :seen])[:, :, None].expand(-1, -1, places, -1)  # type: ignore[no-any-return]

    def forward(
        self,
        latents: Float[Tensor, "clips times places width"],
        actions: Float[Tensor, "clips times action"],
        beside: Float[Tensor, "clips times *places features"] | None,
        space: Space,
    ) -> tuple[Float[Tensor, "clips times places width"], Float[Tensor, "clips times *places features"] | None]:
        """Of every time the latents of the next one, and what will stand beside them where it says that itself."""
        raise NotImplementedError

    def fresh(self: Made, seed: int) -> Made:
        """One of the same shapes with weights as before training."""
        generator, twin = torch.Generator().manual_seed(seed), copy.deepcopy(self).cpu().float()  # drawn alike on every device
        for name, value in twin.state_dict().items():
            spread = next((spread for part, spread in self.spreads.items() if part in name), SPREAD)
            if value.ndim > 1:
                value.normal_(0, spread, generator=generator).clamp_(-2 * spread, 2 * spread)
            else:
                value.zero_()
        for module in twin.modules():
            if isinstance(module, nn.LayerNorm):
                nn.init.ones_(module.weight)
        return twin


class Attention(nn.Module):
    """Among tokens that see each other, turned by their places; weights have Meta's names."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "clips tokens width"], table: RotaryTable, seen: Bool[Tensor, "tokens tokens"]) -> Tensor:
        qkv = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(rotate(qkv[0], table), rotate(qkv[1], table), qkv[2], attn_mask=seen)
        return self.proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    """Of each token by itself; weights have Meta's names."""

    def __init__(self, width: int, wide: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, wide), nn.Linear(wide, width)

    def forward(self, x: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.fc2(F.gelu(self.fc1(x)))  # type: ignore[no-any-return]


def placed(times: int, space: Space, head: int, beside: int, device: torch.device) -> tuple[RotaryTable, Bool[Tensor, "tokens tokens"]]:
    """How tokens are turned, and which see which. ``beside``: tokens of every time before its places; they are turned by their time
    alone, as they lie at its first place."""
    places = space[0] * space[1]
    place = torch.cat([torch.zeros(beside, dtype=torch.long), torch.arange(places)])
    ids = (places * torch.arange(times)[:, None] + place).flatten()
    return rotary_table((times, *space), head).to(device).at(ids[None].to(device)), causal(times, beside + places, device)


def causal(times: int, tokens: int, device: torch.device) -> Bool[Tensor, "tokens tokens"]:
    """Which tokens see which, with so many tokens a time."""
    time = torch.arange(times, device=device).repeat_interleave(tokens)
    return time[:, None] >= time


def layers_in(names: Iterable[str], stem: str) -> int:
    """How many layers the names of weights tell of: ``stem.0.`` and on."""
    rows = [name.removeprefix(f"{stem}.").split(".")[0] for name in names if name.startswith(f"{stem}.")]
    return 1 + max((int(row) for row in rows if row.isdecimal() and len(row) < 7), default=-1)


def filled(path: Path, made: Made, weights: Mapping[str, Tensor]) -> Made:
    """A predictor (without values as yet) with the weights of a file, float32. BadCheckpoint where one is missing, unknown or misshapen."""
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    wanted = {name: tuple(value.shape) for name, value in made.state_dict().items()}
    for what, names in (("lacks", wanted.keys() - shapes.keys()), ("has unknown", shapes.keys() - wanted.keys())):
        if names:
            raise BadCheckpoint(f"'{path}' {what} weights of its action-conditioned predictor: {listed(names)}.")
    if misshapen := [name for name in wanted if wanted[name] != shapes[name]]:
        name = misshapen[0]
        raise BadCheckpoint(f"'{path}' has misshapen weights: {name} is {shapes[name]}, but must be {wanted[name]}.")
    made.load_state_dict({name: weights[name].detach().to(torch.float32, copy=True) for name in wanted}, assign=True)
    return made.eval().requires_grad_(False)


def telling(path: Path, weights: Mapping[str, Tensor], axes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """The shapes of weights that tell a size, which have so many axes. BadCheckpoint where one is missing or has another number."""
    for name, number in axes.items():
        if name not in weights or weights[name].ndim != number or 0 in weights[name].shape:
            raise BadCheckpoint(f"'{path}' has an action-conditioned predictor without {name}. Is it complete? Download it again.")
    return {name: tuple(weights[name].shape) for name in axes}
