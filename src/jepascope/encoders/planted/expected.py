"""What an edit at the site must do to a planted network's output: the causal effect from the equations, with no network run.

Judges read margins of pooled h_L. In these networks h_L is R r, r = e(y) on unedited clips up to zero-mean noise, and a probe that
treats the eight classes alike has logits k <e(j), r> + const, so that for class y and target t

    CE(ablate)      = E <e(y), r(h) - r(h')> / E <e(y), r(h)>              (= 1 - E <e(y), r(h')>)
    CE(swap, steer) = E <e(t) - e(y), r(h') - r(h)> / E |e(t) - e(y)|^2    over ordered pairs t != y

with h' = h + U U' d. Where r is linear, r(h) = G'h, both are

    CE(U) = E <e(y), G' U U' x(y)> / E |e(y)|^2,    x(y) the displacement of class y's mean, C e(y) + 2 B e(3y) on decoy,

because noise has mean zero and over ordered pairs E <e(t) - e(y), M (x(t) - x(y))> = (16/7) E <e(y), M x(y)>.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.clips.planted import NOISES, NUMBERS, SHARED
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.encoders.planted.encoder import DEPTH, READ, SETTLED, PlantedEncoder, embedding
from jepascope.encoders.planted.frame import NUISANCE
from jepascope.errors import BadArgument

CLASSES = len(DIRECTION_NAMES)
DRAWS = 2048  # of the nuisance, where a gated network's ablation mixes it with codes
TOKENS = 8


def expected_effect(
    encoder: PlantedEncoder,
    edit: str,
    basis: Float[Tensor, "width rank"],
    mean: Float[Tensor, " width"] | None = None,
    class_means: Float[Tensor, "classes width"] | None = None,
    read_layer: int = DEPTH,
) -> float:
    """The CE of ablate (to the mean), swap or steer on the span of ``basis`` at the site, dose 1, all tokens; read off the output plane R
    at ``read_layer`` (2 or later: before block 2 nothing is there).

    Classes, targets and signs are enumerated. ``mean`` is what ablation goes to and ``class_means`` what steering adds differences of;
    by default those of the construction. Noise has no part in swap and steer (twins share it) and none in the linear networks'
    ablation (it has mean zero). Ablating a subspace of a gated network that holds nuisance as well moves that noise into codes:
    its expectation is then taken over 2,048 draws, always the same ones. NaN where the equations of one token without its noise do not
    give it (``Network.calculable``).
    """
    if edit not in ("ablate", "swap", "steer"):
        raise BadArgument(f"There is no expected effect of '{edit}'; there is one of ablate, swap and steer.")
    if not READ <= read_layer <= DEPTH:
        raise BadArgument(
            f"The output plane holds what was read from layer {READ} to {DEPTH}; there is no expected effect at layer {read_layer}."
        )
    if not encoder.network.calculable:
        return math.nan
    project = basis.double() @ basis.double().T
    clean = site_means(encoder)  # classes, signs, width
    circle = unit_circle()
    if edit == "ablate":
        middle = clean.mean(dim=(0, 1)) if mean is None else mean.double()
        edited = clean - (clean - middle) @ project
        if not encoder.network.linear:
            edited = edited - (_nuisance(encoder) @ project)[:, None, None]
        left = (output(encoder, edited, read_layer) * circle[:, None]).sum(dim=-1).mean()
        whole = (output(encoder, clean, read_layer) * circle[:, None]).sum(dim=-1).mean()
        return float(1 - left / whole)
    means = clean.mean(dim=1) if class_means is None else class_means.double()
    source, target = (index.flatten() for index in torch.meshgrid(torch.arange(CLASSES), torch.arange(CLASSES), indexing="ij"))
    source, target = source[source != target], target[source != target]
    displacement = clean[target] - clean[source] if edit == "swap" else (means[target] - means[source])[:, None]
    moved = output(encoder, clean[source] + displacement @ project, read_layer) - output(encoder, clean[source], read_layer)
    wanted = (circle[target] - circle[source])[:, None]
    return float((moved * wanted).sum(dim=-1).mean() / wanted.square().sum(dim=-1).mean())


def unit_circle() -> Float64[Tensor, "classes 2"]:
    """e(y) of every class."""
    angle = torch.arange(CLASSES, dtype=torch.float64) * (2 * math.pi / CLASSES)
    return torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)


def site_means(encoder: PlantedEncoder) -> Float64[Tensor, "classes signs width"]:
    """Mean of h at the site for every class and sign: what embed writes without the noise (block 1 changes noise alone)."""
    weights, circle = embedding(encoder.network, encoder.written), unit_circle()
    triple = circle[3 * torch.arange(CLASSES) % CLASSES]
    states = []
    for sign in (1.0, -1.0):
        numbers = torch.zeros(CLASSES, weights.shape[1], dtype=torch.float64)
        for name, value in {"angle": circle, "triple": triple, "signed": sign * circle}.items():
            numbers[:, NUMBERS[name]] = value
        numbers[:, NUMBERS["sign"]] = sign
        states.append(numbers @ weights.T)
    return torch.stack(states, dim=1)


def output(encoder: PlantedEncoder, hidden: Float64[Tensor, "*batch width"], read_layer: int = DEPTH) -> Float64[Tensor, "*batch 2"]:
    """What R holds after block ``read_layer`` (2 to 5; by default at the end), given h at the site."""
    network = encoder.network
    codes = {name: hidden @ encoder.frame.planes[name] for name in network.planes}
    r = network.read(codes)
    for block, later in network.later.items():
        if block <= read_layer:
            r = later(r, codes)
    return r


def _nuisance(encoder: PlantedEncoder) -> Float64[Tensor, "draws width"]:
    """Draws of a token's noise at the site. A number's variance there: its shared part, and what mixing leaves of the token's own."""
    own = (1 - SETTLED) ** 2 + (1 - (1 - SETTLED) ** 2) / TOKENS
    spread = math.sqrt(SHARED + (1 - SHARED) * own)
    drawn = torch.randn(DRAWS, NOISES, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    drawn[:, NUISANCE:] = 0  # numbers that gated networks write nowhere
    return spread * drawn @ embedding(encoder.network, encoder.written)[:, NUMBERS["noise"]].T
