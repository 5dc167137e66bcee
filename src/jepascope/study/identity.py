"""What names a study: the fields that make it what it is. Imports neither torch nor pandas."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal, Protocol, runtime_checkable

from jepascope.encoders.part_names import RESIDUAL
from jepascope.study.clips_asked import FOLDER_ONLY
from jepascope.study.field_types import CHAPTERS


@runtime_checkable
class Named(Protocol):
    """A study, as far as its name goes."""

    @property
    def splits(self) -> str | None: ...
    @property
    def clips_digest(self) -> str | None: ...
    @property
    def of_videos(self) -> bool: ...
    @property
    def of_arrays(self) -> bool: ...
    def model_dump(self, *, mode: Literal["json", "python"], exclude: set[str]) -> dict[str, Any]: ...


UNSAID = (
    ("kind", "auto"),
    ("missing", None),
    ("draws_beside", 20),
    ("fits", 10),
    ("chapters", list(CHAPTERS)),
    ("part", RESIDUAL),
)  # fields that name a study only where they say something: older ones have none of them


def identity(spec: Named, mode: Literal["json", "python"] = "python") -> dict[str, Any]:
    """The fields that make the study what it is. Files and folders count by their contents, wherever they lie."""
    fields = spec.model_dump(mode=mode, exclude={"labels", "subspaces_from"})
    if spec.of_videos:
        own = ("splits",) if spec.splits == "own" else ()  # studies from before there was a choice keep their names
        return {name: value for name, value in fields.items() if name not in own} | {"clips": "a folder of videos"}
    named = {"clips": "a file of arrays", "clips_digest": spec.clips_digest} if spec.of_arrays else {}
    return {name: value for name, value in fields.items() if name not in FOLDER_ONLY} | named


def digest_of(spec: Named) -> str:
    """SHA-256 of its canonical JSON, the first twelve digits."""
    named = {name: value for name, value in identity(spec, "json").items() if (name, value) not in UNSAID}
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:12]
