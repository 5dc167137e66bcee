"""Which parts of later blocks read a subspace, and the table of these and of those that wrote it -> components.parquet.

Definitions: docs/science.md, "Where a variable is written and read".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd

from jepascope.discovery.subspace import Subspace
from jepascope.encoders.part_names import RESIDUAL
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import ControlDraw
from jepascope.intervention.paths import path_effects
from jepascope.intervention.written import of_component
from jepascope.schema import TABLES
from jepascope.schema.components import DIRECTLY, READS
from jepascope.stats import holm

COLUMNS = TABLES["components"].written


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
        yield of_component(ce_table(alone, context.seed, context.resamples), READS, (0, RESIDUAL))
        for component, effects in path_effects(context, subspaces, controls, "swap", progress).items():
            for role, column in ((READS, "numerator"), (DIRECTLY, "numerator_direct")):
                own = effects.assign(numerator=effects[column]).drop(columns="numerator_direct")
                yield of_component(ce_table(own, context.seed, context.resamples), role, component)

    return pd.concat(list(tables()), ignore_index=True)


def components(*tables: pd.DataFrame) -> pd.DataFrame:
    """Writers and readers in one table, p corrected over all parts and finders of a role."""
    table = pd.concat(tables, ignore_index=True)
    for _, family in table[table["p"].notna()].groupby(["role", "control"], sort=False):
        table.loc[family.index, "p_holm"] = holm(list(family["p"]))
    return table[COLUMNS]
