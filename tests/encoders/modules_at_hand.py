"""Modules of other people's making, small and plain: timm's layout, a video transformer of one's own, and ways to be neither."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.num_heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        out: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out


class Block(nn.Module):
    """Pre-norm, as timm's."""

    def __init__(self, width: int, heads: int = 2) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width), nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self.attn(self.norm1(x), mask)
        return x + self.mlp(self.norm2(x))


class TimmViT(nn.Module):
    """timm's VisionTransformer as far as names, order and calls go: images, a class token, ``blocks`` in a Sequential, a pooled head."""

    def __init__(self, size: int = 16, patch: int = 8, width: int = 24, depth: int = 3) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, width, patch, patch)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(0.1 * torch.randn(1, 1 + (size // patch) ** 2, width))
        self.blocks = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self.pos_embed
        logits: Tensor = self.head(self.norm(self.blocks(x))[:, 0])
        return logits


class Positions(nn.Module):
    """Learned positions that can be drawn again."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(1, tokens, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.table, std=0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.table


class VideoNet(nn.Module):
    """A video transformer of one's own: tubelets of 2 frames of 8 pixels, blocks given a mask of as many clips, and a dictionary out."""

    def __init__(
        self, frames: int = 4, size: int = 16, width: int = 24, depth: int = 3, registers: int = 0, channels_first: bool = False
    ) -> None:
        super().__init__()
        self.channels_first, self.registers = channels_first, registers
        self.embed = nn.Conv3d(3, width, (2, 8, 8), (2, 8, 8))
        tokens = registers + (frames // 2) * (size // 8) ** 2
        self.positions = Positions(tokens, width)
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(Block(width) for _ in range(depth))
        self.encoder.norm = nn.LayerNorm(width)

    def tokens(self, video: Tensor) -> Tensor:
        x = self.embed(video if self.channels_first else video.transpose(1, 2)).flatten(2).transpose(1, 2)
        registers = x.new_zeros(len(x), self.registers, x.shape[-1])
        out: Tensor = self.positions(torch.cat([registers, x], dim=1))
        return out

    def forward(self, video: Tensor) -> dict[str, Any]:
        x = self.tokens(video)
        mask = torch.zeros(len(x), 1, x.shape[1], x.shape[1], dtype=x.dtype, device=x.device)
        mask[:, :, :, -1] = -1.0
        for layer in self.encoder.layers:
            x = layer(x, mask=mask)
        return {"last": self.encoder.norm(x)}
