"""Refitting after ablation: what a fresh probe still finds beside what the frozen one lost -> refits.parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.suffix import PooledReader, Rerun, Sweep, chunks, rerun
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.conditions import Condition, merged, owned
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import SURVEYED
from jepascope.intervention.edits import coordinates, edit
from jepascope.intervention.edits.ablate import ablation_displacement
from jepascope.intervention.judge_entry import JUDGES, MAIN
from jepascope.intervention.judges.own import trained
from jepascope.schema import TABLES
from jepascope.stats import scene_proportion
from jepascope.study.captures import Captures
from jepascope.study.intervene.contexts import controls_at
from jepascope.study.steps.at_best import REFIT_DRAWS

COLUMNS = TABLES["refits"].written

Reading = tuple[int, int]
"""Condition (-1: unedited) and layer."""


def run_refits(captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace]) -> pd.DataFrame:
    """Fresh linear probes at every later layer, and small networks at the last, of clips whose subspace is ablated.

    Fitted on ablated judge clips, scored on ablated test clips; the mean that ablation goes to is the subspace's own.
    """
    spec, depth, layer = captures.spec, context.depth, context.site.layer
    conditions = merged(subspaces, controls_at(captures, context, subspaces, SURVEYED, REFIT_DRAWS), (1.0,))
    conditions = [*conditions, replace(conditions[0], dose=0.0, owners=[])]  # unedited, read over the same tokens as the others
    judge = captures.capture(captures.judge.clips, "capture tokens of judge clips", sites=(layer,))
    tick = captures.progress.start(f"refit read-outs after ablation at layer {layer}")
    fitted = _ablated(captures, layer, judge, conditions, judge.mask)
    scored = _ablated(captures, layer, captures.test, conditions, context.scenes.mask)
    tick(1, 2)
    y, scenes, labels, ids = captures.labels(judge), captures.scenes(judge), captures.labels(captures.test), context.scenes.ids
    paths = dense_probes(fitted, y, scenes, captures.folds, seed=spec.seed)
    hits = {(at, MAIN): path.probe.right(scored[at], labels) for at, path in paths.items()}
    for name in (name for name in spec.judges if name != MAIN and JUDGES.entry(name).layers == "all"):
        fresh = {at: trained(name, x, y, spec.seed) for at, x in fitted.items() if at[1] == depth}
        hits.update({(at, name): reader.logits(scored[at]).argmax(dim=-1) == labels for at, reader in fresh.items()})
    rows = [_row(layer, at, "", 0, "clean", 0, name, right, labels, ids) for (at, name), right in hits.items() if at[0] < 0]
    for i, owner in owned(conditions, list(subspaces)):
        whose = (owner.finder, conditions[i].basis.shape[1], owner.control, owner.draw)
        rows += [_row(layer, at, *whose, name, right, labels, ids) for (at, name), right in hits.items() if at[0] == i]
    tick(2, 2)
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(
    layer: int,
    at: Reading,
    finder: str,
    rank: int,
    control: str,
    draw: int,
    judge: str,
    right: Bool[Tensor, " clips"],
    labels: Int[Tensor, " clips"],
    scenes: Int[np.ndarray, " clips"],
) -> tuple[object, ...]:
    share, chance = scene_proportion(right.numpy(), scenes), float(torch.bincount(labels).max()) / len(labels)
    return (layer, at[1], finder, rank, control, draw, judge, share.value, share.low, share.high, share.n, chance)


def _ablated(
    captures: Captures, layer: int, part: Activations, conditions: list[Condition], mask_of: Callable[[str], Tensor | None]
) -> dict[Reading, Float[Tensor, "clips width"]]:
    """Pooled activations of every later layer after each ablation; the last condition is the unedited one, -1."""
    depth, mask = captures.encoder.card.depth, mask_of(captures.spec.tokens)
    layers = range(layer, depth + 1)
    read_after = {(i, at): torch.empty(len(part), captures.encoder.card.width) for i in range(len(conditions)) for at in layers}

    def reruns() -> Iterator[Rerun]:
        for rows in chunks(captures.encoder.card, len(part)):
            hidden = part.tokens(layer, rows).to(captures.encoder.device)
            seen = None if mask is None else mask[rows]
            reader = PooledReader(seen)
            sweep = Sweep(hidden, layer, partial(_ablate, conditions, seen), {at: reader for at in layers})
            yield Rerun(sweep, len(conditions), partial(keep, rows))

    def keep(rows: slice, which: slice, read: dict[int, Tensor]) -> None:
        for at, features in read.items():
            for i, pooled in zip(range(which.start, which.stop), features, strict=True):
                read_after[i, at][rows] = pooled.float()

    rerun(captures.encoder, reruns())
    last = len(conditions) - 1
    return {(-1 if i == last else i, at): x for (i, at), x in read_after.items()}


def _ablate(conditions: Sequence[Condition], seen: Tensor | None, hidden: Tensor, which: slice) -> Tensor:
    made, mask = [], None if seen is None else seen.to(hidden.device)
    for condition in conditions[which]:
        basis, mean = condition.basis[None].to(hidden.device), condition.mean.to(hidden.device)
        inside = coordinates(ablation_displacement(hidden.float(), mean), basis, mask)
        made.append(edit(hidden, inside, basis, torch.tensor([condition.dose], device=hidden.device))[0])
    return torch.stack(made)
