"""State variables: which property of the scene a study is about, its classes and its values.

A description only, without a numerical library, so that a spec is checked at once; ``clips.classes`` reads it off a table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from jepascope.clips.ranges import COLOURS, DIRECTION_NAMES, POSITION_RANGE, SHAPES, SIZE_RANGE, SPEED_RANGE
from jepascope.errors import BadArgument

Kind = Literal["categorical", "circular", "numeric"]
BINS = 4


@dataclass(frozen=True)
class Variable:
    """A state variable.

    Every variable has ``classes`` in natural order, for class-based finders, judges and twins. A circular or numeric one has
    values besides: (cos, sin) of an angle, or one number for each of ``outputs``, in ``unit``. ``columns`` of the factor table
    hold it. ``edges``: the inner borders of the classes of a numeric variable, for each column. ``rendered``: whether a twin
    with another value can be made (a column of a labels file is only known, not rendered). ``note``: how a column was read, in words.
    """

    name: str
    kind: Kind
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    unit: str = ""
    edges: tuple[tuple[float, ...], ...] = ()
    limits: tuple[float, float] = (float("-inf"), float("inf"))
    rendered: bool = True
    note: str = field(default="", compare=False)

    @property
    def width(self) -> int:
        """Columns of its values: 2 for an angle (cos, sin), one a number, 0 for a categorical variable."""
        return 2 if self.kind == "circular" else len(self.outputs)


def inner_edges(low: float, high: float, bins: int = BINS) -> tuple[float, ...]:
    """Borders between classes of equal width: of the range that is sampled, not of the clips at hand, so that they never move."""
    return tuple(low + (high - low) * step / bins for step in range(1, bins))


def _numeric(
    name: str,
    classes: tuple[str, ...],
    limits: tuple[float, float],
    unit: str = "frame sides",
    columns: tuple[str, ...] = (),
    edges: tuple[tuple[float, ...], ...] = (),
) -> Variable:
    """A factor that is drawn between two limits, its column called as it is."""
    columns = columns or (name,)
    return Variable(name, "numeric", classes, columns, columns, unit, edges or (inner_edges(*limits),), limits)


VARIABLES = {
    known.name: known
    for known in (
        Variable("direction", "circular", DIRECTION_NAMES, ("direction", "angle"), ("angle",), "degrees"),
        _numeric("speed", ("slowest", "slow", "fast", "fastest"), SPEED_RANGE, "frame sides a clip"),
        _numeric(
            "position",
            ("top left", "top right", "bottom left", "bottom right"),
            POSITION_RANGE,
            columns=("x", "y"),
            edges=((0.5,), (0.5,)),
        ),
        _numeric("size", ("smallest", "small", "large", "largest"), SIZE_RANGE),
        Variable("shape", "categorical", SHAPES, ("shape",)),
        Variable("colour", "circular", COLOURS, ("hue",), ("hue",), "degrees"),
    )
}


def variable_named(name: str, others: tuple[Variable, ...] = ()) -> Variable:
    """The variable (one of ``others``, labels that clips carry, or a factor), or BadArgument that lists what there is."""
    known = {**VARIABLES, **{other.name: other for other in others}}
    if not isinstance(name, str) or name not in known:
        raise BadArgument(f"There is no variable '{name}'; known are {', '.join(known)}.")
    return known[name]
