"""The surrogate of an edit: its first-order effect, the slope of the judge's margin at every token times what the edit adds there.

By itself it is badly biased and never printed as an effect (attribution patching: Nanda 2023; Syed et al. 2310.10348). It follows the
exact effects of a control's draws closely, and costs no pass: that makes it their control variate (``stats.variates``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.encoders.budget import climbed_together
from jepascope.encoders.part_names import RESIDUAL
from jepascope.intervention.conditions import Condition, alike, merged, owned
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import ControlDraw
from jepascope.intervention.controls.many import ManyDraws
from jepascope.intervention.edit_entry import EDITS, takes_over
from jepascope.intervention.edits import displacement
from jepascope.intervention.run import Group
from jepascope.intervention.slopes import Shift, Slopes, slopes
from jepascope.schema import TABLES

COLUMNS = TABLES["first_order"].written
TOGETHER = 32  # conditions whose coordinates are held at once


@dataclass(frozen=True, eq=False)
class Planned:
    """What is edited at one site: subspaces beside the draws of their controls that are run, and many that are not (by finder and
    control; what has none there has no surrogate).

    ``about_means``: the slopes of a control's draws are taken where its mean edit leads, not at the unedited clips: the draws are spread
    about that, so that a plane through it follows them better (nano, layer 1, variance-matched swaps: correlation 0.91 in place of 0.60).
    It takes a pass forward and back for each control and edit, and cannot be shared by layers.
    """

    context: InterventionContext
    subspaces: Mapping[str, Subspace]
    controls: Mapping[str, Sequence[ControlDraw]]
    many: Mapping[str, Mapping[str, ManyDraws]]
    edits: Sequence[str]
    doses: Sequence[float] = (1.0,)
    about_means: bool = False


def first_order_effects(planned: Sequence[Planned]) -> pd.DataFrame:
    """Scene by scene the first-order effect of every edit that is run, in the units of the numerators of ``effects.intervene``, and of
    controls its mean over many draws. All sites are of one study (encoder, scenes, first judge): one pass forward and back serves them.
    """
    outcomes = {EDITS.entry(name).outcome for one in planned for name in one.edits}
    hidden = planned[0].context.encoder.card.hidden_bytes if planned else 0
    groups = climbed_together([one.context.site.layer for one in planned], hidden, len(outcomes))
    found = [_effects([one for one in planned if one.context.site.layer in group]) for group in groups]
    table = pd.concat(found, ignore_index=True) if found else _effects([])
    for one in planned:
        for name in one.edits if one.about_means else ():
            for finder, control in _linear(one, name):
                about = _effects([_alone(one, name, finder, control)], _mean_edit(one, name, finder, control))
                here = (table["layer"] == one.context.site.layer) & (table["edit"] == name)
                here &= (table["finder"] == finder) & (table["control"] == control)
                values = about.loc[about["control"] == control, ["value", "expected"]]
                table.loc[here, ["value", "expected"]] = values.to_numpy()
    return table


def _linear(planned: Planned, name: str) -> list[tuple[str, str]]:
    """Finders and controls whose mean edit is the mean projector's; a step that is carried over has none."""
    return [
        (finder, control)
        for finder, many in planned.many.items()
        for control, drawn in many.items()
        if drawn.bases is None and not takes_over(control, name)
    ]


def _alone(planned: Planned, name: str, finder: str, control: str) -> Planned:
    """One edit of one finder beside one control."""
    draws = [draw for draw in planned.controls[finder] if draw.name == control]
    only, many = {finder: planned.subspaces[finder]}, {finder: {control: planned.many[finder][control]}}
    return replace(planned, subspaces=only, controls={finder: draws}, many=many, edits=(name,), about_means=False)


def _mean_edit(planned: Planned, name: str, finder: str, control: str) -> Shift:
    """Adds what a control's edits add on average, at the first dose."""
    context, projector = planned.context, planned.many[finder][control].projector
    mean = planned.subspaces[finder].mean if EDITS.entry(name).of_mean(context.ablate_to) else None
    selected = context.scenes.mask(context.site.tokens)

    def shift(rows: slice, hidden: Tensor) -> Tensor:
        site, part = context.site, context.site.part
        own = hidden if part == RESIDUAL else context.scenes.source.tokens(site.layer, rows, part=part).to(hidden)
        added = displacement(name, context.scenes, site, rows, own, mean, context.ablate_to).float()
        inside = planned.doses[0] * (added @ projector.to(added)).expand(-1, hidden.shape[1], -1)
        return (hidden + (inside if selected is None else inside * selected[rows][:, :, None])).to(hidden.dtype)

    return shift


