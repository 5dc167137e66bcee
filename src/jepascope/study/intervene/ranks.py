"""CE over the rank: the first finder's subspaces of several ranks beside PCA, permuted labels and the edit turned -> ranks.parquet."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from jepascope.catalog import file_name
from jepascope.discovery.finder_entry import needing
from jepascope.discovery.finders import find, max_rank
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.context import InterventionContext
from jepascope.schema import TABLES
from jepascope.study.captures import Captures
from jepascope.study.given import given_in
from jepascope.study.intervene.contexts import controls_at
from jepascope.study.sizes import screened_edits
from jepascope.study.steps.at_best import RANK_CONTROLS, RANK_DRAWS, ranks_shown

COLUMNS = TABLES["ranks"].written


def run_ranks(captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace]) -> pd.DataFrame:
    """By the judge that claims are made in, at the layer of the claims, by the edits that subspaces are compared by. No rows for a finder
    that is trained through the network, once for each rank, and for subspaces that nothing is known of."""
    spec, layer, finder = captures.spec, context.site.layer, next(iter(subspaces))
    if finder not in spec.finders or needing("suffix", [finder]):
        captures.progress.say(f"CE over the rank is left out: {finder} is not found anew for every rank.")
        return pd.DataFrame(columns=COLUMNS)
    data = given_in(captures, layer, finder=finder)
    most = min(max_rank(finder, data.classes, data.width, data.outputs), data.width // 2)
    chosen = subspaces[finder].rank
    found = {f"{finder} {rank}": find(finder, data, rank, spec.seed) for rank in ranks_shown(chosen, most)}
    tables = []
    for edit in screened_edits(spec):

        def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
            effects = []
            for name, subspace in found.items():  # each beside its own complement, as at the rank of the claims
                tick = captures.progress.start(f"{edit} at rank {subspace.rank}")
                one = {name: subspace}
                controls = controls_at(captures, context, one, RANK_CONTROLS, RANK_DRAWS, fixed=True)
                effects.append(context.edit(one, controls, (edit,), (1.0,), [context.judge], tick)[0])
            return (pd.concat(effects, ignore_index=True),)

        tables.append(captures.run.part(f"layer{layer}-{file_name(edit)}-ranks", ("effects",), work)[0])
    table = ce_table(pd.concat(tables, ignore_index=True).assign(finder=finder), spec.seed, spec.resamples)
    return table.assign(chosen=table["rank"] == chosen)[COLUMNS]
