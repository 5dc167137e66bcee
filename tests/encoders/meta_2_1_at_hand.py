"""V-JEPA 2.1 as Meta's code computes it, written anew: complex numbers for the rotation, one sum for the attention; and files of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

State = dict[str, Any]
WIDTH, HEADS, NARROW, NARROW_HEADS, TEACHER = 128, 2, 384, 12, 1664
DEPTHS = {12: (3, 6, 9, 12), 24: (6, 12, 18, 24)}  # of Meta's vit_base and vit_large, counted from 1
MEAN, SD = (torch.tensor(values)[:, None, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, inside: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = nn.Module(), nn.Module()
        self.attn.qkv, self.attn.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp.fc1, self.mlp.fc2 = nn.Linear(width, inside), nn.Linear(inside, width)

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        query, key, value = self.attn.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        turns = turns_of(places, query.shape[-1])[:, None]
        scores = turned(query, turns) @ turned(key, turns).transpose(-1, -2) / query.shape[-1] ** 0.5
        x = x + self.attn.proj((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))
        return x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))


def turned(x: Tensor, turns: Tensor) -> Tensor:
    """Neighbouring coordinates as complex numbers, as many turned as there are turns (60 of 64, 30 of 32)."""
    many = 2 * turns.shape[-1]
    plane = torch.view_as_complex(x[..., :many].unflatten(-1, (-1, 2)).contiguous())
    return torch.cat([torch.view_as_real(plane * turns).flatten(-2), x[..., many:]], dim=-1)


def turns_of(places: Tensor, head: int) -> Tensor:
    """exp(i position frequency) of places (clips, tokens, 3): a third of the head for each of time, row and column."""
    pairs = (head // 3) // 2
    frequency = 10000.0 ** -(torch.arange(pairs) / pairs)
    return torch.polar(torch.ones(()), (places[..., None] * frequency).flatten(2))


def places_of(times: int, side: int) -> Tensor:
    """(time, row, column) of every token: rows and columns from 0 to 15 whatever the grid."""
    along = torch.arange(side) * 15 / (side - 1)
    return torch.cartesian_prod(torch.arange(times).float(), along, along)[None]


class MetaEncoder(nn.Module):
    """Under the names that Meta gives its weights; clips alone are run."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.patch_embed, self.patch_embed_img = nn.Module(), nn.Module()
        self.patch_embed.proj = nn.Conv3d(3, WIDTH, (2, 16, 16), (2, 16, 16))
        self.patch_embed_img.proj = nn.Conv3d(3, WIDTH, (1, 16, 16), (1, 16, 16))
        self.video_mod_embed, self.img_mod_embed = (nn.Parameter(torch.randn(1, 1, WIDTH)) for _ in range(2))
        self.blocks = nn.ModuleList(Block(WIDTH, HEADS, 2 * WIDTH) for _ in range(depth))
        self.norms_block = nn.ModuleList(nn.LayerNorm(WIDTH, eps=1e-6) for _ in range(4))

    def depths(self, video: Tensor, ids: Tensor | None = None) -> list[Tensor]:
        """Latents of clips (clips, frames, 3, rows, columns) in [0, 1], behind each of the norms; of some tokens, which see no others."""
        patches = self.patch_embed.proj((video.transpose(1, 2) - MEAN) / SD)
        places = places_of(*patches.shape[2:4])
        x = patches.flatten(2).transpose(1, 2) + self.video_mod_embed
        if ids is not None:
            x, places = torch.take_along_dim(x, ids[..., None], 1), places[0][ids]
        behind = DEPTHS.get(len(self.blocks), (0, 0, 0, len(self.blocks)))  # of another depth the last alone
        found = []
        for index, block in enumerate(self.blocks, start=1):
            x = block(x, places)
            if index in behind:
                found.append(self.norms_block[behind.index(index)](x))
        return found

    def forward(self, video: Tensor) -> Tensor:
        return self.depths(video)[-1]


