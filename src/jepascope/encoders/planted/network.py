"""What a planted network is: what it writes at its site, what later blocks read, and what is true of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

Codes = dict[str, Tensor]
"""Plane -> what the tokens hold in it, (..., tokens, its dimensions)."""

Read = Callable[[Codes], Tensor]
"""Codes -> what is put into R, (..., tokens, 2)."""

Later = Callable[[Tensor, Codes], Tensor]
"""What R holds and the codes -> what R holds then."""


@dataclass(frozen=True)
class Written:
    """``gain`` times a number of the clip (clips.planted.NUMBERS) in a plane, with noise added or without. ``contrast``: with the
    opposite sign in the second half of the time axis, so that nothing of it is left in the mean over tokens."""

    plane: str
    number: str
    gain: float = 1.0
    noisy: bool = False
    contrast: bool = False


@dataclass(frozen=True)
class Right:
    """What is true of a network by its construction, said before anything is measured (``because``).

    ``pair``: two of its known subspaces, by the names of the scorecard, and ``verdict``, the right one on them. ``curve``: the right
    verdict on the degeneracy curve.
    """

    verdict: str
    curve: str
    because: str
    pair: tuple[str, str] = ("truth", "inert")


@dataclass(frozen=True)
class Network:
    """One planted network. ``causal``, ``inert`` and ``references`` name planes of the frame; see ``Frame.span``.

    ``later``: what a block after the reading one makes of R. ``copies``: into how many parts of one rank ``causal`` falls, each of them
    enough by itself; ``rank``: what is searched for at once, where that is another one. ``mixed``: further reference subspaces that lie
    between planes: (a + b) / sqrt 2 for the two planes named. ``nuisance``: a factor of the nuisance's spread. ``normed``: blocks read
    the tokens behind a LayerNorm.
    """

    name: str
    about: str
    writes: tuple[Written, ...]
    read: Read
    causal: tuple[str, ...]
    inert: tuple[str, ...]
    right: Right
    copies: int = 1
    rank: int | None = None
    later: Mapping[int, Later] = field(default_factory=dict)
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mixed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    nuisance: float = 1.0
    normed: bool = False

    @property
    def planes(self) -> tuple[str, ...]:
        """What blocks can read: all but the output and the nuisance."""
        return ("C", "B", "E", "q", "D")

    @property
    def decoy(self) -> bool:
        """Whether the inert subspace holds the class (else it is nuisance)."""
        return set(self.inert) <= {written.plane for written in self.writes}

    @property
    def linear(self) -> bool:
        return any(written.noisy for written in self.writes)

    @property
    def contrasted(self) -> bool:
        """Whether anything changes its sign over time."""
        return any(written.contrast for written in self.writes)

    @property
    def calculable(self) -> bool:
        """Whether effects follow from the equations of one token without its noise: not behind a norm, nor where tokens differ."""
        return not self.normed and not self.contrasted


def cube(b: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
    """(b_1 + i b_2)^3."""
    x, y = b[..., 0], b[..., 1]
    return torch.stack([x**3 - 3 * x * y**2, 3 * x**2 * y - y**3], dim=-1)


def saturated(u: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
    """u / max(|u|, 1): what is long enough is cut to length 1."""
    cut: Tensor = u / u.norm(dim=-1, keepdim=True).clamp(min=1.0)
    return cut


def read_one(codes: Codes) -> Tensor:
    """R = c."""
    return codes["C"]


def read_either(codes: Codes) -> Tensor:
    """u = c + b^3, R = u / max(|u|, 1): one copy alone already fills R."""
    return saturated(codes["C"] + cube(codes["B"]))
