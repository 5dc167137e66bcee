"""A run whose encoder is not here, or too large for a page: what it stored, with a few of its clips. No model is opened."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from jepascope.clips.clipset import ClipSet
from jepascope.clips.presets import partners
from jepascope.discovery.probes.circular import decoded_angle
from jepascope.errors import RunFolderError
from jepascope.explore.explorer import finished
from jepascope.explore.export import Exported, control_looks, edit_words
from jepascope.explore.measured import chosen, main_effects, measured, over_clips
from jepascope.explore.pack import pack
from jepascope.explore.still import seen
from jepascope.findings.names import short
from jepascope.intervention.edits import class_means
from jepascope.study.scenes import study_clips
from jepascope.study.spec import StudySpec

CLIPS = 12
"""That a page holds at most: each is some hundred kilobytes, and nothing is computed from it."""


def replayed(run: Path, clips: int) -> Exported:
    """CE at the doses that the run stored, over all test clips; clip by clip at dose 1. RunFolderError for a run without."""
    spec, tables, best = finished(run)
    card, summary, effects = tables.provenance.get("encoder", {}), tables.summary, main_effects(tables.tables["effects"])  # type: ignore[arg-type]
    ce = tables.tables.get("ce")
    if ce is None or not {"frames", "size", "grid", "depth"} <= set(card):
        raise RunFolderError(
            f"'{run}' does not say what encoder it studied, or has no ce.parquet; run the study again with the same --out."
        )
    every = study_clips(spec).at(int(card["frames"]), int(card["size"]))
    donor = str(summary.get("swap_donor") or "twin")
    finder = spec.finders[0]
    source = tested(every, effects, best, finder)
    partner = partners(source, spec.variable, spec.seed, donor)
    held = chosen(effects, best, finder, min(clips, CLIPS))
    stored = over_clips(ce, tables.tables.get("curves"), int(card["depth"]))
    controls = {name for doses in stored.values() for of_dose in doses.values() for name in of_dose} - {"subspace"}
    packs = {f"clip {clip}": pack({"frames": seen(torch.cat([part.video([clip]) for part in (source, partner)]))}) for clip in held}
    variable, shown = every.variable(spec.variable), seen(source.video([held[0]]))
    layers = sorted({int(key.split()[0]) for key in stored})
    edits = list(dict.fromkeys(key.split()[2] for key in stored))
    listed = [{"control": name, "draw": 0, "rescale": False} for name in sorted(controls)]
    meta = {
        "version": version("jepascope"),
        "mode": "replay",
        "run": str(run.resolve()),
        "model": short(spec.model),
        "clips": spec.clips_name,
        "variable": spec.variable,
        "kind": variable.kind,
        "classes": variable.classes,
        "angles": _class_angles(every, spec),
        "headline": str(summary.get("headline") or ""),
        "donor": donor,
        "ablate_to": spec.ablate_to,
        "best": best,
        "layers": [{"layer": layer, "finders": {name: {"rank": None, "controls": listed} for name in spec.finders}} for layer in layers],
        "finders": spec.finders,
        "edits": [edit_words(name, donor, ()) for name in edits],
        "controls": control_looks(controls),
        "draws": 1,
        "judges": {},
        "left_out": {},
        "predictor": False,
        "context": 0,
        "scenes": [_described(source, partner, spec, clip) for clip in held],
        "first": held[len(held) // 2],
        "planes": {},
        "measured": measured(effects, source.factors["scene"].tolist()),
        "stored": stored,
        "distances": _distances(tables.tables.get("distances")),
        "card": {"frames": shown.shape[1], "size": shown.shape[-1], "grid": card["grid"]},
    }
    return Exported(meta, packs)


def tested(every: ClipSet, effects: pd.DataFrame, best: int, finder: str) -> ClipSet:
    """The test clips that the study intervened on, in its tables' order."""
    first = effects[(effects["layer"] == best) & (effects["finder"] == finder)]
    rows = first[first["edit"] == first["edit"].iloc[0]]
    key = "clip" if "clip" in rows and "clip" in every.factors else "scene"
    place = {value: index for index, value in reversed(list(enumerate(every.factors[key].tolist())))}
    return every.select([place[value] for value in rows[key].tolist()])


def _described(source: ClipSet, partner: ClipSet, spec: StudySpec, clip: int) -> dict[str, Any]:
    own, other = (int(part.labels(spec.variable)[0][clip]) for part in (source, partner))
    angles = _angles(source.select([clip]), spec), _angles(partner.select([clip]), spec)
    known = None if angles[0] is None or angles[1] is None else [float(angles[0][0]), float(angles[1][0])]
    scene = int(source.factors["scene"].iloc[clip])
    return {"clip": clip, "scene": scene, "classes": [own, other], "own": own, "partner": other, "angles": known}


def _angles(clips: ClipSet, spec: StudySpec) -> np.ndarray | None:
    """Degrees; None for a variable that is no angle."""
    values = clips.values(spec.variable)
    return (
        None if values is None or clips.variable(spec.variable).kind != "circular" else np.degrees(np.arctan2(values[:, 1], values[:, 0]))
    )


def _class_angles(every: ClipSet, spec: StudySpec) -> list[float] | None:
    """Of each class, the mean of what the clips of split ``fit`` show."""
    fit = every.split("fit")
    values, (labels, names) = fit.values(spec.variable), fit.labels(spec.variable)
    if values is None or fit.variable(spec.variable).kind != "circular":
        return None
    means = class_means(torch.tensor(values, dtype=torch.float32), torch.tensor(labels), len(names))
    return [float(angle) for angle in decoded_angle(means).rad2deg()]


def _distances(table: pd.DataFrame | None) -> dict[str, dict[str, float]]:
    """Mean distances of edited clips at dose 1, by "layer finder edit"."""
    if table is None:
        return {}
    own = table[(table["control"] == "subspace") & (table["dose"] == 1.0)]
    return {
        f"{int(row['layer'])} {row['finder']} {row['edit']}": {"nearest": float(row["nearest"]), "mahalanobis": float(row["mahalanobis"])}
        for row in own.to_dict("records")
    }
