"""Controls on request: the largest principal axes, nuisance directions, swaps with a clip of the same class, and the untrained twin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.activations.capture import capture
from jepascope.activations.moments import Moments
from jepascope.clips.donors import fewest_scenes
from jepascope.clips.video.enough import FEWEST_VIDEOS
from jepascope.discovery.finder_entry import FINDERS, found_cheaply
from jepascope.discovery.finders import find
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import JepascopeError
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import CONTROLS
from jepascope.intervention.controls import ControlDraw, Matched, checked_bases, removed_variance
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.edits import class_means
from jepascope.intervention.effects import intervene, units
from jepascope.intervention.judge_entry import MAIN
from jepascope.intervention.scenes import Scenes
from jepascope.stats import MIN_DRAWS, ratio_of_means, scene_sums
from jepascope.study.captures import Captures
from jepascope.study.intervene.judges import JudgeSet, trained_probe
from jepascope.study.intervene.scenes import same_class_draws
from jepascope.study.steps.intervene import SELF_SWAPS


def fixed_controls(captures: Captures, layer: int, subspace: Subspace, covariance: Float64[Tensor, "width width"]) -> list[ControlDraw]:
    """Controls of a study in which nothing is random (``top_pca``, ``nuisance``), one draw each."""
    spec, x = captures.spec, captures.at_site(captures.fit, layer)
    data = Labelled(x, captures.labels(captures.fit), where=str(captures.site(layer)))
    return fixed_draws(data, subspace, spec.controls, covariance, spec.seed)


def fixed_draws(
    data: Labelled, subspace: Subspace, names: Iterable[str], covariance: Float64[Tensor, "width width"], seed: int
) -> list[ControlDraw]:
    """The same of some clips: those among ``names`` in which nothing is random."""
    fixed, draws = [entry for entry in map(CONTROLS.entry, names) if entry.made == "fixed"], []
    pooled = Moments.of(data.x).covariance
    for name in (entry.name for entry in sorted(fixed, key=lambda entry: entry.order)):
        with CONTROLS.blamed(name):
            basis = CONTROLS.load(name)(data, subspace.rank, seed)
            if name not in CONTROLS.own:
                basis = checked_bases(basis[None], (1, subspace.width, subspace.rank))[0].float()
        draws.append(ControlDraw(name, 0, basis, basis, False, _matched(subspace, basis, covariance, pooled)))
    return draws


def _matched(subspace: Subspace, basis: Float[Tensor, "width rank"], tokens: Tensor, pooled: Tensor) -> Matched:
    return Matched(
        subspace.rank,
        removed_variance(subspace.basis, tokens),
        removed_variance(basis, tokens),
        removed_variance(subspace.basis, pooled),
        removed_variance(basis, pooled),
        float((subspace.basis.T @ basis).square().sum()) / subspace.rank,
    )


def self_swaps(
    captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace], effects: pd.DataFrame, judges: JudgeSet
) -> pd.DataFrame:
    """Swaps with another scene of the *same* class (the pooled difference at every token): what a swap does with nothing to carry. No rows
    where a class has one test video."""
    tables, scenes = [], context.scenes
    clips = scenes.source.clips
    if captures.spec.of_videos and fewest_scenes(clips, captures.spec.variable) < FEWEST_VIDEOS:
        return effects.iloc[:0]
    for draw, rows in enumerate(same_class_draws(clips, captures.spec.variable, SELF_SWAPS, captures.spec.seed)):
        donors = replace(scenes, twin=scenes.source.select(rows), donor="class", places=scenes.objects)
        swapped, _ = context.edit(subspaces, {}, ("swap",), captures.spec.edit_doses, judges.last(), scenes=donors)
        tables.append(swapped.assign(control="self_swap", draw=draw))
    return pd.concat(tables, ignore_index=True)


def untrained_effects(
    captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace], effects: pd.DataFrame, judges: JudgeSet
) -> pd.DataFrame:
    """The whole pipeline on untrained twins of the encoder: their own subspaces, edited in them and read by their own judges.

    Rows of control ``untrained`` (draw: the seed), in units of the trained encoder's denominators, so that their sum over those is the
    twin's own CE. A twin whose judge reads no margin has no CE and no row. Of finders that are a formula, and of the study's first.
    """
    spec, site, layer = captures.spec, context.site, context.site.layer
    tables = []
    for seed in range(min(spec.untrained_seeds, MIN_DRAWS - 1)):  # a range of seeds: their scenes are not the encoder's to resample
        twin = captures.encoder.untrained(seed)
        tick = captures.progress.start(f"untrained twin {seed}: capture and edit")
        fit = captures.untrained(seed, spec.part).split("fit")  # what the probes of the twin were given
        judge = capture(twin, captures.clips.split("judge"), captures.store, progress=tick)
        source, other = (
            capture(twin, of.clips, captures.store, sites=(layer,), progress=tick, part=spec.part) for of in (captures.test, captures.twins)
        )
        x, y, values = captures.at_site(fit, layer), captures.labels(fit), captures.values(fit)
        data = Labelled(x, y, values, captures.scenes(fit), where=f"{site} of untrained twin {seed}")
        last, ids = judge.pooled(twin.card.depth, spec.tokens), captures.scenes(judge)
        reader = trained_probe(last, captures.labels(judge), ids, spec.tokens, captures.folds, spec.seed)
        scenes = Scenes(
            source, other, captures.labels(source), captures.labels(other), class_means(x, y, len(captures.classes)), captures.donor
        )
        theirs = {}
        for name, subspace in subspaces.items():
            if name in FINDERS and subspace.found_by is not None and found_cheaply(name, list(subspaces)):
                try:
                    theirs[name] = find(name, data, subspace.rank, spec.seed)
                except JepascopeError as error:
                    captures.progress.say(f"untrained twin {seed} has no {name} subspace: {error}")
        if not theirs:
            continue
        edits = [edit for edit in spec.edits if "angle" not in EDITS.entry(edit).needs]
        made, _ = intervene(twin, site, scenes, theirs, {}, [reader], edits, spec.edit_doses, ablate_to=spec.ablate_to)
        tables += [_in_units_of(effects, rows, seed) for _, rows in made.groupby(["finder", "edit", "dose"], sort=False)]
    kept = [rows for rows in tables if len(rows)]
    if len(kept) < len(tables):
        captures.progress.say(
            f"{len(tables) - len(kept)} of {len(tables)} effects in untrained twins have no CE: their judges read no margin."
        )
    return pd.concat(kept, ignore_index=True) if kept else effects.iloc[:0]


def _in_units_of(effects: pd.DataFrame, rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The twin's effects scaled to the trained encoder's denominators, scene by scene in the same order."""
    first = rows.iloc[0]
    own = effects[(effects["judge"] == MAIN) & (effects["control"] == "subspace")]
    for name in ("finder", "edit", "dose"):
        own = own[own[name] == first[name]]
    scenes = rows["scene"].to_numpy()
    numerator, denominator = (scene_sums(rows[name].to_numpy(), scenes) for name in ("numerator", "denominator"))
    ce = ratio_of_means(numerator, denominator, np.random.default_rng(seed))
    if own.empty or not np.isfinite(ce.value):
        return rows.iloc[:0]
    scale = own["denominator"].sum() / rows["denominator"].sum()
    unit = units(rows)[-1]
    below = own.set_index(unit)["denominator"].loc[rows[unit]].to_numpy()
    # an untrained twin's residual stream is another one: what reaches its read-out directly is not comparable
    scaled = rows.assign(numerator=rows["numerator"] * scale, numerator_direct=np.nan, denominator=below)
    return scaled.assign(control="untrained", draw=seed, read_layer=first["read_layer"])
