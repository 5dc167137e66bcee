"""What the network makes of one edit, by the study's own functions: what the server answers and what the page is held against."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.site import pool
from jepascope.encoders.base import VideoEncoder
from jepascope.explore.asked import Asked
from jepascope.explore.explorer import EditedSite, Explorer
from jepascope.explore.scene import ShownScene
from jepascope.intervention.conditions import Condition, merged
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.edits import displacement
from jepascope.intervention.effects import outcome
from jepascope.intervention.forecast import ForecastJudge
from jepascope.intervention.judge_entry import MAIN
from jepascope.intervention.judges import Judge, margin, target_margin
from jepascope.intervention.run import Group
from jepascope.intervention.scenes import Scenes

States = dict[int, Float[Tensor, "1 tokens width"]]
"""Hidden states by layer, from the edited one to the last."""


def scenes_of(explorer: Explorer, shown: ShownScene, asked: Asked, early: VideoEncoder | None = None) -> Scenes:
    """The one clip with the partner that it is edited towards; the beginnings of both where ``early`` is given."""
    part: Activations = shown.whole if early is None else shown.begun(early)
    own, to = shown.place(shown.own), shown.place(asked.to)
    angles = shown.angles
    wanted = None if angles is None else angles[[to]] if asked.radians is None else torch.tensor([asked.radians], dtype=torch.float32)
    return replace(
        explorer.at(asked.layer).context.scenes,
        source=part.select([own]),
        twin=part.select([to]),
        label=torch.tensor([shown.own]),
        target=torch.tensor([asked.to]),
        others={},
        angle=None if angles is None else angles[[own]],
        target_angle=wanted,
    )


def condition_of(site: EditedSite, asked: Asked) -> Condition:
    """The subspace, or the draw of a control, at the dose."""
    subspaces = {asked.finder: site.subspaces[asked.finder]}
    for condition in merged(subspaces, {asked.finder: site.controls[asked.finder]}, (asked.dose,), asked.edit):
        if any((owner.control, owner.draw) == (asked.control, asked.draw) for owner in condition.owners):
            return condition
    raise AssertionError(f"{asked} was not checked")


@torch.inference_mode()
def edited_states(explorer: Explorer, asked: Asked, encoder: VideoEncoder, scenes: Scenes) -> tuple[States, Float[Tensor, "1 1 width"]]:
    """Hidden states after the edit, from its layer on; and what it adds to the pooled activation there."""
    context, subspace = explorer.at(asked.layer).context, explorer.at(asked.layer).subspaces[asked.finder]
    hidden, mask = scenes.source.tokens(asked.layer), scenes.mask(context.site.tokens)
    moved = displacement(asked.edit, scenes, context.site, slice(0, 1), hidden, subspace.mean, context.ablate_to).float()
    group = Group([condition_of(explorer.at(asked.layer), asked)], moved, mask)
    shift = group.amounts(hidden.shape[1], scenes.mask(context.judge.tokens), 1)[2]
    states = {asked.layer: group(hidden, slice(0, 1))[0]}
    for layer in range(asked.layer + 1, encoder.card.depth + 1):
        states[layer] = encoder.block(layer, states[layer - 1])
    return states, shift


@torch.inference_mode()
def read(explorer: Explorer, asked: Asked) -> dict[str, Any]:
    """What is read of one edit, as the page shows it.

    ``margin`` of the main judge before and after, what was ``moved`` of it, and the ``whole`` that the partner moves (or that there is to
    lose); every judge's logits, the main one's ``before`` and of the ``partner``, and the decoded ``angle`` (degrees). By layer what each
    token moved by (``displaced``), and what that changes of the margin by the layer's own probe (``changed``). Where the clip lies in the
    ``plane`` of the subspace's first two directions, where it lay before and where the partner lies; and its distance from natural clips
    (``nearest``, ``mahalanobis``).
    """
    shown, site = explorer.scene(asked.clip), explorer.at(asked.layer)
    scenes, depth, tokens = scenes_of(explorer, shown, asked), explorer.encoder.card.depth, site.context.judge.tokens
    states, shift = edited_states(explorer, asked, explorer.encoder, scenes)
    mask = scenes.mask(tokens)
    last = {"edited": states[depth], "clean": scenes.source.tokens(depth), "partner": scenes.twin.tokens(depth)}
    pooled = {name: pool(hidden, mask) for name, hidden in last.items()}
    by_judge = {judge.name: judge for judge in explorer.judges.last()}
    main = explorer.judges.main
    logits = {name: main.logits(one) for name, one in pooled.items()}
    moved, whole = outcome(asked.edit, logits["edited"], logits["clean"], logits["partner"], scenes.label, scenes.target)
    own, other = (pool(part.tokens(asked.layer), mask) for part in (scenes.source, scenes.twin))
    plane = site.subspaces[asked.finder].basis[:, :2]
    natural = site.context.natural
    return {
        "logits": {name: judge.logits(pooled["edited"])[0].tolist() for name, judge in by_judge.items()},
        "before": logits["clean"][0].tolist(),
        "partner": logits["partner"][0].tolist(),
        "angle": _degrees(main, pooled["edited"]),
        "moved": float(moved),
        "whole": float(whole),
        "margin": float(_margin(asked, logits["edited"], shown.own)),
        "margin_before": float(_margin(asked, logits["clean"], shown.own)),
        **_by_token(explorer, asked, scenes, states, mask),
        **{name: (at @ plane)[0].tolist() for name, at in (("plane", own + shift[0]), ("plane_before", own), ("plane_partner", other))},
        "nearest": None if natural is None else float(natural.distances([condition_of(site, asked)], own, shift)[0]),
        "mahalanobis": None if natural is None else float(natural.mahalanobis(pooled["edited"])),
    }


def _margin(asked: Asked, logits: Float64[Tensor, "rows classes"], own: int) -> Float64[Tensor, " rows"]:
    """What the edit is to change: the margin of the clip's own class, or that of the target over it."""
    label, target = (torch.full((len(logits),), index) for index in (own, asked.to))
    return margin(logits, label) if EDITS.entry(asked.edit).outcome == "lost" else target_margin(logits, label, target)


