"""Recipes: everything that decides the weights of a network that is trained by interchange, as data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from jepascope.errors import BadArgument


@dataclass(frozen=True)
class InterchangeRecipe:
    """One network: the shipped nano encoder, trained on until blocks after ``layer`` read direction in one random plane alone.

    ``decoy``: a second code of direction, so many times as large as the plane's own, is written into another plane and never to be read; 0:
    none is. ``outside``: weight of
    the loss that takes class means out of everything but the plane (and the decoy's). ``last``: weight of the loss that lets the last
    layer depend on the plane alone. Both are let in linearly between the shares ``settles`` of the steps: a network that has no code yet
    would otherwise never make one. ``per_class``: clips of each direction that it is trained on.
    """

    name: str
    decoy: float = 0.0
    outside: float = 1.0
    last: float = 0.3
    seed: int = 1
    layer: int = 2
    rank: int = 2
    frames: int = 8
    size: int = 32
    per_class: int = 200
    steps: int = 400
    batch: int = 32
    learning_rate: float = 2e-3
    warmup: int = 20
    final_rate: float = 0.02
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    settles: tuple[float, float] = (0.25, 0.5)

    @property
    def digest(self) -> str:
        """Names the recipe, and with it the folder that its network is kept in."""
        return hashlib.sha256(json.dumps([VERSION, asdict(self)], sort_keys=True).encode()).hexdigest()[:16]


VERSION = 1  # of the losses: another one, other weights
PLAIN, DECOY = "plain", "decoy"
RECIPES: Mapping[str, InterchangeRecipe] = {
    PLAIN: InterchangeRecipe(PLAIN),
    DECOY: InterchangeRecipe(DECOY, decoy=2.0, outside=0.0),
}
ABOUT: Mapping[str, str] = {
    PLAIN: "direction lies in one known plane of layer 2, and class means outside it were trained away",
    DECOY: "direction is read from one known plane of layer 2; a second plane holds it twice as large, and what is left of the nano's own "
    "code lies elsewhere: both can be decoded, and the network was trained not to use either",
}


def recipe_named(name: str) -> InterchangeRecipe:
    """The recipe, or BadArgument that lists what there is."""
    if name not in RECIPES:
        raise BadArgument(f"There is no network '{name}' trained by interchange; known are {', '.join(RECIPES)}.")
    return RECIPES[name]
