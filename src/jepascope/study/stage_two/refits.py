"""Refitting after ablation: what a fresh probe still finds beside what the frozen one lost -> refits.parquet."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.site import Site
from jepascope.activations.suffix import BATCH, pooled_reader, rerun
from jepascope.discovery.probes.mlp_probe import mlp_probe
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.conditions import Condition, merged, owned
from jepascope.intervention.edits import ablation_displacement, coordinates, edit
from jepascope.stats import proportion
from jepascope.study.bench import Bench
from jepascope.study.counts import REFIT_DRAWS
from jepascope.study.stage_two.judges import Panel
from jepascope.study.stage_two.layers import controls_at

COLUMNS = ["layer", "read_layer", "finder", "rank", "control", "draw", "judge", "accuracy", "low", "high", "n", "chance"]

Reading = tuple[int, int]
"""Condition (-1: unedited) and layer."""


def run_refits(bench: Bench, layer: int, subspaces: Mapping[str, Subspace], panel: Panel) -> pd.DataFrame:
    """Fresh linear probes at every later layer, and small networks at the last, of clips whose subspace is ablated.

    Fitted on ablated judge clips, scored on ablated test clips: the mean that ablation goes to is the subspace's own.
    """
    spec, depth, site = bench.spec, bench.encoder.card.depth, Site(layer, bench.spec.tokens)
    conditions = merged(subspaces, controls_at(bench, layer, subspaces, ("random",), REFIT_DRAWS), (1.0,))
    judge = bench.capture(bench.judge.clips, "capture tokens of judge clips", sites=(layer,))
    tick = bench.progress.start(f"refit read-outs after ablation at layer {layer}")
    fitted, scored = (_ablated(bench, site, part, conditions) for part in (judge, bench.test))
    tick(1, 2)
    y, scenes, labels = bench.labels(judge), bench.scenes(judge), bench.labels(bench.test)
    paths = dense_probes(fitted, y, scenes, bench.folds, seed=spec.seed)
    hits: dict[tuple[Reading, str], int] = {(at, "probe"): path.probe.correct(scored[at], labels) for at, path in paths.items()}
    if "mlp" in spec.judges:
        hits.update({(at, "mlp"): mlp_probe(x, y, spec.seed).correct(scored[at], labels) for at, x in fitted.items() if at[1] == depth})
    rows = [_row(layer, at, "", 0, "clean", 0, name, count, labels) for (at, name), count in hits.items() if at[0] < 0]
    for i, owner in owned(conditions, list(subspaces)):
        said = (owner.finder, conditions[i].basis.shape[1], owner.control, owner.draw)
        rows += [_row(layer, at, *said, name, count, labels) for (at, name), count in hits.items() if at[0] == i]
    tick(2, 2)
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(
    layer: int, at: Reading, finder: str, rank: int, control: str, draw: int, judge: str, right: int, labels: Int[Tensor, " clips"]
) -> tuple[object, ...]:
    share, chance = proportion(right, len(labels)), float(torch.bincount(labels).max()) / len(labels)
    return (layer, at[1], finder, rank, control, draw, judge, share.value, share.low, share.high, share.n, chance)


def _ablated(bench: Bench, site: Site, part: Activations, conditions: list[Condition]) -> dict[Reading, Float[Tensor, "clips width"]]:
    """Pooled activations of every later layer after each ablation, and unedited."""
    depth, mask = bench.encoder.card.depth, part.mask(site.tokens)
    layers = range(site.layer, depth + 1)
    found = {(i, at): torch.empty(len(part), bench.encoder.card.width) for i in range(len(conditions)) for at in layers}
    for start in range(0, len(part), BATCH):
        rows = slice(start, min(start + BATCH, len(part)))
        hidden = part.tokens(site.layer, rows).to(bench.encoder.device)
        seen = None if mask is None else mask[rows].to(hidden.device)

        def ablate(hidden: Tensor, which: slice, seen: Tensor | None = seen) -> Tensor:
            made = []
            for one in conditions[which]:
                basis = one.basis[None].to(hidden.device)
                inside = coordinates(ablation_displacement(hidden.float(), one.mean.to(hidden.device)), basis, seen)
                made.append(edit(hidden, inside, basis, torch.ones(1, device=hidden.device))[0])
            return torch.stack(made)

        def keep(which: slice, read: dict[int, Tensor], rows: slice = rows) -> None:
            for at, features in read.items():
                for i, one in zip(range(which.start, which.stop), features, strict=True):
                    found[i, at][rows] = one.float().cpu()

        reader = pooled_reader(None if mask is None else mask[rows])
        rerun(bench.encoder, hidden, site.layer, ablate, len(conditions), {at: reader for at in layers}, keep)
    return found | {(-1, at): part.pooled(at, site.tokens) for at in layers}
