"""A network in which a known part writes the variable and a known later part reads it."""

from __future__ import annotations

from torch import Tensor

from jepascope.encoders.planted.encoder import CLEAR, PlantedEncoder
from jepascope.encoders.planted.network import Network, Right, Written, read_one

WRITER, READER = 2, 4


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


def relay(seed: int = 0) -> Relay:
    right = Right("not degenerate", "not degenerate", "one plane is read")
    written = (Written("B", "angle", noisy=True),)
    return Relay(Network("relay", "one part writes, another reads", written, read_one, causal=("C",), inert=("N1",), right=right), seed)
