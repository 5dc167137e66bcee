"""What a run measured scene by scene, at its layer of the claims: effects by the probe, beside their closest control, and what is read."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
import pandas as pd
from jaxtyping import Int

from jepascope.findings.names import edit_name
from jepascope.findings.selection import Edited, edited, finders_of, tokens_of
from jepascope.intervention.edit_entry import LEADING
from jepascope.intervention.refits import SAME, Refits
from jepascope.report.folder import RunFolder
from jepascope.stats import Share


@dataclass(frozen=True)
class Measured:
    """A quantity of one run: ``share`` over the scenes ``ids``; ``control``: whose mean draw is taken off it, "" where none is;
    ``bounds``: of its value."""

    quantity: str
    ids: Int[np.ndarray, " scenes"]
    share: Share
    unit: str = "share"
    finder: str = ""
    control: str = ""
    bounds: tuple[float, float] = (-inf, inf)

    @property
    def key(self) -> tuple[str, str, str]:
        """What two runs have to share to be compared in it; the closest control may be another one in each."""
        return self.quantity, self.finder, self.unit


def measured_by_scene(run: RunFolder) -> tuple[Measured, ...]:
    """What is read, then the effects of every finder; nothing where the folder has no scenes (no interventions, or an earlier version)."""
    effects, ce = run.table("effects"), run.table("ce")
    if effects is None or ce is None:
        return tuple(_errors(run))
    refits = Refits(run.table("fits"))
    made = [found for finder in finders_of(run, ce) for edit in LEADING if (found := edited(run, finder, edit)) is not None]
    read = [found for found in made if not found.effect.unread]
    return (*_accuracy(run, made, effects), *_errors(run), *(one for found in read for one in _effects(found, effects, refits)))


def _effects(found: Edited, effects: pd.DataFrame, refits: Refits) -> list[Measured]:
    """CE of an edit, and the same less its closest control."""
    rows = effects[np.logical_and.reduce([effects[name] == found.row[name] for name in SAME])]
    own = rows[rows["control"] == "subspace"].groupby("scene")[["numerator", "denominator"]].sum()
    if own.empty:
        return []
    finder, name, again = str(found.row["finder"]), edit_name(found.row["edit"]), refits.of({"read": "", **found.row})
    ids, numerator, denominator = own.index.to_numpy(dtype=np.int64), own["numerator"].to_numpy(), own["denominator"].to_numpy()
    made = [Measured(f"CE of {name}", ids, Share(numerator, denominator, refitted=tuple(again.refitted())), finder=finder)]
    closest = next((against.control for against in found.beside), "")
    drawn = rows[rows["control"] == closest].pivot_table(index="draw", columns="scene", values="numerator", aggfunc="sum")
    if len(drawn) and set(drawn.columns) == set(ids):
        control = drawn[ids].to_numpy()
        share = Share(numerator, denominator, control, tuple(again.refitted(closest)))
        made.append(Measured(f"CE of {name} beyond its closest control", ids, share, finder=finder, control=closest))
    return made


def _accuracy(run: RunFolder, made: list[Edited], effects: pd.DataFrame) -> list[Measured]:
    """How often the probe that judges edits reads unedited test scenes right: off the rows of ablation, whose scenes keep their class. Of
    no number: its classes are cut at borders that mean nothing."""
    found = next((found for found in made if found.row["edit"] == "ablate"), None)
    if found is None or run.summary.get("kind") == "numeric" or effects["correct_before"].isna().all():
        return []
    rows = effects[np.logical_and.reduce([effects[name] == found.row[name] for name in SAME])]
    by_scene = rows[rows["control"] == "subspace"].groupby("scene")["correct_before"].agg(["sum", "count"])
    right, all_of = (by_scene[name].to_numpy(dtype=np.float64) for name in ("sum", "count"))
    return [Measured("accuracy of the judge", by_scene.index.to_numpy(dtype=np.int64), Share(right, all_of), bounds=(0.0, 1.0))]


def _errors(run: RunFolder) -> list[Measured]:
    """Mean error of every output of the variable at the best layer, on held-out clips."""
    readings, values, probes = run.table("readings"), run.table("values"), run.table("probes")
    if readings is None or values is None or probes is None:
        return []
    rows = readings[
        (readings["layer"] == run.best_layer) & (readings["held_out"] == "clips") & (readings["tokens"] == tokens_of(run, probes))
    ]
    made = []
    for output, clips in rows.groupby("output", sort=False):
        unit = str(values.loc[values["output"] == output, "unit"].iloc[0]) if (values["output"] == output).any() else ""
        apart = (clips["true"] - clips["predicted"]).to_numpy()
        missed = np.rad2deg(np.abs(np.arctan2(np.sin(apart), np.cos(apart)))) if run.summary.get("kind") == "circular" else np.abs(apart)
        by_scene = pd.Series(missed).groupby(clips["scene"].to_numpy()).agg(["sum", "count"])
        share = Share(by_scene["sum"].to_numpy(), by_scene["count"].to_numpy(dtype=np.float64))
        made.append(Measured(f"error of {output}", by_scene.index.to_numpy(dtype=np.int64), share, unit, bounds=(0.0, inf)))
    return made
