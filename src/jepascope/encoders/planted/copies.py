"""Networks that verdicts on degeneracy are tried on: copies that are easily missed, and what is easily taken for copies.

Blocks and words are those of ``encoders.planted.networks``; s = +1 or -1 is a scene's sign, t = +1 in the first half of the time axis and
-1 in the second. <x>: mean over the tokens of a clip.

    staged       C: e(y),     B: s e(y),  q: s      R = c, then in block 3 R <- cut(R + q b)       copies, read by different blocks
    contrast     C: t e(y),   B: t e(3y)            R = cut(<t c> + <t b>^3)                       copies that pooling does not see
    quiet        as degenerate, with a third of the nuisance                                     copies, and nothing else as large
    triple       C: e(y),     B: e(3y),   D: s e(y), q: s      R = cut(c + b^3 + q d)              three copies
    saturating   C: e(y),     B: 0.4 e(3y)          R = cut(c + (b / max(|b|, 0.1))^3)             a small copy that is read as if whole
    conjunction  C: e(y),     B: e(y)               R = (c.b)+ c                                   both are needed
    exclusive    C: e(3y),    B: e(y)               R = c (b^2)*                                   both are needed: each alone says nothing
    normed       C: e(y),     B: e(y)               R = k (c + b) of LayerNorm(h)                  halves; the norm makes up for one of them
    routed       C: e(y),     B: e(3y),   q: s      R = (-q)+ c + (q)+ b^3                         a route for each half of the scenes
    unequal      C: e(y),     B: e(3y)              R = (3 c + b^3) / 4                            parts of 3 to 1
    distributed  C, B, E, D: e(y) / 2               R = (c + b + e + d) / 2                        one linear code over four planes
    gated        C: e(y) + w, B: e(y) + v, q: s     R = c + (q - 2)+ b                             a copy behind a gate that never opens
    attended     C: e(y) + w, B: 2 e(3y) + v, q: t s    R = <c> by attention to where q > 0        a decoy beside a code read by attention

cut(u) = u / max(|u|, 1); (x)+ = max(x, 0); z* is the complex conjugate.
"""

from __future__ import annotations

import torch
from torch import Tensor

from jepascope.encoders.planted.network import Codes, Network, Right, Written, cube, read_either, read_one, saturated

QUIET = 0.3  # of the usual spread of the nuisance
SMALL, FULL = 0.4, 0.1  # a small copy's size, and the size from which it is read as if whole
GAIN = 0.1  # behind a LayerNorm of 64 coordinates, where a code of length 1 is about 5 long
SHARP = 4.0  # of attention: one half of the time axis gets all but e^-8 of it
CLOSED = 2.0  # what a gate would have to be told to open; it is told +1 or -1
THREE = 0.75


def over_time(x: Tensor) -> Tensor:
    """<t x>, the same for all tokens: the first half of the time axis less the second."""
    half = x.shape[-2] // 2
    contrast: Tensor = (x[..., :half, :].mean(dim=-2, keepdim=True) - x[..., half:, :].mean(dim=-2, keepdim=True)) / 2
    return contrast.expand_as(x)


def join(r: Tensor, codes: Codes) -> Tensor:
    """cut(R + q b)."""
    return saturated(r + codes["q"] * codes["B"])


def read_contrast(codes: Codes) -> Tensor:
    """cut(<t c> + <t b>^3)."""
    return saturated(over_time(codes["C"]) + cube(over_time(codes["B"])))


def read_any(codes: Codes) -> Tensor:
    """cut(c + b^3 + q d)."""
    return saturated(codes["C"] + cube(codes["B"]) + codes["q"] * codes["D"])


def read_saturating(codes: Codes) -> Tensor:
    """cut(c + (b / max(|b|, 0.1))^3)."""
    b = codes["B"]
    return saturated(codes["C"] + cube(b / b.norm(dim=-1, keepdim=True).clamp(min=FULL)))


def read_both(codes: Codes) -> Tensor:
    """(c.b)+ c."""
    agree: Tensor = (codes["C"] * codes["B"]).sum(dim=-1, keepdim=True).clamp(min=0)
    return agree * codes["C"]


def read_difference(codes: Codes) -> Tensor:
    """c (b^2)*: e(3y) less twice e(y)."""
    x, y = codes["B"][..., 0], codes["B"][..., 1]
    real, imaginary = x**2 - y**2, -2 * x * y
    c, d = codes["C"][..., 0], codes["C"][..., 1]
    return torch.stack([c * real - d * imaginary, c * imaginary + d * real], dim=-1)


def read_sum(codes: Codes) -> Tensor:
    """k (c + b)."""
    return GAIN * (codes["C"] + codes["B"])


def read_routed(codes: Codes) -> Tensor:
    """(-q)+ c + (q)+ b^3."""
    q = codes["q"]
    return (-q).clamp(min=0) * codes["C"] + q.clamp(min=0) * cube(codes["B"])


def read_unequal(codes: Codes) -> Tensor:
    """(3 c + b^3) / 4."""
    return THREE * codes["C"] + (1 - THREE) * cube(codes["B"])


def read_spread(codes: Codes) -> Tensor:
    """(c + b + e + d) / 2."""
    return (codes["C"] + codes["B"] + codes["E"] + codes["D"]) / 2


def read_gated(codes: Codes) -> Tensor:
    """c + (q - 2)+ b."""
    return codes["C"] + (codes["q"] - CLOSED).clamp(min=0) * codes["B"]


def read_attended(codes: Codes) -> Tensor:
    """c averaged over tokens by attention to where q is large, the same for all tokens."""
    weights = torch.softmax(SHARP * codes["q"], dim=-2)
    return (weights * codes["C"]).sum(dim=-2, keepdim=True).expand_as(codes["C"])


