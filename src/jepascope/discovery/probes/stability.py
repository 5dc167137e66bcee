"""Stability selection: which coordinates a sparse probe finds again when it is given other halves of the clips.

Meinshausen & Buehlmann (2010), on complementary halves (Shah & Samworth 2013). The same fits with permuted labels are the
control: what share of the coordinates a sparse probe of this strength takes up where there is nothing to find.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepascope.discovery.probes.folds import check_labels, complementary_halves, exchanged_within
from jepascope.discovery.probes.paths import L1_SHARES, ProbePath, stacked
from jepascope.discovery.probes.readouts import standardise
from jepascope.discovery.solver.elastic_net import Penalty, prepare, strongest_l1
from jepascope.discovery.solver.solve import solve_path
from jepascope.encoders.base import Fits, one_by_one
from jepascope.errors import BadArgument

PAIRS = 50
PERMUTED = 10  # halves whose labels are permuted
THRESHOLD = 0.9
STRENGTHS = 3  # of a path's, evenly spread over its steps; not the weakest, where halves cannot tell coordinates apart
TOLERANCE = 3e-3  # of log(classes); against 1e-3, frequencies of single coordinates move by at most 0.04, supports by 0.004
BYTES = 64 * 2**20  # halves are solved in chunks that hold about as much
ARRAYS = 10  # of the size of the logits, and of the weights, that an iteration holds

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class StabilityPoint:
    """What halves of the clips select at one strength. Shares are of all coordinates."""

    strength: float
    support: float  # mean over halves
    support_low: float  # the middle 95 % of the halves
    support_high: float
    selected: float  # mean number of coordinates selected
    frequencies: Float[Tensor, " width"]  # share of the halves that select a coordinate; float64, for 45 / 50 has to equal 0.9
    stable: float  # share of coordinates selected in at least ``threshold`` of the halves
    false_bound: float  # on the stable coordinates expected among those selected no more often than the average one; NaN where void
    permuted_support: float  # mean over halves with permuted labels


@dataclass(frozen=True)
class Stability:
    """From the strongest strength to the weakest; ``chosen`` is the place of the path's choice, where a path was given."""

    points: tuple[StabilityPoint, ...]
    halves: int
    permuted: int
    threshold: float
    chosen: int | None = None


def expected_false(selected: float, width: int, threshold: float) -> float:
    """The bound ``q^2 / ((2 threshold - 1) p)`` on how many seldom selected coordinates are expected to be stable; NaN where void.

    q coordinates of p are selected on average. Shah & Samworth (2013, theorem 1): without assumptions, of coordinates that a half
    selects with a probability of at most q / p, the average one's. Only if noise coordinates are exchangeable and the selection is
    no worse than guessing does it bound the false ones among all (Meinshausen & Buehlmann 2010, theorem 1). Void at
    thresholds up to 1/2, and where it exceeds the number of coordinates.
    """
    if threshold <= 0.5:
        return math.nan
    bound = selected**2 / ((2 * threshold - 1) * width)
    return bound if bound <= width else math.nan


def stability_selection(
    layers: Mapping[Key, Float[Tensor, "clips _"]],
    y: Int[Tensor, " clips"],
    groups: Int[Tensor, " clips"] | None = None,
    paths: Mapping[Key, ProbePath] | None = None,
    strengths: int = STRENGTHS,
    pairs: int = PAIRS,
    permuted: int = PERMUTED,
    threshold: float = THRESHOLD,
    seed: int = 0,
    penalty: Penalty = "l1",
    tolerance: float = TOLERANCE,
    fits: Fits = one_by_one,
) -> dict[Key, Stability]:
    """Sparse probes of every layer on ``2 x pairs`` halves of the clips, and on ``permuted`` of them with permuted labels.

    ``paths``: the layers' sparse paths, for the strengths, one of which is the path's choice; otherwise strengths are the same
    shares of each layer's strongest as in ``l1_paths``. Coordinates are standardised over all clips given. ``fits`` runs the halves of a
    layer. Errors as ``l1_paths``.
    """
    if strengths < 1 or permuted < 0 or not 0 < threshold <= 1:
        raise BadArgument("Stability selection needs at least one strength, a threshold in (0, 1] and no negative number of permutations.")
    classes = check_labels(y)
    halves = complementary_halves(y, groups, pairs, seed)
    generator = torch.Generator().manual_seed(seed)
    at = [i % len(halves) for i in range(permuted)]
    labels = torch.stack([*y.cpu().expand(len(halves), -1), *(exchanged_within(halves[i], y, groups, generator) for i in at)])
    used = torch.cat([halves, halves[at]])
    stability: dict[Key, Stability] = {}
    for keys, raw in stacked(layers, len(y)):
        x = standardise(raw)[0]
        whole = prepare(x, y[None, None], torch.ones(1, 1, len(y)), classes)
        ladder, chosen = _ladder(keys, paths, strongest_l1(whole, penalty)[:, 0].tolist(), strengths)
        support = _supports(x, labels, used, classes, torch.tensor(ladder).to(x), penalty, tolerance, fits)
        for i, key in enumerate(keys):
            points = [_point(*each, len(halves), threshold) for each in zip(ladder[i], support[i].unbind(0), strict=True)]
            stability[key] = Stability(tuple(points), len(halves), permuted, threshold, chosen[i])
    return {key: stability[key] for key in layers}


