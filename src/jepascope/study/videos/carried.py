"""Another run whose subspaces are used beside the study's own: which, and whether they can be. Imports neither torch nor pandas."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepascope.disk.folder import Folder
from jepascope.errors import BadArgument
from jepascope.study.clips_asked import is_folder
from jepascope.study.files import known_best, resume_line, subspace_name


@dataclass(frozen=True)
class CarriedRun:
    """A finished run of subspaces; ``best`` is the layer that it makes its claims for."""

    path: Path
    spec: Any  # a StudySpec, whose own fields are filled in from here
    best: int

    @property
    def clips(self) -> str:
        """What tables call the place where its subspaces were found."""
        return str(self.spec.clips_name)

    def name(self, finder: str) -> str:
        """What tables call one of its subspaces."""
        return f"{finder} ({self.clips})"

    def file(self, finder: str, layer: int) -> Path:
        return self.path / subspace_name(finder, layer)

    def digest(self, layer: int) -> str:
        """Names the study, the layer and the subspaces themselves. Raises BadArgument where the run keeps none at the layer."""
        found = hashlib.sha256(f"{self.spec.digest} {layer}".encode())
        for finder in self.spec.finders:
            path = self.file(finder, layer)
            try:
                found.update(Folder(self.path).read(subspace_name(finder, layer)))
            except FileNotFoundError:
                raise BadArgument(
                    f"'{self.path}' keeps no {finder} subspace at layer {layer} ('{path.name}'); its claims are made at layer {self.best}: "
                    "leave best_layer out, or run it with that layer among its --layers."
                ) from None
        return found.hexdigest()[:16]


def carried_run(path: Path, saved_spec: Callable[[Path], Any]) -> CarriedRun:
    """A finished run; ``saved_spec`` reads its spec. Raises RunFolderError for a folder that is none, BadArgument for one that is not
    finished."""
    spec = saved_spec(path)
    best = known_best(path)
    if best is None:
        raise BadArgument(f"The run in '{path}' is not finished, so that it has no best layer yet; finish it with `{resume_line(path)}`.")
    return CarriedRun(path, spec, best)


def with_carried(values: dict[str, Any], saved_spec: Callable[[Path], Any]) -> dict[str, Any]:
    """Fields of a spec with what names the other run's subspaces, and its best layer where no other one is asked for.

    A digest that is given is kept: whether the run is still the same is asked when its subspaces are needed.
    """
    given, clips = values.get("subspaces_from"), values.get("clips")
    of_videos = isinstance(clips, str | Path) and is_folder(str(clips))
    if not isinstance(given, str | Path) or not of_videos or values.get("subspaces_digest") is not None:
        return values
    run = carried_run(Path(given).expanduser().resolve(), saved_spec)
    variable = values.get("variable") or "direction"
    if run.spec.variable != variable:
        raise BadArgument(f"'{given}' is a run on {run.spec.variable}, and this one is on {variable}; give a run on the same variable.")
    layer = run.best if values.get("best_layer") is None else values["best_layer"]
    if not isinstance(layer, int):
        return values  # which the field itself refuses
    return {**values, "subspaces_from": str(run.path), "subspaces_digest": run.digest(layer), "best_layer": layer}
