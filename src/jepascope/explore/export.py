"""A run as the page has it: what there is to ask for, in words and numbers (``meta``), and arrays (``packs``)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import JepascopeError
from jepascope.explore.clips import described, scene_arrays
from jepascope.explore.explorer import DRAWS, Explorer
from jepascope.explore.measured import chosen, measured
from jepascope.explore.pack import pack
from jepascope.explore.sites import judge_arrays, site_arrays
from jepascope.explore.weights import network, sizes
from jepascope.findings.names import short
from jepascope.intervention.control_entry import CONTROLS
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.intervention.edit_entry import EDITS, takes_over
from jepascope.intervention.judge_entry import JUDGES
from jepascope.report.charts import looks

IN_PAGE = ("ablate", "swap", "steer", "rotate", "spline")
"""Edits that assets/edits.js makes."""


@dataclass(frozen=True)
class Exported:
    """``packs``: by name, the header and the contents of each."""

    meta: dict[str, Any]
    packs: dict[str, tuple[list[list[Any]], str]]


def export(explorer: Explorer, clips: int) -> Exported:
    """Everything that a page needs to compute by itself. ``clips``: how many test clips it holds, those that the edit moved the wrong way
    among them."""
    assert isinstance(explorer.encoder, VJepa2Encoder)
    held = chosen(explorer.effects, explorer.best, explorer.captures.spec.finders[0], clips)
    judges, left_out = judge_arrays(explorer)
    packs = {"network": pack(network(explorer.encoder)), "judges": pack(judges)}
    for layer in explorer.layers:
        packs[f"site {layer}"] = pack(site_arrays(explorer.at(layer)))
    for clip in held:
        packs[f"clip {clip}"] = pack(scene_arrays(explorer, clip))
    return Exported({**described_run(explorer, held), "card": sizes(explorer.encoder), "left_out": left_out, "mode": "page"}, packs)


def described_run(explorer: Explorer, held: list[int]) -> dict[str, Any]:
    """The run, its edits, layers, finders, controls and judges, and what the study measured of every test clip."""
    captures, spec, summary = explorer.captures, explorer.captures.spec, explorer.tables.summary
    ring = explorer.at(explorer.best).context.scenes.ring
    drawn = {name for layer in explorer.layers for one in explorer.at(layer).controls.values() for name in (draw.name for draw in one)}
    return {
        "version": version("jepascope"),
        "run": str(captures.run.path.resolve()),
        "model": short(spec.model),
        "clips": spec.clips_name,
        "variable": spec.variable,
        "kind": captures.variable.kind,
        "classes": captures.classes,
        "angles": None if ring is None else ring.angles.rad2deg().tolist(),
        "headline": str(summary.get("headline") or ""),
        "donor": captures.donor,
        "ablate_to": spec.ablate_to,
        "best": explorer.best,
        "layers": [_layer(explorer, layer) for layer in explorer.layers],
        "finders": spec.finders,
        "edits": [edit_words(name, captures.donor, drawn) for name in explorer.edits],
        "controls": control_looks(drawn),
        "draws": DRAWS,
        "judges": {judge.name: JUDGES.look_up(judge.name).words or judge.name for judge in explorer.judges.last()},
        "predictor": explorer.forecast is not None,
        "context": explorer.forecast.context if explorer.forecast is not None else 0,
        "scenes": [described(explorer, clip) for clip in held],
        "first": held[len(held) // 2],
        "planes": {f"{layer} {finder}": plane(explorer, layer, finder) for layer in explorer.layers for finder in spec.finders},
        "measured": measured(explorer.effects, captures.test.clips.factors["scene"].tolist()),
    }


def _layer(explorer: Explorer, layer: int) -> dict[str, Any]:
    site = explorer.at(layer)
    finders = {
        finder: {
            "rank": subspace.rank,
            "controls": [{"control": one.name, "draw": one.draw, "rescale": one.rescale} for one in site.controls[finder]],
        }
        for finder, subspace in site.subspaces.items()
    }
    return {"layer": layer, "finders": finders}


def edit_words(name: str, donor: str, controls: Collection[str]) -> dict[str, Any]:
    """An edit as its entry declares it. ``takes_over``: controls whose draws take the true edit's coordinates over."""
    entry = EDITS.look_up(name)
    return {
        "name": name,
        "meaning": entry.meaning,
        "dose": (entry.dose if donor == "twin" else entry.donor_dose) or "dose 1 is the whole edit",
        "lost": entry.outcome == "lost",
        "turns": "angle" in entry.needs,
        "takes_over": sorted(control for control in controls if name in EDITS and takes_over(control, name)),
    }


def control_looks(drawn: Collection[str]) -> dict[str, dict[str, Any]]:
    """Words and colours of the subspace and of its controls, in the customary order."""
    names = ("subspace", *sorted(drawn, key=lambda name: CONTROLS.look_up(name).order))
    shown = {name: looks.CONTROLS.get(name) or looks.of_control(name) for name in names}
    return {name: {"words": CONTROL_WORDS.get(name, name), "color": look.color, "hollow": look.hollow} for name, look in shown.items()}


def plane(explorer: Explorer, layer: int, finder: str) -> dict[str, Any]:
    """Natural clips, class means and the ring through these in the first two directions of a subspace."""
    context, axes = explorer.at(layer).context, explorer.at(layer).subspaces[finder].basis[:, :2]
    scenes, natural, around = context.scenes, context.natural, torch.arange(0, 2 * torch.pi, torch.pi / 36)

    def seen(points: Tensor) -> list[list[float]]:
        return [[round(value, 4) for value in point] for point in (points.to(axes) @ axes).tolist()]

    try:
        ring = None if scenes.ring is None else seen(scenes.ring.at(around))
    except JepascopeError:  # too few classes, or two of one angle
        ring = None
    return {"natural": [] if natural is None else seen(natural.pooled), "means": seen(scenes.class_means), "ring": ring}
