"""RCE at equal token norm: every token's edit of the used subspace rescaled to the norm of the native one's edit of that token.

At equal dose RCE measures how large an edit is as well: a subspace of little variance takes little away whatever it points at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from math import nan

import pandas as pd
import torch
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import ControlDraw, Matched
from jepascope.portability.refits import Refits
from jepascope.portability.retained import EQUAL_NORM, NORM_FLOORS, one_dose, rce_rows
from jepascope.portability.tables import Pair
from jepascope.study.captures import Captures
from jepascope.study.intervene.contexts import controls_at
from jepascope.study.port.compared import Ported, Rows
from jepascope.study.steps.port import NORM_DRAWS

EDIT = "ablate"


def at_equal_norm(
    captures: Captures,
    context: InterventionContext,
    subspaces: Mapping[str, Subspace],
    kinds: Iterable[tuple[str, Collection[Pair]]],
    refits: Mapping[str, Refits],
    at_equal_dose: Rows,
) -> Ported:
    """Of pairs (used, native), by what they are carried across: RCE at equal token norm beside what the used one's finder on permuted
    labels, as many principal axes and variance-matched directions keep at that norm; all ablated to the native mean.

    Each native is edited at one dose: the least at which a pair of its is reported at equal dose (``one_dose``).
    """
    asked = [(across, pair) for across, pairs in kinds for pair in pairs]
    if not asked:
        return Ported()
    rows, spec = pd.DataFrame(at_equal_dose), captures.spec
    least = one_dose(rows[(rows["metric"] == "rce") & (rows["edit"] == EDIT)]).groupby("b")["dose"].min()
    natives = {native: subspaces[native] for _, (_, native) in asked}
    variance = controls_at(captures, context, natives, ("variance",), NORM_DRAWS)
    made: Rows = []
    for dose in sorted({*least}):
        here = [(across, pair) for across, pair in asked if least[pair[1]] == dose]
        there = {native: subspaces[native] for _, (_, native) in here}
        drawn = {native: [replace(draw, rescale=True) for draw in variance[native]] for native in there}
        for _, (used, native) in here:
            drawn[native] += _rescaled(used, subspaces[used], subspaces[native], refits.get(used))
        tick = captures.progress.start("the same at equal token norm")
        effects, _ = context.edit(there, drawn, (EDIT,), (float(dose),), [context.judge], tick)
        for across, (used, native) in here:
            one = _of_pair(effects, used, native)
            made += rce_rows(one, [(native, used)], across, spec.seed, spec.resamples, EQUAL_NORM, NORM_FLOORS)
    return Ported(made)


def _rescaled(name: str, used: Subspace, native: Subspace, beside: Refits | None) -> list[ControlDraw]:
    """The used subspace and what it is held against, as edits whose tokens have the norm of the native one's."""
    bases: list[tuple[str, Sequence[Tensor]]] = [(name, [used.basis])]
    if beside is not None:
        bases += [(f"{name}: shuffled", beside.permuted[:NORM_DRAWS]), (f"{name}: pca", [beside.pca])]
    return [
        ControlDraw(control, draw, basis, basis, True, Matched(basis.shape[1], nan, nan, nan, nan, _overlap(basis, native.basis)))
        for control, drawn in bases
        for draw, basis in enumerate(drawn)
    ]


def _overlap(basis: Tensor, native: Tensor) -> float:
    return float(torch.square(native.T @ basis).sum()) / basis.shape[1]


def _of_pair(effects: pd.DataFrame, used: str, native: str) -> pd.DataFrame:
    """One pair's effects, as if the used subspace had been edited as a finder's own beside its controls."""
    rows = effects[effects["finder"] == native]
    called = {used: "subspace", f"{used}: shuffled": "shuffled", f"{used}: pca": "pca", "variance": "variance"}
    theirs = rows[rows["control"].isin(called)]
    theirs = theirs.assign(finder=used, control=theirs["control"].map(called))
    return pd.concat([rows[rows["control"] == "subspace"], theirs], ignore_index=True)
