"""The rollout as judge of a study: probes of every step, unedited rollouts beside what really comes, and every edit beside its controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from jepascope.activations.site import Site
from jepascope.activations.suffix import chunks
from jepascope.catalog import file_name
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.fidelity import Probes, Unrolled, fidelity_table, real_denominators
from jepascope.intervention.rollout import APART, Driven, RolloutJudge, World
from jepascope.intervention.scenes import Scenes
from jepascope.schema import TABLES
from jepascope.study.captures import Captures
from jepascope.study.intervene.judges import StudyJudges
from jepascope.study.intervene.layers import LayerEdits
from jepascope.study.intervene.scenes import beginning_of, beginnings

TABLE = TABLES["rollouts"].written
UNREAD = ["numerator_direct", "kl", "angle_error", "angle_error_before"]  # columns of effects that say nothing of a rollout
TRAINED_ON = {"rollout": "real", "code": "code"}  # by the reading


def run_rollouts(
    captures: Captures, judges: StudyJudges, context: InterventionContext, subspaces: Mapping[str, Subspace]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """CE by the rollout of every edit, finder and control at the layer of the claims, step by step; how far rollouts can be believed."""
    if "rollout" not in judges.names:
        return pd.DataFrame(columns=TABLE), pd.DataFrame(columns=TABLES["fidelity"].written)
    spec, world, scenes = captures.spec, judges.world, context.scenes
    driven, probes = Driven.of(world.encoder, scenes.source), step_probes(captures, world, context.site)
    begun = beginnings(captures, scenes, world.early)
    unrolled = Unrolled.of(world, context.site, scenes, begun, driven)
    readers = [
        RolloutJudge(driven, world.steps, step, probe, reading)
        for reading, trained_on in TRAINED_ON.items()
        for step, probe in probes[trained_on].items()
    ]
    early = replace(context, encoder=world.early, scenes=replace(begun, others={}), judges=readers, natural=None)
    edits, tables = LayerEdits(captures, context, subspaces, full=True), list[pd.DataFrame]()
    for edit in spec.edits:

        def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
            tick = captures.progress.start(f"{edit} at layer {edits.layer}, by the rollout")
            effects, _ = early.edit(subspaces, edits.beside(edit, "rollout"), (edit,), spec.edit_doses, progress=tick)
            effects = pd.concat([effects, _beside_reality(effects, unrolled, scenes, probes, edit)], ignore_index=True)
            table = ce_table(effects.drop(columns=UNREAD), spec.seed, spec.resamples)
            named = table["judge"].str.split(APART, expand=True)
            table = table.assign(judge=named[0], reading=named[1], step=named[2].astype(int), context=world.context)
            return (table[TABLE],)  # scene by scene, of every step, there would be too much to keep

        tables += captures.run.part(f"layer{edits.layer}-{file_name(edit)}-rollout", ("rollouts",), work)
    return pd.concat(tables, ignore_index=True), fidelity_table(world, unrolled, scenes, probes, spec.seed, spec.resamples)


def step_probes(captures: Captures, world: World, site: Site) -> Probes:
    """Dense probes of every step, trained on split ``judge``: of real latents, and of unedited rollouts."""
    part = captures.capture(captures.judge.clips, "capture tokens of judge clips", sites=(site.layer,))
    begun = beginning_of(captures, part, world.early, "judge clips", (site.layer,))
    driven, read = Driven.of(world.encoder, part), dict[str, list[torch.Tensor]](real=[], code=[])
    for rows in chunks(world.encoder.card, len(part)):
        with torch.inference_mode():
            whole, seen = (
                encoder.run(of.tokens(site.layer, rows).to(encoder.device), site.layer)
                for encoder, of in ((world.encoder, part), (world.early, begun))
            )
        read["real"].append(world.future(whole).mean(dim=2).cpu())
        read["code"].append(world.rolled(seen, driven.rows(rows)).mean(dim=2).cpu())
    y, ids = captures.labels(part), captures.scenes(part)
    found = {}
    for name, pieces in read.items():
        steps = dict(enumerate(torch.cat(pieces).unbind(dim=1), start=1))
        paths = dense_probes(steps, y, ids, captures.folds, seed=captures.spec.seed)
        found[name] = {step: path.probe for step, path in paths.items()}
    return found


def _beside_reality(rows: pd.DataFrame, unrolled: Unrolled, scenes: Scenes, probes: Probes, edit: str) -> pd.DataFrame:
    """The rows of reading "rollout" over what the real future moves."""
    parts = []
    for step, probe in probes["real"].items():
        own = rows[rows["judge"] == APART.join(("rollout", "rollout", str(step)))]
        below = real_denominators(unrolled, scenes, probe, step, edit).numpy()
        named = APART.join(("rollout", "future", str(step)))
        parts.append(own.assign(judge=named, denominator=np.tile(below, len(own) // len(below))))  # condition by condition, all scenes
    return pd.concat(parts, ignore_index=True)
