"""Which parts of which blocks write a subspace at a site, and which read it -> components.parquet.

Definitions: docs/science.md, "Where a variable is written and read".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.part_names import PARTS, RESIDUAL
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import ControlDraw
from jepascope.intervention.edits import class_means
from jepascope.intervention.paths import path_effects
from jepascope.schema import TABLES
from jepascope.schema.components import DIRECTLY, READS, WRITES
from jepascope.stats import holm

COLUMNS = TABLES["components"].written
EMBEDDING = "embedding"

Component = tuple[int, str]
"""A block and which of its parts; 0 and "embedding", 0 and "residual" (no part)."""


def writers(layer: int) -> list[Component]:
    """All that a layer is the sum of, in the order in which it is added."""
    return [(0, EMBEDDING), *((block, part) for block in range(1, layer + 1) for part in PARTS)]


def added_by(activations: Activations, component: Component, tokens: str) -> Float[Tensor, "clips width"]:
    """What a component adds to the residual stream, pooled; of activations that were captured by parts."""
    block, part = component
    return activations.pooled(0, tokens) if part == EMBEDDING else activations.pooled(block, tokens, part)


def written_margin(
    added: Float64[Tensor, "clips width"],
    label: Int[Tensor, " clips"],
    means: Float64[Tensor, "classes width"],
    basis: Float64[Tensor, "width rank"],
) -> Float64[Tensor, " clips"]:
    """How far what is added lies, inside a subspace, along what the clip's class is told by at the site: ``<V V^T x, V V^T mu_c>``.

    ``means``: class means at the site in split ``fit``, less their mean. Linear in x: over all that a layer is the sum of, it sums to
    that of the layer.
    """
    return ((added @ basis) * (means @ basis)[label]).sum(dim=1)


def written(
    context: InterventionContext,
    fit: tuple[Activations, Int[Tensor, " clips"]],
    test: Activations,
    tokens: str,
    subspaces: Mapping[str, Subspace],
    controls: Mapping[str, Sequence[ControlDraw]],
) -> pd.DataFrame:
    """The share of each writer in the difference of class means inside every subspace at the context's layer, on its test scenes.

    ``fit`` (with labels) and ``test`` were captured by parts. The direction of the difference is that of split ``fit``, so that noise of
    the test scenes' means is in no share. A control's draws are shares of what is written in their mean draw: of one draw there may be
    next to nothing.
    """
    label, layer = context.scenes.label, context.site.layer
    found, classes = fit[1], int(fit[1].max()) + 1
    components = writers(layer)

    def centred(means: Tensor) -> Tensor:
        return means.double() - means.double().mean(dim=0)

    along = centred(class_means(fit[0].pooled(layer, tokens), found, classes))
    added = {}
    for component in components:
        middle = class_means(added_by(fit[0], component, tokens), found, classes).double().mean(dim=0)
        added[component] = added_by(test, component, tokens).double() - middle
    tables = []
    for finder, subspace in subspaces.items():
        drawn = [("subspace", 0, subspace.basis), *((draw.name, draw.draw, draw.basis) for draw in controls.get(finder, ()))]
        shares = {
            (control, draw): {of: written_margin(x, label, along, basis.double()) for of, x in added.items()}
            for control, draw, basis in drawn
        }
        whole = {key: sum(by.values(), torch.zeros(len(label), dtype=torch.float64)) for key, by in shares.items()}
        names = dict.fromkeys(control for control, _ in shares)
        per_draw = {name: np.mean([float(of.sum()) for (at, _), of in whole.items() if at == name]) for name in names}
        below = whole["subspace", 0]
        scale = {name: float(below.sum()) / one if (one := float(mean)) else np.nan for name, mean in per_draw.items()}
        for component in components:
            rows = []
            for (control, draw), by in shares.items():
                rows.append(_margins(context, finder, subspace.rank, control, draw, by[component] * scale[control], below))
            tables.append(_of_component(ce_table(pd.concat(rows, ignore_index=True), context.seed, context.resamples), WRITES, component))
    return pd.concat(tables, ignore_index=True)


def read(
    context: InterventionContext,
    subspaces: Mapping[str, Subspace],
    controls: Mapping[str, Sequence[ControlDraw]],
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """CE of a swap that one later part alone sees, for every one of them: with the blocks behind it running, and with them held. Before
    them what of the whole swap no part sees: what the residual stream alone carries to the read-out."""

    def tables() -> Iterator[pd.DataFrame]:
        whole = context.edit(subspaces, controls, ("swap",), judges=[context.judge])[0]
        alone = whole.assign(numerator=whole["numerator_direct"]).drop(columns="numerator_direct")
        yield _of_component(ce_table(alone, context.seed, context.resamples), READS, (0, RESIDUAL))
        for component, effects in path_effects(context, subspaces, controls, "swap", progress).items():
            for role, column in ((READS, "numerator"), (DIRECTLY, "numerator_direct")):
                own = effects.assign(numerator=effects[column]).drop(columns="numerator_direct")
                yield _of_component(ce_table(own, context.seed, context.resamples), role, component)

    return pd.concat(list(tables()), ignore_index=True)


def components(*tables: pd.DataFrame) -> pd.DataFrame:
    """Writers and readers in one table, p corrected over all parts and finders of a role."""
    table = pd.concat(tables, ignore_index=True)
    for _, family in table[table["p"].notna()].groupby(["role", "control"], sort=False):
        table.loc[family.index, "p_holm"] = holm(list(family["p"]))
    return table[COLUMNS]


def _of_component(ce: pd.DataFrame, role: str, component: Component) -> pd.DataFrame:
    block, part = component
    return ce.assign(role=role, block=block, part=part, p_holm=np.nan)[COLUMNS]


def _margins(
    context: InterventionContext, finder: str, rank: int, control: str, draw: int, numerator: Tensor, denominator: Tensor
) -> pd.DataFrame:
    """Rows as ``ce_table`` takes them: what is written in place of what is moved."""
    site, scenes, nothing = context.site, context.scenes, ""
    rows: dict[str, Any] = {"scene": scenes.ids, "numerator": numerator.numpy(), "denominator": denominator.numpy()}
    rows |= {} if scenes.clips is None else {"clip": scenes.clips}
    rows |= {"layer": site.layer, "tokens": site.tokens, "finder": finder, "rank": rank, "control": control, "draw": draw}
    return pd.DataFrame(rows | {"edit": WRITES, "dose": 1.0, "judge": nothing, "read_layer": site.layer, "read": nothing})
