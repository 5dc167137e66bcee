"""The verdict on a subspace, in words, by criteria that know the planted subspaces and the measurements but not the network's name."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

import torch
from jaxtyping import Float, Float64
from torch import Tensor

RECOVERED = 0.9  # calibrated SAS with the causal subspace
MIXED = 0.25
INERT = 0.5  # calibrated SAS with the inert subspace
DORMANT = 0.25  # of CE(swap) that no part of the subspace has by itself
WORKS = 0.05  # the least CE, at the lower end of its interval, that counts as an effect
NATURAL = 1e-6  # of the largest variance: directions below it never vary on unedited clips
PRESENT = 0.1  # cosine below which a part of a subspace is not there

CRITERIA = {
    "effect through a dormant path": f"CE(swap) lies (lower end) more than {DORMANT} above that of the subspace's part with natural "
    "variance and above that of the rest",
    "recovered": f"calibrated SAS with the causal subspace >= {RECOVERED}, at the causal subspace's own rank",
    "recovers a part": "the same at a lower rank",
    "contains the causal subspace": "the same at a higher rank",
    "partly causal": f"calibrated SAS with the causal subspace >= {MIXED}, or CE of ablate or swap above {WORKS} (lower end): it mixes the "
    "causal subspace with others (a filter rightly does where noise is correlated: it is how the class is best read, not what is read)",
    "finds the decoy": "none of these; a probe reads the class in it above chance, and calibrated SAS with the inert subspace is "
    f">= {INERT}",
    "decodable, no effect": "the same, and it is not the inert subspace either",
    "finds nothing": "none of these",
    "refuses": "the finder gives no subspace, and says why",
}


@dataclass(frozen=True)
class Measured:
    """What a verdict is given on. SAS are calibrated; CE are lower ends of intervals; parts are CE(swap) of the subspace's two parts."""

    rank: int
    causal_rank: int
    sas_causal: float
    sas_inert: float
    ablate_low: float
    swap_low: float
    natural_part: float
    rest: float
    accuracy_low: float
    chance: float
    has_decoy: bool  # whether the inert subspace holds the class


def is_dormant(swap_low: float, natural_part: float, rest: float) -> bool:
    """Whether an edit works though neither what varies naturally in the subspace nor the rest of it does (Makelov, Lange & Nanda 2023).

    Their illusion: a direction (d + e) / sqrt 2, d correlated with the variable but not read, e read but never varying. Swapping
    along it writes d's difference into e. Parted into d and e, neither half moves the output.
    """
    if any(isnan(value) for value in (swap_low, natural_part, rest)):
        return False
    return swap_low - max(natural_part, rest, 0.0) > DORMANT


def verdict(measured: Measured) -> str:
    """The first of CRITERIA that holds."""
    m = measured
    if is_dormant(m.swap_low, m.natural_part, m.rest):
        return "effect through a dormant path"
    if m.sas_causal >= RECOVERED:
        return "recovered" if m.rank == m.causal_rank else "recovers a part" if m.rank < m.causal_rank else "contains the causal subspace"
    if m.sas_causal >= MIXED or m.ablate_low > WORKS or m.swap_low > WORKS:
        return "partly causal"
    if m.accuracy_low > m.chance:
        return "finds the decoy" if m.has_decoy and m.sas_inert >= INERT else "decodable, no effect"
    return "finds nothing"


def parts(
    basis: Float[Tensor, "width rank"], covariance: Float64[Tensor, "width width"]
) -> tuple[Float[Tensor, "width _"], Float[Tensor, "width _"]]:
    """What of a subspace lies where activations vary naturally, and what lies where they never do: the spans of P U and (1 - P) U.

    P projects on the eigenvectors of the token covariance with more than NATURAL of the largest variance.
    """
    values, vectors = torch.linalg.eigh(covariance)
    alive = vectors[:, values > NATURAL * values[-1]]
    exact = basis.double()
    natural = alive @ (alive.T @ exact)
    return _span(natural), _span(exact - natural)


def _span(directions: Float64[Tensor, "width vectors"]) -> Float[Tensor, "width rank"]:
    left, values, _ = torch.linalg.svd(directions, full_matrices=False)
    present: Tensor = left[:, values > PRESENT].float()
    return present
