"""The exact law of every principal angle between two random subspaces.

For independent, uniformly (Haar) distributed subspaces of ranks k_U and k_V in R^d with k_U + k_V <= d, the squared cosines
x = cos^2(angle) of the k = min(k_U, k_V) principal angles have the density (Muirhead 1982, 3.3; Absil, Edelman & Koev 2006)::

    prod_i x_i^a (1 - x_i)^b  prod_{i<j} |x_i - x_j|,      a = (|k_V - k_U| - 1) / 2,  b = (d - k_U - k_V - 1) / 2

(the real Jacobi ensemble). The i-th smallest angle lies below t when at least i of them do, and by de Bruijn (1955) the generating
function of their number N is a ratio of Pfaffians. In the angle itself the weight is smooth, g = cos^{|k_V - k_U|} sin^{d - k_U - k_V}.
With f_i = p_i(x) g for polynomials p_i, and z in place of 1 at angles below t::

    E z^N = Pf A(z) / Pf A(1),      A(z)_ij = int int sgn(v - u) f_i(u) f_j(v) z^{[u < t]} z^{[v < t]} du dv

bordered by the single integrals of f_i(u) z^{[u < t]} where k is odd. Any basis of polynomials will do; taken orthonormal with respect
to g^2, A(1) stays well conditioned (monomials do not). P(N = j) are the coefficients, from values of z on the unit circle, which is
a stable sum. Against closed forms the distribution functions are right to 1e-11 and mostly to 1e-14.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from jaxtyping import Float64
from scipy.interpolate import BarycentricInterpolator

NODES = 8  # Gauss-Legendre nodes a panel
NEGLIGIBLE = 80.0  # natural logarithms below its peak at which a weight is as good as zero


@dataclass(frozen=True)
class AngleLaw:
    """P(i-th smallest angle <= t) at ``edges``, Chebyshev points (radians) between ends outside of which nothing happens."""

    edges: Float64[np.ndarray, " edges"]
    below: Float64[np.ndarray, "angles edges"]

    def mean(self) -> Float64[np.ndarray, " angles"]:
        """Of each angle, in radians: the upper end less the integral of its distribution function (Clenshaw & Curtis 1960)."""
        areas: np.ndarray = self.below @ _clenshaw_curtis(len(self.edges)) * (self.edges[-1] - self.edges[0]) / 2
        return np.asarray(self.edges[-1] - areas)

    def quantiles(self, level: float) -> Float64[np.ndarray, " angles"]:
        """Of each angle, in radians: by halving, on the polynomial through all edges."""
        curve = BarycentricInterpolator(self.edges, self.below.T)
        # the first edge at which the level is reached, and the one before
        after = np.maximum(1, (self.below >= level).argmax(axis=1))
        low, high = self.edges[after - 1], self.edges[after]
        angles = np.arange(len(self.below))
        for _ in range(60):
            middle = (low + high) / 2
            reached = curve(middle)[angles, angles] >= level
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        return np.asarray((low + high) / 2)


def angle_law(width: int, rank_u: int, rank_v: int) -> AngleLaw:
    """The law for ranks that fit beside each other, k_U + k_V <= d. Milliseconds for ranks to 20; the cost grows with the fifth power."""
    k, cosine, sine = min(rank_u, rank_v), abs(rank_v - rank_u), width - rank_u - rank_v
    low, high = _support(k, cosine, sine)
    # each of k angles' distribution functions rises over about 1 / k of the range
    edges = low + (high - low) * (1 - np.cos(np.linspace(0, pi, 8 * k + 96))) / 2
    nodes, weights, antiderivative = _panels(edges)
    functions = _orthonormal(nodes.ravel(), weights.ravel(), k, cosine, sine).reshape(k, *nodes.shape)
    number = _number_below(*_moments(functions, weights, antiderivative))
    return AngleLaw(edges, np.clip(number[:, :0:-1].cumsum(axis=1)[:, ::-1].T, 0, 1))


def _support(k: int, cosine: int, sine: int) -> tuple[float, float]:
    """Angles between which the weight matters, times the highest power of x (small angles) and the lowest (large ones)."""
    grid = np.linspace(0, pi / 2, 4001)[1:-1]

    def seen(power: int) -> np.ndarray:
        weight = power * np.log(np.cos(grid)) + sine * np.log(np.sin(grid))
        return np.flatnonzero(weight > weight.max() - NEGLIGIBLE)

    first, last = seen(cosine + 2 * (k - 1))[0], seen(cosine)[-1]
    return (float(grid[first]) if first else 0.0), (float(grid[last]) if last < len(grid) - 1 else pi / 2)


def _panels(
    edges: Float64[np.ndarray, " edges"],
) -> tuple[Float64[np.ndarray, "panels nodes"], Float64[np.ndarray, "panels nodes"], Float64[np.ndarray, "panels nodes nodes"]]:
    """Gauss-Legendre nodes and weights between edges, and the matrix that integrates from a panel's start to each of its nodes."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    half = np.diff(edges)[:, None] / 2
    powers = np.arange(NODES)
    # the antiderivative of the Legendre polynomial P_j from -1 is (P_{j+1} - P_{j-1}) / (2 j + 1)
    polynomials = np.polynomial.legendre.legvander(x, NODES)
    integrals = np.empty((NODES, NODES))
    integrals[:, 0] = x + 1
    integrals[:, 1:] = (polynomials[:, 2:] - polynomials[:, :-2]) / (2 * powers[1:] + 1)
    antiderivative = integrals @ ((2 * powers + 1) / 2 * polynomials[:, :NODES] * w[:, None]).T
    return edges[:-1, None] + half * (x + 1), half * w, half[..., None] * antiderivative


