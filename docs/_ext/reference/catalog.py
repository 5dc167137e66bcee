"""What can be named in a study, from the catalogs."""

from __future__ import annotations

from jepascope.clips.entries import CLIP_SETS
from jepascope.clips.variables import VARIABLES
from jepascope.discovery.finder_entry import FINDERS
from jepascope.encoders.entries import ENCODERS
from jepascope.encoders.jepa_wms import PUBLISHED
from jepascope.encoders.models import KnownModel, known_models
from jepascope.intervention.control_entry import CONTROLS, on_request
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.judge_entry import JUDGES
from reference.markdown import code, plain, table


def finders() -> str:
    """By name, with what each needs."""
    needs = {"path": "an L1 path", "suffix": "the network after the site"}
    rows = (
        (code(name), plain(entry.meaning), entry.ranks, ", ".join(needs[need] for need in entry.needs))
        for name, entry in FINDERS.own.items()
    )
    return table("finder | what it finds | rank at most by | needs", rows)


def edits() -> str:
    """By name, with what its effect is and what dose 1 does."""
    outcomes = {"lost": "margin lost", "towards": "margin moved towards the target"}
    rows = (
        (code(name), plain(entry.meaning), outcomes[entry.outcome], plain(entry.dose), "yes" if entry.usual else "")
        for name, entry in EDITS.own.items()
    )
    return table("edit | what it does | its effect | dose 1 | unless told otherwise", rows)


def controls() -> str:
    """By name, with what each has in common with the subspace."""
    rows = (
        (code(name), plain(entry.words or entry.name), plain(entry.meaning), entry.matches, "on request" if on_request(name) else "always")
        for name, entry in CONTROLS.own.items()
    )
    return table("control | in reports | what it is | shares besides rank | run", rows)


def judges() -> str:
    """By name, with what each reads."""
    rows = ((code(name), plain(entry.meaning), entry.reads, entry.layers) for name, entry in JUDGES.own.items())
    return table("judge | what it is | reads | layers", rows)


def clip_sets() -> str:
    """By name."""
    return table("clip set | what it shows", ((code(name), plain(entry.meaning)) for name, entry in CLIP_SETS.own.items()))


def variables() -> str:
    """By name, with their classes."""
    rows = ((code(name), known.kind, known.unit, ", ".join(known.classes)) for name, known in VARIABLES.items())
    return table("variable | kind | unit | classes", rows)


def encoders() -> str:
    """Families of checkpoints."""
    rows = ((plain(entry.meaning), code(name), "yes" if entry.predictor else "") for name, entry in ENCODERS.own.items())
    return table("family | model_type of config.json | predictor", rows)


def models() -> str:
    """Checkpoints that are known by name, and how each is got."""
    rows = (
        (
            code(row.name),
            f"{row.sizes.width} × {row.sizes.depth}",
            f"{row.sizes.frames} × {row.sizes.size}",
            f"{row.weights_gb:.2f}",
            ", ".join([*_predicts(row), *([f"head: {row.head}"] if row.head else [])]),
            row.how if row.shipped else code(row.how) if "accept" not in row.how else plain(row.how),
        )
        for row in known_models()
    )
    return table("model | width × depth | frames × pixels | GB of weights | has | how to get it", rows)


def _predicts(row: KnownModel) -> list[str]:
    return ["predictor"] * row.predictor + ["predictor given actions"] * bool(row.actions)


def worlds() -> str:
    """World models whose files lie in the folder of an encoder."""
    rows = (
        (
            code(world.path),
            f"{world.size}",
            f"{world.numbers}",
            f"{world.states or ''}",
            plain(world.how.split("`")[0]) + code(world.commands),
        )
        for world in PUBLISHED
    )
    return table("world model | pixels | actions | states | how to get it", rows)