def _effects(planned: Sequence[Planned], shift: Shift | None = None) -> pd.DataFrame:
    """The table with all slopes taken at the unedited clips, or shifted."""
    if not planned:
        return pd.DataFrame(columns=COLUMNS)
    context, sites = planned[0].context, {one.context.site.layer: one for one in planned}
    edits = list(dict.fromkeys(name for one in planned for name in one.edits))
    parts: dict[tuple[int, str], list[_Part]] = {}
    for rows, steep in slopes(
        context.encoder, list(sites), context.scenes, context.judge, edits, context.unedited, shift, context.site.part
    ):
        for layer, one in sites.items():
            for name in one.edits:
                parts.setdefault((layer, name), []).append(_part(one, name, rows, steep))
    frames = [_frame(sites[layer], name, made) for (layer, name), made in parts.items()]
    return pd.concat(frames, ignore_index=True)[COLUMNS]


@dataclass(frozen=True)
class _Part:
    """Some clips: the effect of every condition, and of controls the mean over many draws."""

    effects: Float64[Tensor, "conditions clips"]
    expected: Mapping[tuple[str, str], Float64[Tensor, " clips"]]


def _part(planned: Planned, name: str, rows: slice, steep: Slopes) -> _Part:
    context = planned.context
    site, scenes, device = context.site, context.scenes, context.encoder.device
    hidden, slope = scenes.source.tokens(site.layer, rows, part=site.part).to(device), steep[name, site.layer].to(device)
    selected = scenes.mask(site.tokens)
    mask = None if selected is None else selected[rows].to(device)
    conditions = merged(planned.subspaces, planned.controls, planned.doses, name)
    by_mean = EDITS.entry(name).of_mean(context.ablate_to)

    def moved(mean: Tensor) -> Tensor:
        return displacement(name, scenes, site, rows, hidden, mean if by_mean else None, context.ablate_to).float()

    effects = torch.empty(len(conditions), len(hidden), dtype=torch.float64)
    for members in alike(conditions, by_mean):
        group = [conditions[i] for i in members]
        effects[members] = _along(Group(group, moved(group[0].mean), mask), slope)
    expected = {}
    for finder, subspace in planned.subspaces.items():
        added = moved(subspace.mean)
        for control, many in planned.many.get(finder, {}).items():
            expected[finder, control] = _expected(name, control, subspace, many, added, slope, mask)
    return _Part(effects, expected)


def _along(edits: Group, slope: Float[Tensor, "clips tokens width"]) -> Float64[Tensor, "conditions clips"]:
    """Of every condition of a group: sum over tokens of <slope, what it adds>."""
    starts = range(0, len(edits.bases), TOGETHER)
    return torch.cat([edits.along(slope, slice(start, start + TOGETHER)).cpu() for start in starts])


def _expected(
    name: str, control: str, subspace: Subspace, many: ManyDraws, added: Tensor, slope: Tensor, mask: Tensor | None
) -> Float64[Tensor, " clips"]:
    """The mean over many draws. V V^T r is linear in the projector; a step carried over (V R U^T r) goes in every direction and its
    opposite equally often, and comes to nothing; what is rescaled token by token has to be looked at draw by draw."""
    if takes_over(control, name):
        return torch.zeros(len(slope), dtype=torch.float64)
    if many.bases is not None:
        drawn = [Condition(basis, subspace.basis, subspace.mean, True, False, 1.0) for basis in many.bases]
        return _along(Group(drawn, added, mask), slope).mean(dim=0)
    inside = added @ many.projector.to(added)
    if mask is not None:
        inside = inside * mask[:, :, None]
    return (inside * slope).sum(dim=(1, 2), dtype=torch.float64).cpu()


def _frame(planned: Planned, name: str, parts: Sequence[_Part]) -> pd.DataFrame:
    """The rows of one edit at one site."""
    scenes, site, judge = planned.context.scenes, planned.context.site, planned.context.judge
    conditions = merged(planned.subspaces, planned.controls, planned.doses, name)
    effects = torch.cat([part.effects for part in parts], dim=1).numpy()
    expected = {at: torch.cat([part.expected[at] for part in parts]).numpy() for at in parts[0].expected}
    rows = [
        (i, owner)
        for i, owner in owned(conditions, list(planned.subspaces))
        if owner.matched is None or (owner.finder, owner.control) in expected
    ]
    nothing, clips = np.full(len(scenes), np.nan), np.arange(len(scenes)) if scenes.clips is None else scenes.clips
    means = [expected.get((owner.finder, owner.control), nothing) * conditions[i].dose for i, owner in rows]
    many = [planned.many[owner.finder][owner.control].count if owner.matched else 0 for _, owner in rows]
    per_row = {
        "finder": [owner.finder for _, owner in rows],
        "control": [owner.control for _, owner in rows],
        "draw": [owner.draw for _, owner in rows],
        "dose": [conditions[i].dose for i, _ in rows],
        "many": many,
    }
    return pd.DataFrame(
        {name: np.repeat(np.array(values), len(scenes)) for name, values in per_row.items()}
        | {"layer": site.layer, "tokens": site.tokens, "edit": name, "judge": judge.name}
        | {"scene": np.tile(scenes.ids, len(rows)), "clip": np.tile(clips, len(rows))}
        | {"value": effects[[i for i, _ in rows]].ravel(), "expected": np.concatenate(means)}
    )