def _orthonormal(
    angles: Float64[np.ndarray, " nodes"], weights: Float64[np.ndarray, " nodes"], k: int, cosine: int, sine: int
) -> Float64[np.ndarray, "k nodes"]:
    """f_0 .. f_{k-1}: polynomials of x times g, orthonormal on the nodes (Lanczos, each orthogonalised twice against all before)."""
    logarithm = cosine * np.log(np.cos(angles)) + sine * np.log(np.sin(angles))
    root, x = np.sqrt(weights), np.cos(angles) ** 2
    x = (x - x.mean()) / x.std()
    vectors = np.empty((k, len(angles)))
    new = np.exp(logarithm - logarithm.max()) * root
    for i in range(k):
        for _ in range(2):
            new = new - (vectors[:i] @ new) @ vectors[:i]
        vectors[i] = new / np.linalg.norm(new)
        new = x * vectors[i]
    functions: np.ndarray = vectors / root
    return functions


def _moments(
    functions: Float64[np.ndarray, "k panels nodes"],
    weights: Float64[np.ndarray, "panels nodes"],
    antiderivative: Float64[np.ndarray, "panels nodes nodes"],
) -> tuple[Float64[np.ndarray, "edges k k"], Float64[np.ndarray, "edges k"]]:
    """For each edge the double integrals over both arguments below it, and the single integrals below it."""
    weighted = functions * weights
    panel = weighted.sum(axis=2).T  # panels, k
    running = np.einsum("pmn,kpn->pkm", antiderivative, functions)
    inside = 2 * np.einsum("pkm,lpm->pkl", running, weighted) - panel[:, :, None] * panel[:, None]
    inside = (inside - inside.swapaxes(1, 2)) / 2
    single = np.concatenate([np.zeros((1, panel.shape[1])), panel.cumsum(axis=0)])
    across = single[:-1, :, None] * panel[:, None]
    double = (inside + across - across.swapaxes(1, 2)).cumsum(axis=0)
    return np.concatenate([np.zeros((1, *double.shape[1:])), double]), single


def _number_below(double: Float64[np.ndarray, "edges k k"], single: Float64[np.ndarray, "edges k"]) -> Float64[np.ndarray, "edges counts"]:
    """P(N = 0 .. k) at every edge, from E z^N at points of the unit circle.

    Each E z^N is the square root of a ratio of determinants, on the branch that is 1 at z = 1 and continuous along the circle. N varies
    by one or two around its mean, so that E z^{N - mean} turns slowly: under a right angle from point to point, as the branch needs.
    """
    edges, k = single.shape
    cross = single[:, :, None] * (single[-1] - single)[:, None]
    cross = cross - cross.swapaxes(1, 2)
    parts = [double[-1] - double - cross, cross, double]  # with no, one and both arguments below
    if k % 2:
        parts = [_bordered(part, side) for part, side in zip(parts, (single[-1] - single, single, 0 * single), strict=True)]
    whole = sum(parts)
    mean = np.trace(np.linalg.solve(whole, parts[1] + 2 * parts[2]), axis1=1, axis2=2) / 2
    points = max(k + 1, 33) | 1  # odd, so that -1, where E z^N may vanish, is none of them
    phase, size = np.linalg.slogdet(whole)
    number, before = np.zeros((edges, k + 1)), np.ones(edges, dtype=complex)
    for angle in 2 * pi * np.arange(points // 2 + 1) / points:
        z = np.exp(1j * angle)
        phase_z, size_z = np.linalg.slogdet(parts[0] + z * parts[1] + z**2 * parts[2])
        slow = np.sqrt(phase_z / phase * np.exp(size_z - size - 2j * angle * mean))
        before = slow = np.where((slow * before.conj()).real < 0, -slow, slow)
        value = slow * np.exp(1j * angle * mean)
        # the other half of the circle holds the conjugates
        number += (2 if angle else 1) / points * (value[:, None] * z ** -np.arange(k + 1.0)).real
    return number


def _bordered(matrices: Float64[np.ndarray, "edges k k"], side: Float64[np.ndarray, "edges k"]) -> Float64[np.ndarray, "edges more more"]:
    """One row and column more, which keep them skew: the Pfaffian of an odd number of functions."""
    k = side.shape[1]
    bordered = np.zeros((len(side), k + 1, k + 1))
    bordered[:, :k, :k], bordered[:, :k, k], bordered[:, k, :k] = matrices, side, -side
    return bordered


def _clenshaw_curtis(points: int) -> Float64[np.ndarray, " points"]:
    """Weights of Chebyshev points from -1 to 1."""
    last = points - 1
    angles = pi * np.arange(points) / last
    even = np.arange(2, last + 1, 2)
    share = np.where(even == last, 1, 2) / (1 - even.astype(float) ** 2)
    weights = (1 + np.cos(angles[:, None] * even) @ share) * 2 / last
    weights[[0, -1]] /= 2
    return np.asarray(weights)
