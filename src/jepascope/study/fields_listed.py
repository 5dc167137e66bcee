"""Every field of a spec: what it means, what it is where nothing is said, what presets say, and what can be named in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jepascope.catalog import Catalog
from jepascope.clips.entries import CLIP_SETS
from jepascope.clips.variables import VARIABLES
from jepascope.discovery.finder_entry import FINDERS
from jepascope.errors import BadArgument
from jepascope.intervention.control_entry import CONTROLS
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.judge_entry import JUDGES
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import PRESETS

CATALOGS: Mapping[str, Catalog[Any]] = {
    **{"clips": CLIP_SETS, "port_clips": CLIP_SETS, "finders": FINDERS, "edits": EDITS, "judges": JUDGES, "extra_controls": CONTROLS}
}
"""Fields in which things are named that stand in a catalog."""


@dataclass(frozen=True)
class ListedField:
    """``default``: as YAML would have it. ``presets``: what presets give in its place. ``named``: what can be named in it, with meanings;
    empty where it holds a number, a path or a switch."""

    name: str
    meaning: str
    default: Any
    presets: Mapping[str, Any]
    named: Mapping[str, str]


def listed_fields() -> list[ListedField]:
    """All of them but those that are filled in, in the order of the spec."""
    fields = {name: field for name, field in StudySpec.model_fields.items() if "filled in" not in (field.description or "")}
    defaults = StudySpec().model_dump(mode="json")
    return [
        ListedField(
            name,
            field.description or "",
            defaults[name],
            {preset: _plain(values[name]) for preset, values in PRESETS.items() if name in values},
            _named(name),
        )
        for name, field in fields.items()
    ]


def listed_field(name: str) -> ListedField:
    """One of them. BadArgument that lists them where there is none of that name."""
    fields = {field.name: field for field in listed_fields()}
    if name not in fields:
        raise BadArgument(f"A spec has no field '{name[:60]}'; it has {', '.join(fields)}.")
    return fields[name]


def _named(field: str) -> dict[str, str]:
    if field == "variable":
        return {name: variable.kind for name, variable in VARIABLES.items()}
    catalog = CATALOGS.get(field)
    return {} if catalog is None else {entry.name: entry.meaning for entry in map(catalog.look_up, catalog.names)}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
