"""The seven planted networks, each by its equations: what it writes at its site, what a later block reads, what repairs it.

All have five blocks and one *site*, layer 1. With e(y) = (cos y, sin y) of the class's angle y, n the noise numbers:

    h_0 = sum over planes of  plane x gain x number  +  N L n       L: spreads of the nuisance, from 0.8 down to 0.05
    block 1, 3, 4:  every token's nuisance moves half way to the clip's mean
    block 2:        R <- read(codes)        whatever R held is written over
    block 3, 4:     R <- repair(R, codes)   (self_repair alone)
    block 5:        h <- R R'h              everything but R is cleared

Because of block 5 the last layer holds only what was read: a probe there cannot take the class from a plane that no block reads. What
is written over at R, never written at all, or noise, is inert; so each network has no other path than the one it is given.

With c = C'h and so on, for every token by itself (codes in the linear networks are noisy: C holds e(y) + w, see ``encoder``):

    clean        C: e(y) + w                          R = c
    decoy        C: e(y) + w, B: 2 e(3y) + v          R = c                              B is the decoy, never read
    correlated   C: e(y) + w, B: e(y) + v             R = c                              B says what C says, never read
    degenerate   C: e(y),     B: e(3y)                u = c + b^3;  R = u / max(|u|, 1)     either copy is enough
    self_repair  C: e(y),     B: e(3y) / 2            R = c, then twice R <- R + rho (1 - |R|)+ (2 b)^3
    dormant      C: e(y) + w, B: 2 e(y) + v           R = c + E'h                        E never varies; B is the decoy
    nonlinear    C: s e(y),   q: s, s = +1 or -1      R = q c

b^3 is the third power of the complex number b_1 + i b_2: with eight classes (e(3y))^3 = e(9y) = e(y).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.errors import BadArgument

RHO = 0.5  # share of what is missing that each repairing block restores
DECOY = 2.0  # a decoy's size, beside 1 of the plane that is read
BACKUP = 0.5

Read = Callable[[dict[str, Tensor]], Tensor]
"""Codes (plane -> (..., its dimensions)) -> what is put into R, (..., 2)."""


@dataclass(frozen=True)
class Written:
    """``gain`` times a number of the clip (clips.planted.NUMBERS) in a plane, with noise added or without."""

    plane: str
    number: str
    gain: float = 1.0
    noisy: bool = False


@dataclass(frozen=True)
class Network:
    """One planted network. ``causal``, ``inert`` and ``references`` name planes of the frame; see ``Frame.span``.

    ``copies``: into how many parts of one rank ``causal`` falls, each of them enough by itself.
    ``mixed``: further reference subspaces that lie between planes: (a + b) / sqrt 2 for the two planes named.
    """

    name: str
    about: str
    writes: tuple[Written, ...]
    read: Read
    causal: tuple[str, ...]
    inert: tuple[str, ...]
    copies: int = 1
    repair: Callable[[Tensor, dict[str, Tensor]], Tensor] | None = None
    references: dict[str, tuple[str, ...]] = field(default_factory=dict)
    mixed: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def planes(self) -> tuple[str, ...]:
        """What block 2 can read: all but the output and the nuisance."""
        return ("C", "B", "E", "q")

    @property
    def decoy(self) -> bool:
        """Whether the inert subspace holds the class (else it is nuisance)."""
        return set(self.inert) <= {written.plane for written in self.writes}

    @property
    def linear(self) -> bool:
        return any(written.noisy for written in self.writes)


def cube(b: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
    """(b_1 + i b_2)^3."""
    x, y = b[..., 0], b[..., 1]
    return torch.stack([x**3 - 3 * x * y**2, 3 * x**2 * y - y**3], dim=-1)


def read_one(codes: dict[str, Tensor]) -> Tensor:
    """R = c."""
    return codes["C"]


def read_with_dormant(codes: dict[str, Tensor]) -> Tensor:
    """R = c + E'h."""
    return codes["C"] + codes["E"]


def read_either(codes: dict[str, Tensor]) -> Tensor:
    """u = c + b^3, R = u / max(|u|, 1): one copy alone already fills R."""
    u = codes["C"] + cube(codes["B"])
    r: Tensor = u / u.norm(dim=-1, keepdim=True).clamp(min=1.0)
    return r


def read_product(codes: dict[str, Tensor]) -> Tensor:
    """R = q c: s times s e(y) is e(y)."""
    return codes["q"] * codes["C"]


def restore(r: Float[Tensor, "*batch 2"], codes: dict[str, Tensor]) -> Float[Tensor, "*batch 2"]:
    """R + rho (1 - |R|)+ (2 b)^3: nothing while R is whole; of an R that is gone, (1 - rho)^m is still missing after m blocks."""
    missing: Tensor = (1 - r.norm(dim=-1, keepdim=True)).clamp(min=0.0)
    return r + RHO * missing * cube(codes["B"] / BACKUP)


NETWORKS = {
    network.name: network
    for network in (
        Network(
            "clean",
            "one plane is read; the rest is noise",
            (Written("C", "angle", noisy=True),),
            read_one,
            causal=("C",),
            inert=("N1",),
        ),
        Network(
            "decoy",
            "a second plane holds the class more decodably and is never read",
            (Written("C", "angle", noisy=True), Written("B", "triple", DECOY, noisy=True)),
            read_one,
            causal=("C",),
            inert=("B",),
        ),
        Network(
            "correlated",
            "a second plane holds the same code, correlated with the first through the class, and is never read",
            (Written("C", "angle", noisy=True), Written("B", "angle", noisy=True)),
            read_one,
            causal=("C",),
            inert=("B",),
        ),
        Network(
            "degenerate",
            "two copies are read, either one enough",
            (Written("C", "angle"), Written("B", "triple")),
            read_either,
            causal=("C", "B"),
            inert=("N1",),
            copies=2,
            references={"copy A": ("C",), "copy B": ("B",)},
        ),
        Network(
            "self_repair",
            "later blocks restore half of what is missing from a backup, twice",
            (Written("C", "angle"), Written("B", "triple", BACKUP)),
            read_one,
            causal=("C",),
            inert=("N1",),
            repair=restore,
            references={"backup": ("B",), "with backup": ("C", "B")},
        ),
        Network(
            "dormant",
            "a plane that never varies is read as well; a decoy correlates with the class",
            (Written("C", "angle", noisy=True), Written("B", "angle", DECOY, noisy=True)),
            read_with_dormant,
            causal=("C",),
            inert=("B",),
            references={"dormant plane": ("E",)},
            mixed={"illusion": ("B", "E")},
        ),
        Network(
            "nonlinear",
            "the class is stored as (s e, s) with a random sign s, so class means vanish",
            (Written("C", "signed"), Written("q", "sign")),
            read_product,
            causal=("C", "q"),
            inert=("N1",),
        ),
    )
}


def network_named(name: str) -> Network:
    """The network, or BadArgument that lists what there is."""
    try:
        return NETWORKS[name]
    except KeyError:
        raise BadArgument(f"There is no planted network '{name}'; there are {', '.join(NETWORKS)}.") from None
