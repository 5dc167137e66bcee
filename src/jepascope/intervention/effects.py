"""Effects: edits and their controls at one site, read by a judge at the last layer; one tidy row per scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.activations.suffix import BATCH
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.intervention.conditions import Condition, Owner, merged, owned
from jepascope.intervention.controls import ControlDraw
from jepascope.intervention.edits import EDITS, check_doses
from jepascope.intervention.judges import ProbeJudge, correct, margin, target_margin
from jepascope.intervention.run import Edited, Scenes, run_edit

MATCHING_COLUMNS = [
    *("layer", "finder", "edit", "control", "draw", "rank", "variance_target", "variance"),
    *("pooled_variance_target", "pooled_variance", "overlap", "norm_target", "norm"),
]

Progress = Callable[[int, int], None]


def intervene(
    encoder: VideoEncoder,
    site: Site,
    scenes: Scenes,
    subspaces: Mapping[str, Subspace],
    controls: Mapping[str, Sequence[ControlDraw]],
    judge: ProbeJudge,
    edits: Sequence[str] = EDITS,
    doses: Sequence[float] = (1.0,),
    batch: int = BATCH,
    progress: Progress | None = None,
    ablate_to: str = "mean",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects and matching, as tidy tables.

    For every finder, its subspace and each of its control draws, every edit and dose: the numerator and denominator of
    the causal effect of each scene (see ``outcome``). The matching table has one row per control draw and edit: variance
    at the site and mean norm of a token's edit at dose 1, beside the true edit's. ``progress(done, total)`` counts edited clips.
    """
    for name in edits:
        if name not in EDITS:
            raise BadArgument(f"There is no edit '{name}'; known are {', '.join(EDITS)}.")
    for name, subspace in subspaces.items():
        if subspace.width != encoder.card.width:
            raise BadArgument(
                f"The subspace of '{name}' has width {subspace.width}, encoder '{encoder.card.name}' {encoder.card.width}; "
                "find it again on this encoder."
            )
    checked = check_doses(doses)
    planned = {name: merged(subspaces, controls, checked, name == "steer") for name in edits}
    total = sum(len(conditions) for conditions in planned.values()) * len(scenes.ids)
    effects, matching, done = [], [], 0
    for name, conditions in planned.items():
        said = (lambda count, done=done: progress(done + count, total)) if progress else None
        edited = run_edit(encoder, site, scenes, conditions, judge, name, batch, said, ablate_to)
        effects.append(_effect_rows(site, scenes, conditions, judge, name, edited, list(subspaces)))
        matching.append(_matching_rows(site, conditions, name, edited.norms, list(subspaces)))
        done += len(conditions) * len(scenes.ids)
    return pd.concat(effects, ignore_index=True), pd.concat(matching, ignore_index=True)


def outcome(
    name: str,
    edited: Float64[Tensor, "conditions clips classes"],
    clean: Float64[Tensor, "clips classes"],
    twin: Float64[Tensor, "clips classes"],
    label: Int[Tensor, " clips"],
    target: Int[Tensor, " clips"],
) -> tuple[Float64[Tensor, "conditions clips"], Float64[Tensor, " clips"]]:
    """Numerator and denominator of the causal effect, CE = sum over scenes of the one / of the other (docs/science.md).

    ablate: what of the clean margin is lost, over the clean margin. swap and steer: what the margin moved towards the
    target, over what the real twin moves it.
    """
    if name == "ablate":
        before = margin(clean, label)
        return before - margin(edited, label), before
    before = target_margin(clean, label, target)
    return target_margin(edited, label, target) - before, target_margin(twin, label, target) - before


def _effect_rows(
    site: Site,
    scenes: Scenes,
    conditions: Sequence[Condition],
    judge: ProbeJudge,
    name: str,
    edited: Edited,
    finders: list[str],
) -> pd.DataFrame:
    numerator, denominator = outcome(name, edited.logits, edited.clean, edited.twin, scenes.label, scenes.target)
    direct, _ = outcome(name, edited.direct, edited.clean, edited.twin, scenes.label, scenes.target)
    expected = scenes.label if name == "ablate" else scenes.target
    right = correct(edited.logits, expected)
    rows = owned(conditions, finders)
    index = [i for i, _ in rows]
    count, per = len(rows), len(scenes.ids)

    def each(values: Sequence[object]) -> np.ndarray:
        return np.repeat(np.array(values), per)

    return pd.DataFrame(
        {
            "layer": np.full(count * per, site.layer),
            "tokens": site.tokens,
            "finder": each([owner.finder for _, owner in rows]),
            "rank": each([conditions[i].basis.shape[1] for i in index]),
            "edit": name,
            "control": each([owner.control for _, owner in rows]),
            "draw": each([owner.draw for _, owner in rows]),
            "dose": each([conditions[i].dose for i in index]),
            "judge": judge.name,
            "scene": np.tile(scenes.ids, count),
            "target": np.tile(expected.numpy(), count),
            "numerator": numerator[index].flatten().numpy(),
            "numerator_direct": direct[index].flatten().numpy(),
            "denominator": np.tile(denominator.numpy(), count),
            "correct": right[index].flatten().numpy(),
        }
    )


def _matching_rows(site: Site, conditions: Sequence[Condition], name: str, norms: Tensor, finders: list[str]) -> pd.DataFrame:
    true = {owner.finder: float(norms[i]) for i, owner in owned(conditions, finders) if owner.matched is None}
    rows: dict[Owner, dict[str, object]] = {}
    for i, owner in owned(conditions, finders):
        if owner.matched is None or owner in rows:  # one row whatever the number of doses
            continue
        rows[owner] = {
            "layer": site.layer,
            "finder": owner.finder,
            "edit": name,
            "control": owner.control,
            "draw": owner.draw,
            "rank": owner.matched.rank,
            "variance_target": owner.matched.variance_target,
            "variance": owner.matched.variance,
            "pooled_variance_target": owner.matched.pooled_variance_target,
            "pooled_variance": owner.matched.pooled_variance,
            "overlap": owner.matched.overlap,
            "norm_target": true[owner.finder],
            "norm": float(norms[i]),
        }
    return pd.DataFrame(list(rows.values()), columns=MATCHING_COLUMNS)
