"""Cause and isolate: what one edit does to the read-out of every factor of the scenes -> isolation.parquet.

RAVEL (Huang et al. 2024) asks of an edit that it changes what it is meant to and leaves the rest: both are shown, as a matrix, beside
random directions and beside what the really rendered twin does to read-outs of factors that it shares with its scene.
"""

from __future__ import annotations

from math import nan

import numpy as np
import pandas as pd
import torch

from jepascope.discovery.finders import find
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import JepascopeError
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import FLOORS, SURVEYED
from jepascope.intervention.edit_entry import COMPARED
from jepascope.intervention.effects import outcome, units
from jepascope.intervention.judge_entry import MAIN
from jepascope.intervention.judges import ProbeJudge, correct, margin
from jepascope.intervention.run import place
from jepascope.schema import TABLES
from jepascope.stats import equivalence, ratio_of_means, scene_proportion, scene_sums
from jepascope.study.captures import Captures
from jepascope.study.intervene.contexts import controls_at
from jepascope.study.intervene.judges import JudgeSet
from jepascope.study.steps.at_best import ISOLATION_DRAWS

MARGIN = 0.1  # of the read variable's own margin: an effect inside it is called none worth mentioning
FINDER = "diff_means"  # for the other factors' subspaces
COLUMNS = TABLES["isolation"].written


def run_isolation(
    captures: Captures, context: InterventionContext, judges: JudgeSet, effects: pd.DataFrame, off_target_effects: pd.DataFrame
) -> pd.DataFrame:
    """The study's own edits on every factor (``effects`` on its own variable, ``off_target_effects`` on the others), the other factors'
    subspaces ablated, and the twins' cross-talk; all at one layer, by linear probes of the last layer."""
    spec, layer = captures.spec, context.site.layer
    readable = {judge.variable or spec.variable: _readable(context, judge) for judge in [judges.main, *judges.others.values()]}
    own = effects[(effects["judge"] == MAIN) & effects["control"].isin(("subspace", *FLOORS))]
    both = pd.concat([own, off_target_effects[off_target_effects["read"] != ""]], ignore_index=True)
    one_dose = both["dose"] == spec.edit_doses[0]
    both = both[(both["layer"] == layer) & both["edit"].isin(COMPARED) & one_dose].assign(found_for=spec.variable)
    tables = [_matrix(both, captures), _matrix(_other_subspaces(captures, context, judges), captures)]
    rows = pd.concat([*tables, _twins(context, spec.variable, judges)], ignore_index=True)
    return rows.assign(readable=rows["read"].map(readable).astype(bool), margin=MARGIN)[COLUMNS]


def _matrix(rows: pd.DataFrame, captures: Captures) -> pd.DataFrame:
    """CE and equivalence of every (found_for, finder, edit, control, read)."""
    spec = captures.spec
    tables = []
    for found_for, part in rows.groupby("found_for", sort=False):
        table = ce_table(part, spec.seed, spec.resamples).assign(found_for=found_for)
        table[["equivalence_low", "equivalence_high", "equivalent"]] = [
            _equivalent(part, row, captures) for row in table.to_dict("records")
        ]
        tables.append(table.assign(read=table["read"].replace("", spec.variable)))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _equivalent(rows: pd.DataFrame, row: dict[object, object], captures: Captures) -> tuple[float, float, bool]:
    """Of a control: of its mean draw."""
    wanted = rows
    for name in ("finder", "edit", "control", "read", "rank"):
        wanted = wanted[wanted[name] == row[name]]
    means = wanted.groupby(units(wanted))[["numerator", "denominator"]].mean()
    rng, scenes = np.random.default_rng(captures.spec.seed), means.index.get_level_values("scene").to_numpy()
    numerator, denominator = (scene_sums(means[name].to_numpy(), scenes) for name in ("numerator", "denominator"))
    same = equivalence(numerator, denominator, MARGIN, rng, captures.spec.resamples)
    return same.low, same.high, same.equivalent


def _other_subspaces(captures: Captures, context: InterventionContext, judges: JudgeSet) -> pd.DataFrame:
    """Ablation of the other factors' own subspaces, scene by scene, read by everyone."""
    spec, fit, layer = captures.spec, captures.fit, context.site.layer
    tables = []
    for name in judges.others:
        y = torch.tensor(fit.clips.labels(name)[0])
        data = Labelled(fit.pooled(layer, spec.tokens), y, groups=captures.scenes(fit), where=str(context.site))
        try:
            subspace: Subspace = find(FINDER, data, None, spec.seed, layer=layer)
        except JepascopeError as error:  # a class without clips in split fit, say
            captures.progress.say(f"The subspace of {name} is not ablated: {error}")
            continue
        controls = controls_at(captures, context, {FINDER: subspace}, SURVEYED, ISOLATION_DRAWS)
        effects, _ = context.edit({FINDER: subspace}, controls, ("ablate",), judges=[judges.main, *judges.others.values()])
        tables.append(effects.assign(found_for=name))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"found_for": []})


def _twins(context: InterventionContext, variable: str, judges: JudgeSet) -> pd.DataFrame:
    """What read-outs of unchanged factors lose when the variable really changes. Donors differ in everything, and are no twins."""
    scenes, unedited, seed, resamples = context.scenes, context.unedited, context.seed, context.resamples
    if scenes.donor != "twin":
        return pd.DataFrame(columns=COLUMNS)
    rows = []
    for judge in judges.others.values():
        at, label = place(judge, judges.depth), scenes.others[judge.variable]
        clean, twin = judge.logits(unedited.clean[at]), judge.logits(unedited.twin[at])
        numerator, denominator = outcome("ablate", twin, clean, twin, label, label)
        ce = ratio_of_means(numerator.numpy(), denominator.numpy(), np.random.default_rng(seed), resamples)
        same = equivalence(numerator.numpy(), denominator.numpy(), MARGIN, np.random.default_rng(seed), resamples)
        right = [float(correct(logits, label).double().mean()) for logits in (twin, clean)]
        row = (context.site.layer, "", 0, variable, "swap", "twin", judge.variable, ce.value, ce.low, ce.high, ce.n, 1, *right, True)
        rows.append((*row, same.low, same.high, same.equivalent, nan))
    return pd.DataFrame(rows, columns=COLUMNS)


def _readable(context: InterventionContext, judge: ProbeJudge) -> bool:
    """Whether the judge reads the variable at all on unedited test scenes: accuracy above chance, and a margin above zero."""
    scenes = context.scenes
    label = scenes.others[judge.variable] if judge.variable else scenes.label
    clean = judge.logits(context.unedited.clean[place(judge, context.depth)])
    share = scene_proportion(correct(clean, label).numpy(), scenes.ids)
    chance = float(torch.bincount(label).max()) / len(label)
    sizes, ones = (scene_sums(values, scenes.ids) for values in (margin(clean, label).numpy(), np.ones(len(label))))
    size = ratio_of_means(sizes, ones, np.random.default_rng(context.seed), context.resamples)
    return share.low > chance and size.low > 0
