"""Steering calibration: clips steered to angles that are asked for, and the angle that the judge then decodes -> calibration.parquet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadData
from jepascope.intervention.conditions import merged, owned
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import SURVEYED
from jepascope.intervention.edit_entry import CALIBRATED
from jepascope.intervention.edits import displacement
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.run import place, run_edit
from jepascope.intervention.scenes import Scenes
from jepascope.schema import TABLES
from jepascope.study.captures import Captures
from jepascope.study.intervene.contexts import controls_at
from jepascope.study.steps.at_best import CALIBRATION_DRAWS, REQUESTS

PLANE = "circle"  # the plane of the fitted circle itself, beside the first finder's subspace
COLUMNS = TABLES["calibration"].written


def run_calibration(captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace], judge: ProbeJudge) -> pd.DataFrame:
    """Every test scene steered to REQUESTS evenly spread angles, by every edit that can be asked for an angle (see ``to_angle``).

    Two thirds of them lie between the classes of direction, where no class mean was seen. No rows for a variable without an angle.
    """
    scenes, layer = context.scenes, context.site.layer
    if scenes.angle is None or scenes.circle is None or judge.decoder is None:
        return pd.DataFrame(columns=COLUMNS).astype({"scene": int})
    first = next(iter(subspaces))
    plane = Subspace.spanned_by(scenes.circle.axes, scenes.circle.middle, finder=PLANE)
    wanted = {first: subspaces[first], PLANE: plane}
    controls = controls_at(captures, context, wanted, SURVEYED, CALIBRATION_DRAWS)
    tick = captures.progress.start(f"steer to {REQUESTS} angles at layer {layer}")
    clean = judge.angle(context.unedited.clean[place(judge, context.depth)])
    assert clean is not None
    rows = [_rows(scenes, {"layer": layer, "finder": "", "rank": 0, "edit": "", "control": "none", "draw": 0}, scenes.angle, clean)]
    edits = [edit for edit in CALIBRATED if _can(captures, scenes, edit)]
    angles = torch.arange(REQUESTS) * (2 * torch.pi / REQUESTS)
    for done, angle in enumerate(angles):
        asked = replace(scenes, target_angle=angle.expand(len(scenes)).clone(), requested=True)
        for edit in edits:
            conditions = merged(wanted, controls, (1.0,), edit)
            edited = run_edit(captures.encoder, context.site, asked, conditions, [judge], edit, unedited=context.unedited)
            for i, owner in owned(conditions, list(wanted)):
                whose = {"finder": owner.finder, "rank": conditions[i].basis.shape[1], "control": owner.control, "draw": owner.draw}
                rows.append(_rows(asked, {"layer": layer, "edit": edit, **whose}, angle, edited.reads[0].angle[i]))
        tick(done + 1, REQUESTS)
    return pd.concat(rows, ignore_index=True)[COLUMNS]


def _can(captures: Captures, scenes: Scenes, edit: str) -> bool:
    """Whether an edit can steer these clips; what it lacks is said."""
    try:
        displacement(edit, scenes, Site(0), slice(0, 1), torch.zeros(1, 1, scenes.class_means.shape[1]))
    except BadData as error:
        captures.progress.say(f"Nothing is steered by {edit}: {error}")
        return False
    return True


def _rows(scenes: Scenes, where: dict[str, object], requested: Tensor, decoded: Tensor) -> pd.DataFrame:
    assert scenes.angle is not None

    def degrees(angle: Tensor) -> np.ndarray:
        return (angle.double().rad2deg() % 360).expand(len(scenes)).numpy()

    angles = {"source": degrees(scenes.angle), "requested": degrees(requested), "decoded": degrees(decoded)}
    return pd.DataFrame(
        {**{name: np.repeat(np.array([value]), len(scenes)) for name, value in where.items()}, "scene": scenes.ids, **angles}
    )
