"""Which run is of the paper's encoder, and how to get a run of it where none is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jepascope.encoders.entries import ENCODERS
from jepascope.encoders.models import KnownModel, published_models
from jepascope.report.compare.reading import Compared, Study
from jepascope.report.paper import VITH, VITL

HUB = {VITL: "facebook/vjepa2-vitl-fpc64-256", VITH: "facebook/vjepa2-vith-fpc64-256"}
NAMED = re.compile(r"vjepa2-vit(?P<size>[a-z])(?![a-z])")
LETTER = {VITL: "l", VITH: "h"}
PAPER_LAYERS = {VITL: " --layers 7", VITH: ""}  # the layer that a ratio is published for is run in full beside the best one
FRAMES = (
    "Set --frames and --device to what the machine has ('plan' says what it takes and loads no model): the clip length of the paper is "
    "not public, and 64 frames, which the checkpoint was made for, take several times as long as 16. Give both encoders the same."
)


@dataclass(frozen=True)
class Recognised:
    """One of the paper's encoders, and what that is known by."""

    encoder: str
    by: str


def known(encoder: str) -> KnownModel:
    """The checkpoint of one of the paper's encoders."""
    return next(model for model in published_models() if model.name == HUB[encoder])


def recognised(study: Study) -> Recognised | None:
    """By width and depth, and by name where the folder does not say them; a name of another size or family speaks against it."""
    name = NAMED.search(study.model.casefold())
    if name is None and _of_another_family(study.model):
        return None
    for encoder, letter in LETTER.items():
        model = known(encoder)
        if name is not None and name["size"] != letter:
            continue
        if (study.width, study.depth) == (model.sizes.width, model.sizes.depth):
            return Recognised(encoder, "name and size" if name else "size alone; whose weights these are is not checked")
        if name is not None and (study.width is None or study.depth is None):
            return Recognised(encoder, "name alone")
    return None


def _of_another_family(model: str) -> bool:
    """Whether a name says so: other families' encoders come in the same widths and depths, so that a size alone says nothing beside it."""
    others = [family for family in ENCODERS.own.values() if not any(name in HUB.values() for name, *_ in family.checkpoints)]
    return any(_letters(family.meaning) in _letters(model) for family in others)


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def runs_of(encoder: str, runs: list[Compared]) -> list[Compared]:
    """The runs whose model is that encoder."""
    return [run for run in runs if (known_as := recognised(run.study)) is not None and known_as.encoder == encoder]


def commands(encoder: str) -> tuple[str, ...]:
    """What makes the missing run."""
    model = known(encoder)
    folder = model.name.split("/")[-1]
    options = f"--model ./{folder} --frames 16{PAPER_LAYERS[encoder]} --device cuda"
    return (model.how, f"jepascope plan paper {options}", f"jepascope run paper {options} --out {out_of(encoder)}")


def out_of(encoder: str) -> str:
    """The run folder that ``commands`` writes."""
    return f"runs/paper-vit{LETTER[encoder]}"