ANGLE, TRIPLE, SIGN = Written("C", "angle"), Written("B", "triple"), Written("q", "sign")
COPIES = {"copy A": ("C",), "copy B": ("B",)}
PARTS = {"part A": ("C",), "part B": ("B",)}


def copied(because: str) -> Right:
    return Right("degenerate", "degenerate", because, ("copy A", "copy B"))


STRESSED = (
    Network(
        "staged",
        "two copies, one read by block 2 and the other, signed, by block 3",
        (ANGLE, Written("B", "signed"), SIGN),
        read_one,
        causal=("C", "B"),
        inert=("N1",),
        right=copied("either plane alone fills R; that no linear read-out finds the signed one does not unmake it"),
        copies=2,
        later={3: join},
        references=COPIES,
    ),
    Network(
        "contrast",
        "two copies with opposite signs in the two halves of time, read by a contrast over time",
        (Written("C", "angle", contrast=True), Written("B", "triple", contrast=True)),
        read_contrast,
        causal=("C", "B"),
        inert=("N1",),
        right=copied("either plane alone fills R; that pooled activations hold neither does not unmake them"),
        copies=2,
        references=COPIES,
    ),
    Network(
        "quiet",
        "two copies and little nuisance: nothing but the other copy holds as much variance as one of them",
        (ANGLE, TRIPLE),
        read_either,
        causal=("C", "B"),
        inert=("N1",),
        right=copied("the weights are those of two copies; how much nuisance lies beside them plays no part"),
        copies=2,
        references=COPIES,
        nuisance=QUIET,
    ),
    Network(
        "triple",
        "three copies are read, each enough",
        (ANGLE, TRIPLE, Written("D", "signed"), SIGN),
        read_any,
        causal=("C", "B", "D"),
        inert=("N1",),
        right=copied("any one alone fills R; of two, with the third at work, each moves as much as the third holds back"),
        copies=3,
        references={**COPIES, "copy C": ("D",)},
    ),
    Network(
        "saturating",
        "two copies, the second small and read as if it were whole",
        (ANGLE, Written("B", "triple", SMALL)),
        read_saturating,
        causal=("C", "B"),
        inert=("N1",),
        right=copied("either plane alone fills R; a copy's size in the activations is not its weight"),
        copies=2,
        references=COPIES,
    ),
    Network(
        "conjunction",
        "two planes that say the same are read only where they agree",
        (ANGLE, Written("B", "angle")),
        read_both,
        causal=("C", "B"),
        inert=("N1",),
        right=Right("conjunctive", "not degenerate", "without either plane R is zero; both together are one carrier", ("part A", "part B")),
        references=PARTS,
    ),
    Network(
        "exclusive",
        "the class is the difference of what two planes say",
        (Written("C", "triple"), Written("B", "angle")),
        read_difference,
        causal=("C", "B"),
        inert=("N1",),
        right=Right("conjunctive", "not degenerate", "without either plane R is zero; both together are one carrier", ("part A", "part B")),
        references=PARTS,
    ),
    Network(
        "normed",
        "two halves that add up, read behind a LayerNorm",
        (ANGLE, Written("B", "angle")),
        read_sum,
        causal=("C", "B"),
        inert=("N1",),
        right=Right(
            "parts of one",
            "not degenerate",
            "the weights add two halves; without one of them the norm turns up the other. What is read is one plane, (C + B) / sqrt 2",
            ("part A", "part B"),
        ),
        rank=2,
        references=PARTS,
        nuisance=QUIET,
        normed=True,
    ),
    Network(
        "routed",
        "half of the scenes are read off one plane, the others off a second one",
        (ANGLE, TRIPLE, SIGN),
        read_routed,
        causal=("C", "B"),
        inert=("N1",),
        right=Right("parts of one", "parts of one", "in no scene are there two that carry; the scenes add up", ("part A", "part B")),
        rank=2,
        references=PARTS,
    ),
    Network(
        "unequal",
        "two parts, three quarters and one quarter",
        (ANGLE, TRIPLE),
        read_unequal,
        causal=("C", "B"),
        inert=("N1",),
        right=Right("parts of one", "parts of one", "R is a sum: what one does alone is its own share", ("part A", "part B")),
        rank=2,
        references=PARTS,
    ),
    Network(
        "distributed",
        "one linear code, spread over four planes",
        tuple(Written(plane, "angle", 0.5) for plane in "CBED"),
        read_spread,
        causal=("C", "B", "E", "D"),
        inert=("N1",),
        right=Right(
            "parts of one",
            "not degenerate",
            "R is a sum of four quarters, and what is read is one plane between them",
            ("part A", "part B"),
        ),
        rank=2,
        references=PARTS,
    ),
    Network(
        "gated",
        "a second plane says the same and is read through a gate that never opens",
        (Written("C", "angle", noisy=True), Written("B", "angle", noisy=True), SIGN),
        read_gated,
        causal=("C",),
        inert=("B",),
        right=Right("redundant by correlation", "not degenerate", "with the gate shut only one plane is read; the other says what it says"),
    ),
    Network(
        "attended",
        "a code read by attention over time, beside a decoy that nothing reads",
        (Written("C", "angle", noisy=True), Written("B", "triple", 2.0, noisy=True), Written("q", "sign", contrast=True)),
        read_attended,
        causal=("C",),
        inert=("B",),
        right=Right(
            "not degenerate", "not degenerate", "one plane is read; the other holds another order of the classes, and nothing reads it"
        ),
    ),
)