def _ladder(
    keys: list[Key], paths: Mapping[Key, ProbePath] | None, strongest: list[float], strengths: int
) -> tuple[list[list[float]], list[int | None]]:
    """Strengths per layer, strong to weak, and where the path's choice is among them."""
    ladder, chosen = [], []
    for key, top in zip(keys, strongest, strict=True):
        path = None if paths is None else [point.strength for point in paths[key].points]
        path = [top * share for share in L1_SHARES] if path is None else path
        steps = sorted({round((len(path) - 1) * (i + 1) / (strengths + 1)) for i in range(min(strengths, len(path)))})
        place: int | None = None
        if paths is not None:
            wanted = paths[key].chosen
            place = min(range(len(steps)), key=lambda i: abs(steps[i] - wanted))
            steps[place] = wanted
        ladder.append([path[step] for step in steps])
        chosen.append(place)
    return ladder, chosen


def _supports(
    x: Tensor, y: Tensor, used: Tensor, classes: int, ladder: Tensor, penalty: Penalty, tolerance: float, fits: Fits
) -> Bool[Tensor, "designs strengths halves width"]:
    """Which coordinates each fit uses in any class.

    Each half is a design of its own, of its own clips: as weights on all clips it would compute on as many clips again that
    count for nothing, and share its working set with every other half.
    """
    designs, _, width = x.shape
    size = int(used.sum(dim=1).max())  # a smaller half is filled up with clips of weight 0
    order = used.to(torch.uint8).sort(dim=1, descending=True, stable=True).indices[:, :size]
    y, counted = y.gather(1, order).to(x.device), used.gather(1, order).to(x)
    order = order.to(x.device)
    chunk = max(1, BYTES // (4 * (size * width + ARRAYS * classes * (size + width))))
    used_in = torch.zeros(designs, ladder.shape[1], len(y), width, dtype=torch.bool)
    some = [slice(begin, begin + chunk) for begin in range(0, len(y), chunk)]
    places = [(design, halves) for design in range(designs) for halves in some]
    shared = (x, y, order, counted, classes, ladder, penalty, tolerance)
    for (design, halves), made in zip(places, fits(_supports_of, ((shared, place) for place in places)), strict=True):
        used_in[design, :, halves] = made
    return used_in


def _supports_of(_: object, shared: tuple[Any, ...], design: int, halves: slice) -> Bool[Tensor, "strengths some width"]:
    """Of some halves of one design."""
    x, y, order, counted, classes, ladder, penalty, tolerance = shared
    batch = prepare(x[design][order[halves]], y[halves, None], counted[halves, None], classes)
    strengths = [(l1.expand(len(batch.x), 1), 0.0) for l1 in ladder[design]]
    return torch.stack([(found.weights[:, 0] != 0).any(dim=1).cpu() for found in solve_path(batch, strengths, tolerance, penalty=penalty)])


def _point(strength: float, support: Tensor, halves: int, threshold: float) -> StabilityPoint:
    true = support[:halves].double()
    share = true.mean(dim=1)
    low, high = share.quantile(torch.tensor([0.025, 0.975], dtype=share.dtype)).tolist()
    frequencies = true.mean(dim=0)
    selected = float(true.sum(dim=1).mean())
    stable = float((frequencies >= threshold - 1e-9).double().mean())
    bound = expected_false(selected, support.shape[1], threshold)
    permuted = float(support[halves:].double().mean()) if len(support) > halves else math.nan
    return StabilityPoint(strength, float(share.mean()), low, high, selected, frequencies, stable, bound, permuted)
