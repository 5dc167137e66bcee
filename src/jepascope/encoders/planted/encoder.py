"""PlantedEncoder: a planted network behind the interface of every encoder."""

from __future__ import annotations

import hashlib

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.clips.planted import COUNT, FRAMES, GRID, NUMBERS, SIZE, numbers_shown
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.card import EncoderCard
from jepascope.encoders.planted.frame import NUISANCE, WIDTH, Frame
from jepascope.encoders.planted.network import Network
from jepascope.encoders.planted.networks import network_named

SITE = 1  # the layer whose planes are known, and which block 2 reads
READ, CLEAR, DEPTH = 2, 5, 5
SETTLED = 0.5  # of a token's own nuisance that a mixing block leaves

LARGEST, SMALLEST = 0.8, 0.05  # spreads of the nuisance, falling geometrically
SPREADS = tuple(LARGEST * (SMALLEST / LARGEST) ** (j / (NUISANCE - 1)) for j in range(NUISANCE))
TOLD = ((20, 21), (22, 23))  # noise numbers that also enter the code plane, one pair for each of its two directions
FROM_NUISANCE, OWN, DECOYS_OWN = 0.21, 0.15, 0.33  # gains; the code's pooled noise has a standard deviation of 0.3, the decoy's too


class PlantedEncoder(VideoEncoder):
    """Equations: encoders.planted.networks. ``frame`` holds the planes that blocks read, ``written`` those that embed writes.

    The two are one frame; only an untrained twin has another one to write in, so that what its blocks read holds nothing.

    Noise of C in the linear networks: w = 0.21 (n_20 + n_21, n_22 + n_23) + 0.15 (own numbers). As n_20..23 also lie in N, a
    linear reader does best to subtract their directions from C, and its filters are not the direction that the class moves.
    """

    def __init__(self, network: Network, seed: int = 0, written: int | None = None, device: str | torch.device = "cpu") -> None:
        self.network, self.seed, self.written_seed = network, seed, seed if written is None else written
        self.frame, self.written = Frame.drawn(seed), Frame.drawn(self.written_seed)
        named = hashlib.sha256(f"planted-1 {network.name} {self.seed} {self.written_seed}".encode()).hexdigest()[:16]
        self.card = EncoderCard(f"planted-{network.name}", WIDTH, DEPTH, FRAMES, SIZE, GRID, named)
        self._place(device, torch.float32)

    def _place(self, device: str | torch.device, dtype: torch.dtype) -> None:
        self.embedding = embedding(self.network, self.written).to(device, dtype)
        self.late = embedding(self.network, self.written, late=True).to(device, dtype)
        self.planes = {name: plane.to(device, dtype) for name, plane in self.frame.planes.items()}

    def embed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        self.check_video(video)
        numbers = numbers_shown(video.to(self.device)).to(self.embedding.dtype)
        if not self.network.contrasted:
            return numbers @ self.embedding.T
        early, late = numbers.chunk(2, dim=1)  # tokens are in the order of time
        return torch.cat([early @ self.embedding.T, late @ self.late.T], dim=1)

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.fed(index, self.attended(index, hidden))

    def attended(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        """Only the nuisance moves from token to token, and not in the blocks that read and clear."""
        return hidden if index in (READ, CLEAR) else self._mix(hidden)

    def fed(self, index: int, between: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        hidden, out = between, self.planes["R"]
        if index == CLEAR:
            return (hidden @ out) @ out.T
        later = self.network.later.get(index)
        if index == READ or later is not None:
            seen = torch.nn.functional.layer_norm(hidden, (WIDTH,)) if self.network.normed else hidden
            codes = {name: seen @ self.planes[name] for name in self.network.planes}
            r = hidden @ out
            new = self.network.read(codes) if later is None else later(r, codes)
            hidden = hidden + (new - r) @ out.T
        return hidden

    def _mix(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        plane = self.planes["N"]
        noise = hidden @ plane
        return hidden + SETTLED * (noise.mean(dim=1, keepdim=True) - noise) @ plane.T

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        """The identity: nothing is read after it."""
        return hidden

    def untrained(self, seed: int) -> PlantedEncoder:
        """The same blocks behind an embedding in another frame."""
        return PlantedEncoder(self.network, self.seed, 1_000_003 * (seed + 1) + self.seed, self.device)

    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> PlantedEncoder:
        moved = PlantedEncoder(self.network, self.seed, self.written_seed)
        moved._place(device, dtype or self.embedding.dtype)
        return moved

    @property
    def device(self) -> torch.device:
        return self.embedding.device

    @property
    def dtype(self) -> torch.dtype:
        return self.embedding.dtype

    @property
    def site(self) -> int:
        """The layer at which the planes lie where they are said to lie."""
        return SITE

    @property
    def causal(self) -> Float[Tensor, "width rank"]:
        """What later blocks read of the natural activations."""
        return self.frame.span(self.network.causal).float()

    @property
    def inert(self) -> Float[Tensor, "width rank"]:
        """A subspace that no later block reads: the decoy where there is one, else the two largest nuisances."""
        return self.frame.span(self.network.inert).float()

    @property
    def copy_rank(self) -> int:
        """Rank of what is searched for at once: as a rule that is enough by itself, the causal subspace or one of its copies."""
        return self.network.rank or self.causal.shape[1] // self.network.copies

    @property
    def references(self) -> dict[str, Float[Tensor, "width rank"]]:
        """Further subspaces with a known effect."""
        spans = {name: self.frame.span(planes) for name, planes in self.network.references.items()}
        mixed = {name: (self.frame.planes[a] + self.frame.planes[b]) / 2**0.5 for name, (a, b) in self.network.mixed.items()}
        return {name: basis.float() for name, basis in {**spans, **mixed}.items()}


def embedding(network: Network, frame: Frame, late: bool = False) -> Float[Tensor, "width numbers"]:
    """h_0 as a linear map of the numbers that a patch shows, in the first half of the time axis or (``late``) in the second."""
    weights = torch.zeros(WIDTH, COUNT, dtype=torch.float64)
    noise = weights[:, NUMBERS["noise"]]
    noise[:, :NUISANCE] = frame.planes["N"] * torch.tensor(SPREADS, dtype=torch.float64) * network.nuisance
    for written in network.writes:
        plane = frame.planes[written.plane]
        weights[:, NUMBERS[written.number]] += (-written.gain if late and written.contrast else written.gain) * plane
        if not written.noisy:
            continue
        if written.plane == "C":
            for axis, pair in enumerate(TOLD):
                noise[:, list(pair)] += FROM_NUISANCE * plane[:, [axis, axis]]
        own = slice(NUISANCE, NUISANCE + 2) if written.plane == "C" else slice(NUISANCE + 2, NUISANCE + 4)
        noise[:, own] += (OWN if written.plane == "C" else DECOYS_OWN) * plane
    return weights


def planted_encoder(name: str, seed: int = 0) -> PlantedEncoder:
    """A planted network by name; ``seed`` draws its frame. BadArgument lists the names."""
    return PlantedEncoder(network_named(name), seed)
