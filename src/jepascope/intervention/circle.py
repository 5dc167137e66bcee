"""The circle on which class means of an angle lie: steering to a requested angle, and how far the decoded angle then lies from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.discovery.probes.circular import DISCRETE, on_circle
from jepascope.errors import BadArgument, BadData
from jepascope.stats import LEVEL, Interval, expanded_level, mean_interval, scene_weights, widened


@dataclass(frozen=True)
class Circle:
    """Least squares x = middle + axes (cos a, sin a) over clips: where a pooled activation lies when the angle is a."""

    middle: Float[Tensor, " width"]
    axes: Float[Tensor, "width 2"]

    @classmethod
    def fitted(cls, x: Float[Tensor, "clips width"], values: Float[Tensor, "clips 2"]) -> Circle:
        """``values``: (cos, sin) of every clip's angle. BadData where the angles do not span the plane."""
        exact = torch.cat([torch.ones(len(x), 1, dtype=torch.float64), values.double()], dim=1)
        solution, _, rank, _ = torch.linalg.lstsq(exact, x.double(), driver="gelsd")
        if int(rank) < 3:
            raise BadData("The clips' angles do not span a plane, so no circle can be fitted; take clips of at least three directions.")
        return cls(solution[0].float(), solution[1:].T.float().contiguous())

    @property
    def filters(self) -> Float[Tensor, "2 width"]:
        """Pseudo-inverse of the axes: (cos, sin) of what lies at the middle plus the plane. BadArgument where the plane is a line."""
        left, values, right = torch.linalg.svd(self.axes.double(), full_matrices=False)
        if float(values[-1]) <= 1e-6 * float(values[0]):
            raise BadArgument("The fitted circle is flat: the angle moves activations along one line only, and nothing can be rotated.")
        inverse: Tensor = ((right.T / values) @ left.T).float()
        return inverse


def circle_displacement(circle: Circle, angle: Float[Tensor, " clips"], wanted: Float[Tensor, " clips"]) -> Float[Tensor, "clips 1 width"]:
    """r = axes (e(wanted) - e(angle)), the same for every token of a clip: additive steering along the circle. Angles in radians."""
    return ((on_circle(wanted) - on_circle(angle)).to(circle.axes) @ circle.axes.T)[:, None]


def rotation_displacement(
    hidden: Float[Tensor, "clips tokens width"], circle: Circle, turn: Float[Tensor, " clips"]
) -> Float[Tensor, "clips tokens width"]:
    """r = axes (R - 1) axes^+ (h - middle), R the rotation by ``turn`` radians: every token's own part in the plane is turned.

    Linear in h, so that the pooled activation is turned by the same angle; lengths in the plane (in units of the circle) are kept.
    """
    cos, sin = turn.cos().to(hidden), turn.sin().to(hidden)
    less_one = torch.stack([torch.stack([cos - 1, -sin], dim=1), torch.stack([sin, cos - 1], dim=1)], dim=1)  # clips, 2, 2
    inside = (hidden - circle.middle.to(hidden)) @ circle.filters.T.to(hidden)  # clips, tokens, 2
    return (inside @ less_one.transpose(1, 2)) @ circle.axes.T.to(hidden)


CHANCE = 90.0  # degrees by which a random angle misses, on average


def angle_errors(rows: pd.DataFrame) -> pd.Series[float]:
    """Absolute circular difference of decoded and requested angle, degrees in 0 to 180."""
    return ((rows["decoded"] - rows["requested"] + 180) % 360 - 180).abs()


def mean_error(rows: pd.DataFrame) -> Interval:
    """Mean of the errors with its 95 % interval over scenes, which are averaged over requested angles first."""
    return _over_scenes(_by_scene(rows), (0, 180))


def error_difference(rows: pd.DataFrame, others: pd.DataFrame) -> Interval:
    """Mean error less that of another edit of the same scenes to the same angles, paired by scene; 95 % interval over scenes."""
    return _over_scenes(_by_scene(rows) - _by_scene(others), (-180, 180))


def between_classes(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose requested angle no clip shows: where no class mean was seen. None where clips show angles all around."""
    shown = np.unique(rows["source"].to_numpy().round(3))
    apart = np.abs((rows["requested"].to_numpy()[:, None] - shown + 180) % 360 - 180).min(axis=1)
    return rows[apart > 1.0] if len(shown) <= DISCRETE else rows.iloc[:0]


def _by_scene(rows: pd.DataFrame) -> pd.Series[float]:
    return rows.assign(error=angle_errors(rows)).groupby("scene")["error"].mean()


def _over_scenes(by_scene: pd.Series[float], bounds: tuple[float, float]) -> Interval:
    values, count = by_scene.to_numpy(), len(by_scene)
    error = mean_interval(values, scene_weights(count, np.random.default_rng(0)), expanded_level(LEVEL, count))
    return widened(error, (values - error.value) / count, bounds=bounds)
