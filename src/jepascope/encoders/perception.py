"""Perception Encoder's tower (timm's ``vit_pe_core_*``): images -> one vector each, with timm's names of the weights.

Written anew after timm 1.0.31 (``Eva`` in timm/models/eva.py, ``AttentionPoolLatent``), which itself needs torchvision.
"""

from __future__ import annotations

from types import SimpleNamespace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from jepascope.encoders.frame_tower import Tower
from jepascope.encoders.rotary import RotaryTable, rotate

EPSILON = 1e-5  # of its norms
TOGETHER = 8  # frames at once: more are no faster on a CPU, and clips of a batch would hold all of theirs
SPREAD = 0.02  # of fresh tokens and positions


def tower_table(tower: Tower) -> RotaryTable:
    """Of a head's pairs the first half turns with the column, the second with the row. A class token is not turned."""
    places = (torch.arange(tower.side, dtype=torch.float32) + tower.first) / tower.side * tower.span
    bands = tower.width // tower.heads // 4
    speed = 1.0 / (10000.0 ** (torch.arange(bands, dtype=torch.float32) / bands))
    rows, columns = torch.meshgrid(places, places, indexing="ij")
    angles = torch.stack([columns, rows], dim=-1).flatten(0, 1)[..., None] * speed
    turns = torch.cat([torch.zeros(int(tower.class_token), 2 * bands), angles.flatten(1)]).repeat_interleave(2, 1)
    return RotaryTable(turns.cos(), turns.sin())


class Mlp(nn.Module):
    def __init__(self, width: int, inside: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, inside), nn.Linear(inside, width)

    def forward(self, hidden: Float[Tensor, "*tokens width"]) -> Float[Tensor, "*tokens width"]:
        return self.fc2(F.gelu(self.fc1(hidden)))  # type: ignore[no-any-return]


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, hidden: Float[Tensor, "images tokens width"], table: RotaryTable) -> Float[Tensor, "images tokens width"]:
        query, key, value = self.qkv(hidden).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(rotate(query, table), rotate(key, table), value)
        return self.proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Block(nn.Module):
    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(tower.width, eps=EPSILON) for _ in range(2))
        self.attn, self.mlp = Attention(tower.width, tower.heads), Mlp(tower.width, int(tower.ratio * tower.width))

    def forward(self, hidden: Float[Tensor, "images tokens width"], table: RotaryTable) -> Float[Tensor, "images tokens width"]:
        hidden = hidden + self.attn(self.norm1(hidden), table)
        return hidden + self.mlp(self.norm2(hidden))  # type: ignore[no-any-return]


class Pooler(nn.Module):
    """One vector an image, by attention of one learned query over its tokens."""

    def __init__(self, width: int, heads: int, inside: int) -> None:
        super().__init__()
        self.heads, self.latent = heads, nn.Parameter(torch.randn(1, 1, width) * width**-0.5)
        self.q, self.kv, self.proj = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.norm, self.mlp = nn.LayerNorm(width, eps=EPSILON), Mlp(width, inside)

    def forward(self, hidden: Float[Tensor, "images tokens width"]) -> Float[Tensor, "images width"]:
        query = self.q(self.latent.expand(len(hidden), -1, -1)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = self.kv(hidden).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        pooled = self.proj(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))
        return (pooled + self.mlp(self.norm(pooled)))[:, 0]  # type: ignore[no-any-return]


class PerceptionTower(nn.Module):
    """``labels``: numbers of the vector that it gives."""

    def __init__(self, tower: Tower, labels: int) -> None:
        super().__init__()
        width = tower.width
        self.tower = tower
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, tower.patch, tower.patch, bias=False)})
        self.cls_token = nn.Parameter(torch.randn(1, 1, width) * SPREAD) if tower.class_token else None
        self.pos_embed = nn.Parameter(torch.randn(1, tower.tokens, width) * SPREAD)
        self.norm_pre, self.norm = (nn.LayerNorm(width, eps=EPSILON) for _ in range(2))
        self.blocks = nn.ModuleList(Block(tower) for _ in range(tower.depth))
        self.attn_pool = Pooler(width, tower.pool_heads, int(tower.pool_ratio * width))
        self.head = nn.Linear(width, labels)

    def forward(self, images: Float[Tensor, "images 3 rows columns"]) -> Float[Tensor, "images labels"]:
        table = tower_table(self.tower).to(images.device)
        return torch.cat([self._of(some, table) for some in images.split(TOGETHER)])

    def _of(self, images: Float[Tensor, "images 3 rows columns"], table: RotaryTable) -> Float[Tensor, "images labels"]:
        hidden = self.patch_embed["proj"](images).flatten(2).transpose(1, 2)
        if self.cls_token is not None:
            hidden = torch.cat([self.cls_token.expand(len(hidden), -1, -1), hidden], dim=1)
        hidden = self.norm_pre(hidden + self.pos_embed)
        for block in self.blocks:
            hidden = block(hidden, table)
        return self.head(self.attn_pool(self.norm(hidden)))  # type: ignore[no-any-return]


class VisionModel(nn.Module):
    """The tower as transformers' wrapper of timm holds and calls it."""

    def __init__(self, tower: Tower, labels: int) -> None:
        super().__init__()
        self.timm_model = PerceptionTower(tower, labels)

    def forward(self, images: Float[Tensor, "images 3 rows columns"]) -> SimpleNamespace:
        return SimpleNamespace(logits=self.timm_model(images))