class MetaPredictor(nn.Module):
    """Of one depth with a teacher's width (B and L), or of four with the encoder's own (g and G)."""

    def __init__(self, levels: int, blocks: int = 1, teacher: bool = False) -> None:
        super().__init__()
        said = TEACHER if teacher else levels * WIDTH
        self.predictor_embed = nn.Linear(WIDTH, NARROW)
        if levels > 1:
            self.predictor_embed = nn.Sequential(nn.Linear(levels * WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, NARROW))
        self.mask_tokens = nn.ParameterList(nn.Parameter(torch.zeros(1, 1, NARROW)) for _ in range(8))
        self.video_mod_embed, self.img_mod_embed = (nn.Parameter(torch.randn(1, 1, NARROW)) for _ in range(2))
        self.predictor_blocks = nn.ModuleList(Block(NARROW, NARROW_HEADS, 2 * NARROW) for _ in range(blocks))
        self.predictor_norm = nn.LayerNorm(NARROW, eps=1e-6)
        self.predictor_proj, self.predictor_proj_context = nn.Linear(NARROW, said), nn.Linear(NARROW, said)

    def forward(self, shown: Tensor, context: Tensor, targets: Tensor, grid: tuple[int, int, int], token: int = 0) -> tuple[Tensor, Tensor]:
        """What it says of the targets, and of the context; ``shown``: the context's latents, depths side by side."""
        absent = self.mask_tokens[token].expand(*targets.shape, -1)
        x = torch.cat([self.predictor_embed(shown), absent], dim=1) + self.video_mod_embed
        places = places_of(*grid[:2])[0][torch.cat([context, targets], dim=1)]
        for block in self.predictor_blocks:
            x = block(x, places)
        x = self.predictor_norm(x)
        return self.predictor_proj(x[:, context.shape[1] :]), self.predictor_proj_context(x[:, : context.shape[1]])


def shaken(make: Callable[[], nn.Module], seed: int) -> Any:
    """Weights so large that positions matter, as they do after training; biases and norms not left at 0 and 1. Mask tokens stay 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = make().eval().requires_grad_(False)
        for name, weight in model.named_parameters():
            if "mask_tokens" not in name:
                weight += (1.7 * weight.shape[-1] ** -0.5 if "qkv.weight" in name else 0.05) * torch.randn_like(weight)
    return model


def random_encoder(seed: int = 0, depth: int = 4) -> MetaEncoder:
    encoder: MetaEncoder = shaken(lambda: MetaEncoder(depth), seed)
    return encoder


def random_predictor(levels: int = 1, teacher: bool = True, counts: tuple[int, ...] = (0,), blocks: int = 1) -> MetaPredictor:
    """``counts``: which mask tokens are not zero."""
    predictor: MetaPredictor = shaken(lambda: MetaPredictor(levels, blocks, teacher), seed=3)
    for token in counts:
        predictor.mask_tokens[token] += torch.randn(NARROW, generator=torch.Generator().manual_seed(token))
    return predictor


def checkpoint(model: MetaEncoder, key: str = "ema_encoder", predictor: MetaPredictor | None = None) -> State:
    """As Meta's training saves it; with the predictor of a distilled encoder unless another is given."""

    def named(state: State) -> State:
        return {f"module.backbone.{name}": value for name, value in state.items()}

    predictor = predictor or random_predictor()
    beside = {"encoder": named(random_encoder(seed=1).state_dict()), "predictor": named(predictor.state_dict()), "epoch": 3}
    return {**beside, key: named(model.state_dict())}


def saved(folder: Path, state: object, name: str = "vjepa2_1_vitx.pt") -> str:
    torch.save(state, folder / name)
    return str(folder / name)


def change(key: str, **weights: Tensor | None) -> Callable[[State], object]:
    """Put weights in place of those of the same name, or take them out; ``__`` stands for a dot."""

    def edit(whole: State) -> None:
        for name, value in weights.items():
            whole[key].pop(f"module.backbone.{name.replace('__', '.')}", None)
            if value is not None:
                whole[key][f"module.backbone.{name.replace('__', '.')}"] = value

    return edit
