"""What edits of a layer and the judges are made of, as arrays for the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from jepascope.discovery.probes.readouts import LinearProbe, MlpProbe
from jepascope.errors import JepascopeError
from jepascope.explore.explorer import EditedSite, Explorer
from jepascope.intervention.circle import Circle
from jepascope.intervention.forecast import COARSE
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.ring import Ring

Arrays = dict[str, Tensor | np.ndarray]


def site_arrays(site: EditedSite) -> Arrays:
    """Class means, circle and ring of the layer, its natural clips, and every basis: ``frame`` carries the true edit's coordinates over."""
    scenes, natural = site.context.scenes, site.context.natural
    arrays: Arrays = {"means": scenes.class_means, **_circle(scenes.circle), **_ring(scenes.ring)}
    if natural is not None:
        arrays["natural"] = natural.pooled
    for finder, subspace in site.subspaces.items():
        arrays |= {f"{finder}.mean": subspace.mean, f"{finder}.basis": subspace.basis}
        for one in site.controls[finder]:
            arrays |= {f"{finder}.{one.name}.{one.draw}.basis": one.basis, f"{finder}.{one.name}.{one.draw}.frame": one.frame}
    return {f"{site.context.site.layer}.{name}": array for name, array in arrays.items()}


def _circle(circle: Circle | None) -> Arrays:
    """Nothing where there is none, or where it is flat and nothing can be turned."""
    try:
        return {} if circle is None else {"circle.middle": circle.middle, "circle.axes": circle.axes, "circle.filters": circle.filters}
    except JepascopeError:
        return {}


def _ring(ring: Ring | None) -> Arrays:
    """Knots (radians) and coefficients (power, piece, width) of the spline through the class means."""
    try:
        return {} if ring is None else {"ring.knots": ring.spline.x, "ring.pieces": ring.spline.c}
    except JepascopeError:
        return {}


def judge_arrays(explorer: Explorer) -> tuple[Arrays, dict[str, str]]:
    """Read-outs of the study's own variable: linear probes of every layer, the others of the last one, those of angles; and natural clips
    at the last layer. Beside them the judges that the page cannot read with, and why."""
    arrays: Arrays = {}
    left_out: dict[str, str] = {}
    judges, depth = explorer.judges, explorer.encoder.card.depth
    for (name, layer), judge in judges.own.items():
        if layer == depth or name == judges.main.name:
            made = _readout(judge)
            arrays |= {f"{name}.{layer}.{part}": value for part, value in made.items()}
            if not made:
                left_out[name] = "it is code of its own, which a page does not run"
    _, rows, columns = explorer.encoder.card.grid
    if explorer.forecast is not None and max(rows, columns) <= COARSE:  # on larger grids futures are averaged first
        arrays |= _values("forecast.angle", explorer.forecast.decoder)
    natural = explorer.at(explorer.best).context.natural
    if natural is not None:
        arrays |= {"natural.mean": natural.mean, "natural.whitening": natural.whitening}
    return arrays | _values("angle", judges.main.decoder), left_out


def _readout(judge: ProbeJudge) -> Mapping[str, Tensor]:
    probe = judge.probe
    if isinstance(probe, LinearProbe):
        return {"weight": probe.weights, "bias": probe.bias}
    return vars(probe) if isinstance(probe, MlpProbe) else {}


def _values(name: str, decoder: Any) -> Arrays:
    return {} if decoder is None else {f"{name}.weight": decoder.weights, f"{name}.bias": decoder.bias}
