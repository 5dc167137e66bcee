"""Asked: one edit of one clip, as the page, its address and the server name it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from jepascope.errors import BadArgument
from jepascope.explore.explorer import Explorer

MOST_DOSE = 4.0


@dataclass(frozen=True)
class Asked:
    """``clip``: of the test clips that the study intervened on, from 0. ``to``: the class that it is to show. ``angle`` (degrees): where an
    edit goes that reaches any angle; None: that of the class. ``control``: of which draw the edit is made in place of the subspace."""

    clip: int
    edit: str
    finder: str
    layer: int
    to: int
    dose: float = 1.0
    angle: float | None = None
    control: str = "subspace"
    draw: int = 0

    @classmethod
    def of(cls, explorer: Explorer, given: Mapping[str, Any]) -> Asked:
        """What a caller gives, checked; where nothing is said, the study's first finder, its layer, its swap and the clip's own twin. A
        class may be named. BadArgument for anything that the run does not have."""
        names = {each.name for each in fields(cls)}
        if strange := sorted(set(given) - names):
            raise BadArgument(f"There is nothing called '{strange[0]}' to ask for; known are {', '.join(sorted(names))}.")
        spec = explorer.captures.spec
        clip = _whole("clip", given.get("clip", 0), 0, explorer.count - 1)
        scene, classes = explorer.scene(clip), explorer.captures.classes
        to = given.get("to", scene.partner)
        to = classes.index(to) if isinstance(to, str) and to in classes else _whole("to", to, 0, len(classes) - 1)
        usual = "swap" if "swap" in explorer.edits else explorer.edits[0]
        edit = _known("edit", given.get("edit", usual), explorer.edits)
        layer = _whole("layer", given.get("layer", explorer.best), 0, explorer.encoder.card.depth - 1)
        _known("layer", layer, explorer.layers)
        finder = _known("finder", given.get("finder", spec.finders[0]), spec.finders)
        if to == scene.own or to not in scene.classes:
            shown = ", ".join(classes[place] for place in scene.classes if place != scene.own)
            raise BadArgument(f"Clip {clip} shows '{classes[scene.own]}' and can go to {shown}, not to '{classes[to]}'.")
        dose = _number("dose", given.get("dose", 1.0), -MOST_DOSE, MOST_DOSE)
        angle = None if given.get("angle") is None else _number("angle", given["angle"], -360, 360)
        control, draw = str(given.get("control", "subspace")), given.get("draw", 0)
        if control != "subspace":
            drawn = [one.draw for one in explorer.at(layer).controls[finder] if one.name == control]
            if draw not in drawn:
                raise BadArgument(f"Layer {layer} has no draw {draw!r} of a control '{control}' beside {finder}.")
        return cls(clip, edit, finder, layer, to, dose, angle, control, int(draw))

    @property
    def radians(self) -> float | None:
        return None if self.angle is None else math.radians(self.angle)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _known(name: str, value: Any, known: tuple[Any, ...]) -> Any:
    if value not in known:
        raise BadArgument(f"There is no {name} {value!r}; known are {', '.join(map(str, known))}.")
    return value


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise BadArgument(f"{name} is {value!r}, and must be a whole number from {low} to {high}.")
    return value


def _number(name: str, value: Any, low: float, high: float) -> float:
    if type(value) not in (int, float) or not low <= value <= high:
        raise BadArgument(f"{name} is {value!r}, and must be a number from {low:g} to {high:g}.")
    return float(value)
