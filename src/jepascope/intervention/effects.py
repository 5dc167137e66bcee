"""Effects: edits and their controls at one site, read by judges; one tidy row per scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float64, Int
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.discovery.probes.circular import circular_errors
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.budget import BATCH
from jepascope.encoders.part_names import RESIDUAL
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.conditions import Condition, Owner, merged, owned
from jepascope.intervention.control_entry import FLOORS
from jepascope.intervention.controls import ControlDraw
from jepascope.intervention.edit_entry import EDITS, USUAL
from jepascope.intervention.edits import check_doses, check_edit
from jepascope.intervention.judge_entry import MAIN
from jepascope.intervention.judges import Judge, correct, divergence, margin, target_margin
from jepascope.intervention.manifold import NaturalClips
from jepascope.intervention.run import Edited, Read, Unedited, place, read_unedited, run_edit
from jepascope.intervention.scenes import Scenes
from jepascope.schema import TABLES

MATCHING_COLUMNS = TABLES["matching"].written
EFFECT_COLUMNS = TABLES["effects"].written
OFF_TARGET = ("subspace", *FLOORS)
"""Whose rows judges of other layers and other variables fill; those of the study's own variable at the last layer fill all."""

DISTANCES = ("nearest", "nearest_before", "mahalanobis", "mahalanobis_before")
OFF_TARGET_DRAWS = 20  # at most, so that tables do not grow with draws x layers

Progress = Callable[[int, int], None]


