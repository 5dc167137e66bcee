"""One explanation measured: CE of swaps of every mapped variable, beside controls, and what noise in the unmapped ones moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from jepascope.bench.systems.exchange import Run, System, Vector, content

CONTROLS = ("random", "norm", "shuffled")
"""As many other variables from the same donor; the same variables moved as far in a random direction; the swap held against what the
explanation says of another donor."""

Sums = dict[str, float]


def measured(system: System, scenes: int) -> dict[str, list[float]]:
    """Per scene and mapped variable: ``below`` (the denominator), ``subspace`` and each control (numerators), ``unmapped`` (the squared
    distance that noise in what is not mapped moves the outputs), ``every`` and ``unsaid`` (over all mapped variables behind the inputs: how
    far the explanation says they move, and how far from that they lie, squared). NaN where a control has no room."""
    runs = [system.scene() for _ in range(2 * scenes)]
    rows: dict[str, list[float]] = {name: [] for name in ("below", "subspace", *CONTROLS, "unmapped", "every", "unsaid")}
    for base, donor, other in zip(runs[:scenes], runs[scenes:], [*runs[scenes + 1 :], runs[scenes]], strict=True):
        noise = system.moved(base.labels, system.unmapped(base))
        for name in system.variables:
            row = exchanged(system, base, donor, other, name)
            if row is not None and all(np.isfinite(row[key]) for key in ("subspace", "below", "every", "unsaid")):
                for key, value in {**row, "unmapped": float(noise @ noise)}.items():
                    rows[key].append(value)
    return rows


def exchanged(system: System, base: Run, donor: Run, other: Run, name: str) -> Sums | None:
    """Numerators and denominators of one swap; None where the donor shows the same."""
    cells = system.cells(name)
    own, theirs = content(base.state, cells), content(donor.state, cells)
    if all(np.array_equal(one, two) for (*_, one), (*_, two) in zip(own, theirs, strict=True)):
        return None
    says, says_of_other = (system.say({**base.roots, name: each.labels[name]}) for each in (donor, other))
    claimed, elsewhere = system.moved(base.said, says), system.moved(base.said, says_of_other)
    swapped = system.swapped(base, theirs)
    free = system.elsewhere(name)
    drawn = [free[i] for i in system.rng.permutation(len(free))[: len(cells)]] if len(free) >= len(cells) else []
    away = [(*cell, as_far(one, two, system.rng)) for cell, (*_, one), (*_, two) in zip(cells, own, theirs, strict=True)]
    moved = {
        "subspace": system.moved(base.labels, swapped),
        "random": system.moved(base.labels, system.swapped(base, content(donor.state, drawn))) if drawn else np.full_like(claimed, np.nan),
        "norm": system.moved(base.labels, system.swapped(base, away)),
    }
    behind = [each for each in (*system.variables, *system.outputs) if each not in (name, *base.roots)]
    every = system.moved(base.said, says, behind)
    off = system.moved(base.labels, swapped, behind) - every
    return {
        "below": float(claimed @ claimed),
        **{control: float(way @ claimed) for control, way in moved.items()},
        "shuffled": float(moved["subspace"] @ elsewhere),
        "every": float(every @ every),
        "unsaid": float(off @ off),
    }


def as_far(own: Vector, theirs: Vector, rng: np.random.Generator) -> Vector:
    """As far from ``own`` as ``theirs`` is, in a random direction."""
    drawn = rng.standard_normal(own.shape)
    made: Vector = own + drawn * (np.linalg.norm(theirs - own) / np.linalg.norm(drawn))
    return made


SCORES = ("ce", "beside", "faithful", "agreement")
"""CE; CE less its largest control; that less what noise in unmapped variables moves; that less what a swap moves and nobody said."""


def scores(rows: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """CE and its controls as ratios of sums, ``leak`` and ``unsaid`` over what the explanation says moves, and SCORES. ``n``: swaps."""
    below, every = float(np.sum(rows["below"])), float(np.sum(rows["every"]))
    if not (below > 0 and every > 0):
        return {"n": 0}
    ratios = {name: float(np.nansum(rows[name])) / below for name in ("subspace", *CONTROLS) if np.isfinite(rows[name]).any()}
    leak, unsaid = float(np.nansum(rows["unmapped"])) / below, float(np.sum(rows["unsaid"])) / every
    ce, closest = ratios.pop("subspace"), max(value for name, value in ratios.items() if name != "subspace")
    told = dict(zip(SCORES, (ce, ce - closest, ce - closest - leak, ce - closest - leak - unsaid), strict=True))
    return {"n": len(rows["below"]), **ratios, "leak": leak, "unsaid": unsaid, **told}
