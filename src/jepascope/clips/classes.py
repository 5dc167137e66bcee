"""Reading a state variable off a table of factors, class by class or value by value, and giving it another value."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int

from jepascope.clips.factors import direction_angle, direction_offset
from jepascope.clips.variables import Variable
from jepascope.errors import BadArgument, BadData

Classes = Int[np.ndarray, " clips"]


def classes_of(factors: pd.DataFrame, variable: Variable) -> Classes:
    """Class index per row."""
    if variable.kind == "numeric":
        return _bins(factors, variable)
    if variable.columns[0] == "hue":
        return np.round(factors["hue"].to_numpy(np.float64) * len(variable.classes)).astype(np.int64) % len(variable.classes)
    column = variable.columns[0]
    index = {name: i for i, name in enumerate(variable.classes)}
    strange = {str(value) for value in factors[column]} - set(index)
    if strange:
        raise BadData(f"'{min(strange)}' is no class of the variable '{variable.name}'; its classes are {', '.join(variable.classes)}.")
    return np.array([index[str(value)] for value in factors[column]], dtype=np.int64)


def _bins(factors: pd.DataFrame, variable: Variable) -> Classes:
    """Bin of each column; of several columns the first counts fastest (top left, top right, bottom left, ...)."""
    index, step = np.zeros(len(factors), dtype=np.int64), 1
    for column, edges in zip(variable.columns, variable.edges, strict=True):
        index += step * np.searchsorted(edges, factors[column].to_numpy(np.float64), side="right")
        step *= len(edges) + 1
    return index


def in_turn(labels: Classes) -> Int[np.ndarray, " clips"]:
    """Rows of all clips: the first clip of each class that occurs, then the second of each, and so on."""
    nth = pd.Series(labels).groupby(labels).cumcount().to_numpy()  # how many of its class come before a clip
    return np.lexsort((labels, nth)).astype(np.int64)


def values_of(factors: pd.DataFrame, variable: Variable) -> Float64[np.ndarray, "clips outputs"] | None:
    """(cos, sin) of a circular variable (a hue of 0 is red), the numbers of a numeric one, None for a categorical one."""
    if variable.kind == "categorical":
        return None
    if variable.kind == "circular":
        angle = (2 * np.pi * factors["hue"] if variable.name == "colour" else factors["angle"]).to_numpy(np.float64)
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return factors[list(variable.columns)].to_numpy(np.float64)


def changed(factors: pd.DataFrame, variable: Variable, classes: Classes, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Factor columns that give each row the class asked for; every other factor stays.

    A number is drawn uniformly from its new class; a position is mirrored, so that it stays in its box and as far from the
    middle; a hue and an angle keep their place within the class. Raises BadArgument for a variable that cannot be rendered.
    """
    if not variable.rendered:
        raise BadArgument(f"No twin can be rendered for '{variable.name}': it is a column of labels, not a factor of the scenes.")
    if variable.name == "colour":
        return {"hue": _hue(factors["hue"].to_numpy(np.float64), classes, len(variable.classes))}
    if variable.name == "position":
        now = classes_of(factors, variable)
        across = {"x": now % 2 != classes % 2, "y": now // 2 != classes // 2}
        return {name: np.where(moved, 1 - factors[name], factors[name]) for name, moved in across.items()}
    if variable.kind == "numeric":
        borders = np.array([variable.limits[0], *variable.edges[0], variable.limits[1]])
        low, high = borders[classes], borders[classes + 1]
        return {variable.columns[0]: np.minimum(rng.uniform(low, high), np.nextafter(high, low))}
    names = np.array(variable.classes)[classes]
    if variable.name == "direction":
        offset = direction_offset(factors["angle"].to_numpy(np.float64))
        return {"direction": names, "angle": np.mod(direction_angle(names) + offset, 2 * np.pi)}
    return {variable.columns[0]: names}


def _hue(hue: np.ndarray, classes: Classes, sectors: int) -> np.ndarray:
    """The same place within another sector of the circle of hues."""
    within = hue * sectors - np.round(hue * sectors)
    limit = 0.5 - 1e-9  # rounding must not push a hue at the border into the next sector
    turned: np.ndarray = (classes + within.clip(-limit, limit)) / sectors % 1
    return turned
