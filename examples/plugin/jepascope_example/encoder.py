"""An encoder: a video transformer of one's own, wrapped."""

import torch
from torch import nn

import jepascope as js


class SmallNet(nn.Module):
    """Tubelets of 2 frames of 8 pixels, three blocks."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.embed = nn.Conv3d(3, width, (2, 8, 8), (2, 8, 8))
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 2, 2 * width, dropout=0.0, batch_first=True, norm_first=True) for _ in range(3)
        )
        self.encoder.norm = nn.LayerNorm(width)

    def forward(self, video):
        hidden = self.embed(video.transpose(1, 2)).flatten(2).transpose(1, 2)
        for layer in self.encoder.layers:
            hidden = layer(hidden)
        return self.encoder.norm(hidden)


def small_net():
    """a video transformer of 24 numbers a token"""
    torch.manual_seed(0)
    return js.wrap(SmallNet(), blocks="encoder.layers", norm="encoder.norm", frames=4, size=16, grid=(2, 2, 2), name="small_net")
