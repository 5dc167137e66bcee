"""State variables: which factor a study is about, its classes, and how a twin gets another value of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from jepascope.clips.factors import DIRECTION_NAMES, SHAPES, direction_angle
from jepascope.errors import BadArgument, BadData


@dataclass(frozen=True)
class Variable:
    """A categorical state variable: the factor column that holds it and its classes in natural order."""

    name: str
    column: str
    classes: tuple[str, ...]


VARIABLES = {
    "direction": Variable("direction", "direction", DIRECTION_NAMES),
    "shape": Variable("shape", "shape", SHAPES),
}


def variable_named(name: str) -> Variable:
    """The variable, or BadArgument that lists what there is."""
    try:
        return VARIABLES[name]
    except KeyError:
        raise BadArgument(f"There is no variable '{name}'; known are {', '.join(VARIABLES)}.") from None


def classes_of(factors: pd.DataFrame, variable: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class index per row and the class names."""
    known = variable_named(variable)
    index = {name: i for i, name in enumerate(known.classes)}
    strange = {str(value) for value in factors[known.column]} - set(index)
    if strange:
        raise BadData(f"'{min(strange)}' is no class of the variable '{variable}'; its classes are {', '.join(known.classes)}.")
    return np.array([index[str(value)] for value in factors[known.column]], dtype=np.int64), known.classes


def changed(variable: str, classes: np.ndarray) -> dict[str, np.ndarray]:
    """Factor columns that give each row the class asked for (index into the variable's classes)."""
    known = variable_named(variable)
    names = np.array(known.classes)[classes]
    if variable == "direction":
        return {"direction": names, "angle": direction_angle(names)}
    return {known.column: names}
