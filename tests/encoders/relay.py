"""A network in which a known part writes the variable and a known later part reads it."""

from __future__ import annotations

from torch import Tensor

from jepascope.encoders.planted.encoder import CLEAR, PlantedEncoder
from jepascope.encoders.planted.network import Network, Right, Written, read_one

WRITER, LOUD, READER = 2, 3, 4
LOUDLY = 1.0  # times the two largest nuisances: as much as the class is, and more


class Relay(PlantedEncoder):
    """The embedding writes the class into plane B, attention of block 2 copies the mean over all tokens into C, the MLP of block 4 reads C
    into R, and the last block clears everything else. In blocks 1 and 3 the nuisance moves between tokens, and nothing of the class."""

    def attended(self, index: int, hidden: Tensor) -> Tensor:
        if index == WRITER:
            return hidden + (hidden @ self.planes["B"]).mean(dim=1, keepdim=True) @ self.planes["C"].T
        return hidden if index in (READER, CLEAR) else self._mix(hidden)

    def fed(self, index: int, between: Tensor) -> Tensor:
        out = self.planes["R"]
        if index == CLEAR:
            return (between @ out) @ out.T
        return between + (between @ self.planes["C"] - between @ out) @ out.T if index == READER else between


class Loud(Relay):
    """The MLP of block 3 also writes into C: what varies between scenes, and nothing of the class."""

    def fed(self, index: int, between: Tensor) -> Tensor:
        hidden = super().fed(index, between)
        return hidden + LOUDLY * (between @ self.planes["N"][:, :2]) @ self.planes["C"].T if index == LOUD else hidden


class Doubling(Relay):
    """The MLP of block 3 adds to C what stands there already, whatever it is."""

    def fed(self, index: int, between: Tensor) -> Tensor:
        hidden = super().fed(index, between)
        return hidden + (between @ self.planes["C"]) @ self.planes["C"].T if index == LOUD else hidden


class Cancelled(Relay):
    """Attention of block 2 writes the class into C with loud nuisance beside it, which the MLP of block 3 takes away."""

    def attended(self, index: int, hidden: Tensor) -> Tensor:
        return super().attended(index, hidden) + (self._loud(hidden) if index == WRITER else 0)

    def fed(self, index: int, between: Tensor) -> Tensor:
        return super().fed(index, between) - (self._loud(between) if index == LOUD else 0)

    def _loud(self, hidden: Tensor) -> Tensor:
        return LOUDLY * (hidden @ self.planes["N"][:, :2]) @ self.planes["C"].T


class AtOnce(Relay):
    """Attention of block 2 writes C and moves the nuisance; the MLP of the same block reads C and clears it, so that no later block sees
    what attention wrote."""

    def attended(self, index: int, hidden: Tensor) -> Tensor:
        return super().attended(index, hidden) + (self._mix(hidden) - hidden if index == WRITER else 0)

    def fed(self, index: int, between: Tensor) -> Tensor:
        if index != WRITER:
            return between if index == READER else super().fed(index, between)
        code, out = self.planes["C"], self.planes["R"]
        return between + (between @ code - between @ out) @ out.T - between @ code @ code.T


def relay(seed: int = 0, kind: type[Relay] = Relay) -> Relay:
    right = Right("not degenerate", "not degenerate", "one plane is read")
    written = (Written("B", "angle", noisy=True),)
    return kind(Network("relay", "one part writes, another reads", written, read_one, causal=("C",), inert=("N1",), right=right), seed)
