"""A network that reads one known plane at layer 1, with clips and twins run through it, for the tests of this folder."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.layout import Layout
from jepascope.activations.reader import Reader, packed
from jepascope.activations.site import Site
from jepascope.activations.store import MemoryStore
from jepascope.clips.presets import directions8
from jepascope.discovery.labelled import Labelled, Suffix
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.card import EncoderCard

WIDTH, TOKENS, CLASSES = 24, 4, 8


class PlaneNetwork(VideoEncoder):
    """Block 1 does nothing; block 2 overwrites a plane R with tanh(h P); block 3 keeps nothing but R, so h_3 holds what was read.

    Overwrites: were R added to, a rotation could reach the last layer through R at the site, and do better than by P alone.
    """

    def __init__(self, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        frame = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=generator))[0]
        self.read, self.write, self.noise = frame[:, :2], frame[:, 2:4], frame[:, 4:]
        self.card = EncoderCard("plane", WIDTH, 3, 2, 8, (1, 2, 2), f"plane-{seed}")

    def block(self, index: int, hidden: Tensor) -> Tensor:
        if index == 2:
            return hidden + (torch.tanh(hidden @ self.read) - hidden @ self.write) @ self.write.T
        return hidden @ self.write @ self.write.T if index == 3 else hidden

    def embed(self, video: Tensor) -> Tensor:
        raise NotImplementedError

    def norm(self, hidden: Tensor) -> Tensor:
        return hidden

    def untrained(self, seed: int) -> VideoEncoder:
        raise NotImplementedError

    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> VideoEncoder:
        return self

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32


def circle(y: Tensor) -> Tensor:
    angle = y * (2 * math.pi / CLASSES)
    return torch.stack([angle.cos(), angle.sin()], dim=1)


def on_the_plane(seed: int = 0, per_class: int = 24) -> tuple[Labelled, PlaneNetwork]:
    """Fit clips of eight classes on a circle in the plane that is read. Their strongest noise also enters that plane, so that a
    linear reader does best to subtract it: its filters leave the plane."""
    network, generator = PlaneNetwork(seed), torch.Generator().manual_seed(seed + 1)
    clips = directions8(seed, per_class=2 * per_class, frames=2, size=8).split("fit")
    y = torch.tensor(clips.labels("direction")[0])
    target = (y + torch.randint(1, CLASSES, (len(y),), generator=generator)) % CLASSES
    spread = torch.randn(len(y), 1, WIDTH - 4, generator=generator) * torch.logspace(0.3, -1, WIDTH - 4)
    noise = spread + 0.1 * torch.randn(len(y), TOKENS, WIDTH - 4, generator=generator)

    def recorded(labels: Tensor) -> Activations:
        site = (circle(labels)[:, None] + 0.2 * noise[..., :2]) @ network.read.T + noise @ network.noise.T
        layers = torch.stack([site, site, network.run(site, 1, 2), network.run(site, 1)], dim=1)
        store, layout = MemoryStore(), Layout(len(y), layers.shape[1], WIDTH, TOKENS, sites=(1,))
        for shard in range(layout.shards):
            rows = layout.rows(shard)
            pooled = layers[rows].mean(dim=2).transpose(0, 1)
            mask = packed(torch.ones(rows.stop - rows.start, TOKENS, dtype=torch.bool))
            store.write(shard, {"pooled.all": pooled, "pooled.object": pooled, "object_mask": mask, "tokens.1": site[rows]})
        return Activations(network.card, clips, (1,), torch.arange(len(y)), Reader(store, layout))

    source = recorded(y)
    suffix = Suffix(network, Site(1), source, recorded(target), target)
    scenes = torch.tensor(clips.factors["scene"].to_numpy(copy=True))
    return Labelled(source.pooled(1), y, circle(y), scenes, suffix, where="layer 1, all tokens"), network
