"""Clips of one's own in a spec: a file of arrays, or a clip set that somebody declared. Imports neither torch nor pandas at first."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

from jepascope.catalog import is_code
from jepascope.clips.array_file import MASK, TWIN, VIDEO, is_arrays, read_arrays
from jepascope.clips.column_kind import Asked
from jepascope.clips.entries import CLIP_SETS
from jepascope.clips.variables import VARIABLES, Variable, variable_named
from jepascope.errors import BadArgument, quoted

ARRAY_DEFAULTS: dict[str, Any] = {"port_clips": (), "peels": 0}
"""What fields are for a file of arrays where nothing is said: there are no other clips of their kind to carry anything to."""


def with_array_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Fields of a spec whose clips are a file of arrays, with everything filled in that is not given; the file's only labels are the
    variable. BadArgument for another file than a saved spec was made with."""
    path, said = Path(values["clips"]).expanduser(), values.get("clips_digest")
    file = read_arrays(path)
    if said not in (None, file.digest):
        raise BadArgument(
            f"'{values['clips']}' is not the file that the spec was made with (clips_digest {str(said)[:16]}, now {file.digest}); put that "
            "file back, or drop clips_digest for a new study."
        )
    columns = list(file.labels.columns)
    given = {name: value for name, value in values.items() if value is not None}
    if "variable" not in given and "labels" not in given:
        if len(columns) != 1:
            raise BadArgument(
                f"'{path}' has the labels {', '.join(columns) or '(none)'}; say which are studied, as in --variable {quoted(columns[0])}."
                if columns
                else f"'{path}' has no labels; give a labels file (--labels) with a column 'clip', or save them in an .npz."
            )
        given["variable"] = columns[0]
    return {**values, **ARRAY_DEFAULTS, **given} | {"clips": str(path.resolve()), "clips_digest": file.digest}


@functools.lru_cache(maxsize=8)
def array_variable(name: str, path: str, digest: str, kind: Asked, missing: tuple[str, ...]) -> Variable:
    """The variable that an array of labels holds, with twins where the file brings them; ``digest`` is there for the cache."""
    file = read_arrays(Path(path))
    variable, own, twins = file.labels.variable(name, range(file.clips), kind, missing), file.labels.columns[name], file.twins.get(name)
    paired = twins is not None and f"{TWIN}{VIDEO}" in file.headers and all(a != b for a, b in zip(own, twins, strict=False))
    return replace(variable, rendered=paired)


def clip_count(path: str) -> int:
    return read_arrays(Path(path)).clips


def has_masks(path: str) -> bool:
    return MASK in read_arrays(Path(path)).headers


@functools.lru_cache(maxsize=8)
def set_variable(name: str, clips: str, seed: int, per_class: int) -> Variable:
    """A variable of a clip set: a factor of the procedural scenes, or what the set's own clips carry under that name."""
    if clips in CLIP_SETS.own or (name in VARIABLES and not CLIP_SETS.entry(clips).variables):
        return variable_named(name)
    from jepascope.clips.presets import preset

    return preset(clips, seed, per_class=per_class).variable(name)


def are_known(clips: str) -> bool:
    """Whether clips are of a set, of ours or somebody's, or a file of arrays."""
    return clips in CLIP_SETS or is_code(clips) or is_arrays(clips)


def others_known(clips: str, variable: str) -> list[str]:
    """Factors that every scene of a set has besides the variable; none is known of arrays, or of a set that names its own variables."""
    if is_arrays(clips) or (clips not in CLIP_SETS.own and CLIP_SETS.entry(clips).variables):
        return []
    return [name for name in VARIABLES if name != variable]


def directions_drawn(clips: str) -> str:
    """Which angles a set's scenes move in (``ClipSetEntry.angles``); "" where that is not known."""
    return "" if is_arrays(clips) else CLIP_SETS.entry(clips).angles