def _by_token(explorer: Explorer, asked: Asked, scenes: Scenes, states: States, mask: Tensor | None) -> dict[str, list[list[float]]]:
    """The margin is linear in what a linear probe reads, and that is a mean over tokens: each has its share of the change."""
    displaced, changed = [], []
    for layer, hidden in states.items():
        apart = (hidden - scenes.source.tokens(layer))[0].double()
        weights = explorer.judges.own[MAIN, layer].probe.weights.double()  # type: ignore[attr-defined]
        part = torch.ones(len(apart)) if mask is None else mask[0]
        shares = _margin(asked, apart @ weights.T, explorer.scene(asked.clip).own)
        displaced.append(apart.norm(dim=1).tolist())
        changed.append((shares * part / part.sum()).tolist())
    return {"displaced": displaced, "changed": changed}


def _degrees(judge: Judge, pooled: Float[Tensor, "1 width"]) -> float | None:
    angle = judge.angle(pooled)
    return None if angle is None else math.degrees(float(angle))


@torch.inference_mode()
def futures(explorer: Explorer, judge: ForecastJudge, shown: ShownScene) -> Float[Tensor, "classes future width"]:
    """The really rendered future of the scene showing each of its classes."""
    return judge.future(shown.whole.tokens(explorer.encoder.card.depth))


@torch.inference_mode()
def foreseen(explorer: Explorer, asked: Asked) -> dict[str, Any] | None:
    """The predictor's forecast from the edited beginning: its mean squared distance to the rendered future of each class (``apart``), the
    class of the ``nearest``, and the ``angle`` (degrees) read from it; None without such a judge."""
    judge, shown = explorer.forecast, explorer.scene(asked.clip)
    if judge is None:
        return None
    scenes = scenes_of(explorer, shown, asked, judge.early)
    states, _ = edited_states(explorer, asked, judge.early, scenes)
    before = {layer: scenes.source.tokens(layer) for layer in judge.early.context_layers if layer < asked.layer}
    forecast = judge.forecast({**before, **states})
    apart = distances(forecast, futures(explorer, judge, shown))
    angle = judge.angle(forecast)
    degrees = None if angle is None else math.degrees(float(angle))
    return {"apart": apart.tolist(), "nearest": shown.classes[int(apart.argmin())], "angle": degrees}


def distances(forecast: Float[Tensor, "1 future width"], rendered: Float[Tensor, "classes future width"]) -> Float64[Tensor, " classes"]:
    """Mean squared difference of a forecast from each rendered future."""
    return (forecast.double() - rendered.double()).square().mean(dim=(1, 2))


def answer(explorer: Explorer, given: Mapping[str, Any]) -> dict[str, Any]:
    """``read`` and ``foreseen`` of what a caller asks for, which is checked first."""
    asked = Asked.of(explorer, given)
    return {"asked": asked.to_json(), **read(explorer, asked), "forecast": foreseen(explorer, asked)}
