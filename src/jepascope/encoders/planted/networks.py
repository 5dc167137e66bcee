"""The planted networks, each by its equations: what it writes at its site, what a later block reads, what repairs it.

All have five blocks and one *site*, layer 1. With e(y) = (cos y, sin y) of the class's angle y, n the noise numbers:

    h_0 = sum over planes of  plane x gain x number  +  N L n       L: spreads of the nuisance, from 0.8 down to 0.05
    block 1, 3, 4:  every token's nuisance moves half way to the clip's mean
    block 2:        R <- read(codes)        whatever R held is written over
    block 3, 4:     R <- later(R, codes)    (self_repair, and staged in block 3)
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

b^3 is the third power of the complex number b_1 + i b_2: with eight classes (e(3y))^3 = e(9y) = e(y). Each says what is true of it
(``Right``). More of them, which try the verdicts on degeneracy, are in ``encoders.planted.copies``.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from jepascope.encoders.planted.copies import STRESSED
from jepascope.encoders.planted.network import Codes, Network, Right, Written, cube, read_either, read_one
from jepascope.errors import BadArgument

RHO = 0.5  # share of what is missing that each repairing block restores
DECOY = 2.0  # a decoy's size, beside 1 of the plane that is read
BACKUP = 0.5


def read_with_dormant(codes: Codes) -> Tensor:
    """R = c + E'h."""
    return codes["C"] + codes["E"]


def read_product(codes: Codes) -> Tensor:
    """R = q c: s times s e(y) is e(y)."""
    return codes["q"] * codes["C"]


def restore(r: Float[Tensor, "*batch 2"], codes: Codes) -> Float[Tensor, "*batch 2"]:
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
            right=Right("not degenerate", "not degenerate", "one plane is read, and noise says nothing"),
        ),
        Network(
            "decoy",
            "a second plane holds the class more decodably and is never read",
            (Written("C", "angle", noisy=True), Written("B", "triple", DECOY, noisy=True)),
            read_one,
            causal=("C",),
            inert=("B",),
            right=Right(
                "not degenerate", "not degenerate", "one plane is read; the other holds another order of the classes, and nothing reads it"
            ),
        ),
        Network(
            "correlated",
            "a second plane holds the same code, correlated with the first through the class, and is never read",
            (Written("C", "angle", noisy=True), Written("B", "angle", noisy=True)),
            read_one,
            causal=("C",),
            inert=("B",),
            right=Right(
                "redundant by correlation", "not degenerate", "one plane is read; the other says what it says, and nothing reads it"
            ),
        ),
        Network(
            "degenerate",
            "two copies are read, either one enough",
            (Written("C", "angle"), Written("B", "triple")),
            read_either,
            causal=("C", "B"),
            inert=("N1",),
            right=Right("degenerate", "degenerate", "either plane alone fills R", ("copy A", "copy B")),
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
            right=Right("degenerate", "degenerate", "either plane alone gives R, the second one to three quarters", ("truth", "backup")),
            later={3: restore, 4: restore},
            references={"backup": ("B",), "with backup": ("C", "B")},
        ),
        Network(
            "dormant",
            "a plane that never varies is read as well; a decoy correlates with the class",
            (Written("C", "angle", noisy=True), Written("B", "angle", DECOY, noisy=True)),
            read_with_dormant,
            causal=("C",),
            inert=("B",),
            right=Right(
                "redundant by correlation",
                "not degenerate",
                "what varies naturally is read in one plane; the other says what it says, and nothing reads it",
            ),
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
            right=Right("not degenerate", "not degenerate", "one subspace holds the code and its sign, and noise says nothing"),
        ),
    )
}
"""What the scorecard scores unless others are asked for."""

EVERY = NETWORKS | {network.name: network for network in STRESSED}


def network_named(name: str) -> Network:
    """The network, or BadArgument that lists what there is."""
    try:
        return EVERY[name]
    except KeyError:
        raise BadArgument(f"There is no planted network '{name}'; there are {', '.join(EVERY)}.") from None
