"""Is it the order of the classes on the circle that lets held-out arcs be read? A permutation test over circular orders.

The test clips of a class share one probe and one class mean, so eight clusters at random places are eight readings, not as many as
there are clips, and by luck they may lie well. Here the classes of the same activations are put on the circle in other orders, and
each order is read in the same way, strengths and all. Where a class's place in the code has nothing to do with its angle, the true
order is one among them.

Ridge is linear in its targets. So every probe is fitted once, to which class a clip is of, and any assignment of angles to
classes is a matrix product away.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.probes.circular import FEWEST_ARCS, Arcs, circular_errors, decoded_angle, on_circle
from jepascope.discovery.probes.paths import check_activations
from jepascope.discovery.probes.ridge import RIDGE_STRENGTHS, checked_strengths, checked_targets, ridge_fits, strongest_best
from jepascope.stats import p_value

ORDERS = 200


@dataclass(frozen=True)
class OrderTest:
    """Mean errors in degrees on held-out arcs, of the true order and of others."""

    error: float
    others: Float[np.ndarray, " orders"]

    @property
    def p(self) -> float:
        """(1 + orders that are read as well) / (1 + orders): one-sided."""
        return p_value(-self.error, -self.others)


def circular_orders(classes: int, draws: int = ORDERS, seed: int = 0) -> Int[np.ndarray, "orders classes"]:
    """Distinct circular orders of the classes, none of them the true one; all (classes - 1)! / 2 - 1 of them where no more are wanted.

    A circular order is a permutation whatever its rotation and reflection, which only turn or mirror the targets. Each is given in
    a random turn of it, so that the true assignment is exchangeable with these under the null.
    """
    rng = np.random.default_rng(seed)
    wanted = min(draws, factorial(classes - 1) // 2 - 1)
    seen = {_canonical(np.arange(classes))}
    orders: list[Int[np.ndarray, " classes"]] = []
    while len(orders) < wanted:
        order = rng.permutation(classes)
        if (kind := _canonical(order)) not in seen:
            seen.add(kind)
            orders.append(order)
    return np.array(orders, dtype=np.int64).reshape(-1, classes)


def arc_order_test(
    x: Float[Tensor, "clips width"],
    values: Float[Tensor, "clips 2"],
    held: Float[Tensor, "held width"],
    held_values: Float[Tensor, "held 2"],
    draws: int = ORDERS,
    seed: int = 0,
    where: object = "the activations",
) -> OrderTest | None:
    """``held_out_arcs`` of one layer with the classes' angles as they are, and in ``draws`` other circular orders.

    None where angles are continuous (there are no classes to permute), or are too few to leave one out. Few classes have few orders:
    p cannot be below 1/3 with four of them, 1/12 with five. Raises what ``ridge_probes`` raises, naming ``where``.
    """
    y = checked_targets(values)
    cut = Arcs.of(decoded_angle(y))
    if not cut.discrete or len(cut.centres) < FEWEST_ARCS:
        return None
    check_activations(x, len(y), where)
    arc, held_arc, classes = cut.index(decoded_angle(y)), cut.index(decoded_angle(held_values)), len(cut.centres)
    orders = np.concatenate([np.arange(classes)[None], circular_orders(classes, draws, seed)])
    angles = cut.centres[torch.from_numpy(orders)]  # orders classes
    places, strengths = on_circle(angles.flatten()).view(*angles.shape, 2), checked_strengths(RIDGE_STRENGTHS)
    member, layer = torch.nn.functional.one_hot(arc, classes).double(), x.double()[None]

    def read(trained: Tensor, clips: Tensor) -> Tensor:
        """(orders, strengths, clips, 2): probes of the clips ``trained``, for every order."""
        scores = ridge_fits(layer[:, trained], member[trained], strengths).predict(clips[None])[0]
        return torch.einsum("sck,okd->oscd", scores, places)

    error = layer.new_zeros(classes, len(orders), len(strengths))
    for a, b in combinations(range(classes), 2):
        rows = (arc == a) | (arc == b)
        missed = (read(~rows, layer[0, rows]) - places[:, arc[rows]][:, None]).square().sum(dim=3)
        for outer, inner in ((a, b), (b, a)):
            error[outer] += missed[:, :, arc[rows] == inner].sum(dim=2)
    degrees = layer.new_zeros(len(orders), len(held_arc))
    for a in held_arc.unique().tolist():
        trained, rows = arc != a, held_arc == a
        shown = torch.einsum("k,okd->od", member[trained].mean(dim=0), places)
        best = strongest_best(error[a])
        predicted = read(trained, held.double()[rows])[torch.arange(len(orders)), best] - shown[:, None]
        true = angles[:, a, None].expand(-1, int(rows.sum()))
        degrees[:, rows] = circular_errors(true.flatten(), decoded_angle(predicted.flatten(0, 1))).view(len(orders), -1)
    mean = degrees.mean(dim=1).numpy()
    return OrderTest(float(mean[0]), mean[1:])


def _canonical(order: Int[np.ndarray, " classes"]) -> tuple[int, ...]:
    """The same for every rotation and reflection of an order: class 0 first, then the lesser of its neighbours."""
    around = np.argsort(order)  # the classes as they come round the circle
    around = np.roll(around, -int(np.flatnonzero(around == 0)[0]))
    return tuple(int(label) for label in (around if around[1] < around[-1] else np.roll(around[::-1], 1)))