def intervene(
    encoder: VideoEncoder,
    site: Site,
    scenes: Scenes,
    subspaces: Mapping[str, Subspace],
    controls: Mapping[str, Sequence[ControlDraw]],
    judges: Sequence[Judge],
    edits: Sequence[str] = USUAL,
    doses: Sequence[float] = (1.0,),
    batch: int = BATCH,
    progress: Progress | None = None,
    ablate_to: str = "mean",
    unedited: Unedited | None = None,
    natural: NaturalClips | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects and matching, as tidy tables.

    For every finder, its subspace and each of its control draws, every edit, dose and judge: the numerator and denominator of the causal
    effect of each scene (see ``outcome``). Columns ``read_layer`` and ``read`` say where and which variable a judge reads ("": the
    study's own). The matching table has one row per control draw and edit: variance at the site and mean norm of a token's edit
    at dose 1, beside the true edit's. ``progress(done, total)`` counts edited clips. ``unedited`` serves calls at one site.
    ``natural``: what edited clips are held against, beside the linear probe of the last layer.
    """
    for name in edits:
        check_edit(name, ablate_to)
    check_subspaces(encoder, site, subspaces)
    checked = check_doses(doses)
    planned = {name: merged(subspaces, controls, checked, name) for name in edits}
    total = sum(len(conditions) for conditions in planned.values()) * len(scenes)
    clean = unedited or read_unedited(encoder, site, scenes, judges, batch)
    effects, matching, done = [], [], 0
    for name, conditions in planned.items():
        counted = (lambda count, done=done: progress(done + count, total)) if progress else None
        edited = run_edit(encoder, site, scenes, conditions, judges, name, batch, counted, ablate_to, clean, natural)
        for judge, read in zip(judges, edited.reads, strict=True):
            at = place(judge, encoder.card.depth)[0]
            rows = _effect_rows(site, scenes, conditions, judge, at, name, read, list(subspaces), encoder.card.depth, edited)
            effects.append(rows)
        matching.append(matching_rows(site, conditions, name, edited, list(subspaces)))
        done += len(conditions) * len(scenes)
    return pd.concat(effects, ignore_index=True), pd.concat(matching, ignore_index=True)


def check_subspaces(encoder: VideoEncoder, site: Site, subspaces: Mapping[str, Subspace]) -> None:
    """Refuse subspaces of another width, model or layer."""
    for name, subspace in subspaces.items():
        origin = subspace.provenance
        if subspace.width != encoder.card.width:
            raise BadArgument(
                f"The subspace of '{name}' has width {subspace.width}, encoder '{encoder.card.name}' {encoder.card.width}; "
                "find it again on this encoder."
            )
        if origin.get("model", encoder.card.name) != encoder.card.name:
            raise BadArgument(
                f"The subspace of '{name}' was found in '{origin['model']}', not in '{encoder.card.name}'; find it again here."
            )
        if origin.get("layer", site.layer) != site.layer:
            raise BadArgument(
                f"The subspace of '{name}' was found at layer {origin['layer']} and means nothing at layer {site.layer}; find one there."
            )
        # all parts write to the residual stream, and its directions are theirs
        if (part := origin.get("part", RESIDUAL)) not in (RESIDUAL, site.part):
            raise BadArgument(f"The subspace of '{name}' was found in what {part} adds, and is not one of {site}; find one there.")


def outcome(
    name: str,
    edited: Float64[Tensor, "*conditions clips classes"],
    clean: Float64[Tensor, "clips classes"],
    twin: Float64[Tensor, "clips classes"],
    label: Int[Tensor, " clips"],
    target: Int[Tensor, " clips"],
) -> tuple[Float64[Tensor, "*conditions clips"], Float64[Tensor, " clips"]]:
    """Numerator and denominator of the causal effect, CE = sum over scenes of the one / of the other (docs/science.md).

    An edit that takes away (ablate): what of the clean margin is lost, over the clean margin. The others: what the margin moved towards
    the target, over what the real twin moves it.
    """
    if EDITS.entry(name).outcome == "lost":
        before = margin(clean, label)
        return before - margin(edited, label), before
    before = target_margin(clean, label, target)
    return target_margin(edited, label, target) - before, target_margin(twin, label, target) - before


def angle_errors(expected: Tensor | None, decoded: Float64[Tensor, "*batch clips"]) -> Float64[Tensor, "*batch clips"]:
    """Degrees between the angle that an edit should leave and the one decoded; NaN where the variable has no angle."""
    return torch.full_like(decoded, torch.nan) if expected is None else circular_errors(expected, decoded)


def _effect_rows(
    site: Site,
    scenes: Scenes,
    conditions: Sequence[Condition],
    judge: Judge,
    read_layer: int,
    name: str,
    read: Read,
    finders: list[str],
    depth: int,
    edited: Edited,
) -> pd.DataFrame:
    if judge.variable and judge.variable not in scenes.others:
        raise BadData(f"Judge '{judge.name}' reads {judge.variable}, and the scenes have no labels of it.")
    label = scenes.others[judge.variable] if judge.variable else scenes.label
    # of another variable nothing should change: whatever the edit, what is lost of its margin
    family, target = ("ablate", label) if judge.variable else (name, scenes.target)
    numerator, denominator = outcome(family, read.logits, read.clean, read.twin, label, target)
    direct, _ = outcome(family, read.direct, read.clean, read.twin, label, target)
    lost = EDITS.entry(family).outcome == "lost"
    expected = label if lost else target
    angle = None if judge.variable else scenes.angle if lost else scenes.target_angle
    error, kl = angle_errors(angle, read.angle), divergence(read.clean, read.logits)
    right, right_before = correct(read.logits, expected), correct(read.clean, expected)
    first = judge.name == MAIN and not judge.variable and read_layer == depth  # distances are of no judge, and stand beside one alone
    distances = {"nearest": edited.nearest[0], "nearest_before": edited.nearest[1], "mahalanobis": edited.mahalanobis} if first else {}
    of_scenes = {"mahalanobis_before": edited.mahalanobis_before} if first else {}
    rows = owned(conditions, finders)
    if judge.variable or read_layer != depth:
        rows = [(i, owner) for i, owner in rows if owner.control in OFF_TARGET and owner.draw < OFF_TARGET_DRAWS]
    return effect_frame(
        scenes,
        conditions,
        rows,
        {"layer": site.layer, "tokens": site.tokens, "edit": name, "judge": judge.name, "read_layer": read_layer, "read": judge.variable},
        {"numerator": numerator, "numerator_direct": direct, "correct": right, "kl": kl, "angle_error": error, **distances},
        {
            "target": expected,
            "denominator": denominator,
            "correct_before": right_before,
            "angle_error_before": angle_errors(angle, read.angle_clean),
            **of_scenes,
        },
    )


def effect_frame(
    scenes: Scenes,
    conditions: Sequence[Condition],
    rows: Sequence[tuple[int, Owner]],
    shared: Mapping[str, object],
    by_condition: Mapping[str, Tensor],
    by_scene: Mapping[str, Tensor],
) -> pd.DataFrame:
    """The effects table: for each of ``rows`` (condition and whose it is) every scene. ``shared`` is the same in all of them. Where a
    scene has several clips, a column ``clip`` tells these apart. Distances that are not given are NaN."""
    index, count, per = [i for i, _ in rows], len(rows), len(scenes)
    columns: dict[str, object] = {
        "finder": [owner.finder for _, owner in rows],
        "rank": [conditions[i].basis.shape[1] for i in index],
        "control": [owner.control for _, owner in rows],
        "draw": [owner.draw for _, owner in rows],
        "dose": [conditions[i].dose for i in index],
    }
    values: dict[str, np.ndarray] = {name: np.repeat(np.array(value), per) for name, value in columns.items()}
    values |= {name: np.repeat(np.array([value]), count * per) for name, value in shared.items()}
    values |= {name: value[index].flatten().numpy() for name, value in by_condition.items()}
    values |= {name: np.tile(value.numpy(), count) for name, value in by_scene.items()}
    values |= {name: np.full(count * per, np.nan) for name in DISTANCES if name not in values}
    values["scene"] = np.tile(scenes.ids, count)
    if scenes.clips is not None:
        values["clip"] = np.tile(scenes.clips, count)
    return pd.DataFrame(values)[[*EFFECT_COLUMNS, *(["clip"] if "clip" in values else [])]]


def units(effects: pd.DataFrame) -> list[str]:
    """Columns that tell the rows of one condition apart: scenes; and clips, where a scene has several (windows of one video)."""
    return ["scene", "clip"] if "clip" in effects else ["scene"]


def matching_rows(site: Site, conditions: Sequence[Condition], name: str, edited: Edited, finders: list[str]) -> pd.DataFrame:
    """What each control draw matched, one row each whatever the number of doses."""
    sizes = {"norm": edited.norms, "shift": edited.shifts}
    true = {owner.finder: i for i, owner in owned(conditions, finders) if owner.matched is None}
    rows: dict[Owner, dict[str, object]] = {}
    for i, owner in owned(conditions, finders):
        if owner.matched is None or owner in rows:
            continue
        rows[owner] = {
            "layer": site.layer,
            "finder": owner.finder,
            "edit": name,
            "control": owner.control,
            "draw": owner.draw,
            **asdict(owner.matched),
            **{f"{size}_target": float(of[true[owner.finder]]) for size, of in sizes.items()},
            **{size: float(of[i]) for size, of in sizes.items()},
        }
    return pd.DataFrame(list(rows.values()), columns=MATCHING_COLUMNS)
