"""Another run whose subspaces are used beside the study's own: which, and whether they can be. Imports neither torch nor pandas."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepascope.catalog import file_name
from jepascope.errors import BadArgument

if TYPE_CHECKING:
    from jepascope.study.spec import StudySpec


@dataclass(frozen=True)
class CarriedRun:
    """A finished run of subspaces; ``best`` is the layer that it makes its claims for."""

    path: Path
    spec: StudySpec
    best: int

    @property
    def clips(self) -> str:
        """What tables call the place where its subspaces were found."""
        return self.spec.clips_name

    def name(self, finder: str) -> str:
        """What tables call one of its subspaces."""
        return f"{finder} ({self.clips})"

    def file(self, finder: str, layer: int) -> Path:
        return self.path / "subspaces" / f"{file_name(finder)}-layer{layer}.safetensors"

    def digest(self, layer: int) -> str:
        """Names the study, the layer and the subspaces themselves. Raises BadArgument where the run keeps none at the layer."""
        found = hashlib.sha256(f"{self.spec.digest} {layer}".encode())
        for finder in self.spec.finders:
            path = self.file(finder, layer)
            try:
                found.update(path.read_bytes())
            except OSError:
                raise BadArgument(
                    f"'{self.path}' keeps no {finder} subspace at layer {layer} ('{path.name}'); its claims are made at layer {self.best}: "
                    "leave best_layer out, or run it with that layer among its --layers."
                ) from None
        return found.hexdigest()[:16]


def carried_run(path: Path) -> CarriedRun:
    """A finished run. Raises RunFolderError for a folder that is none, BadArgument for one that is not finished."""
    from jepascope.study.folder import read_json, resume_line
    from jepascope.study.probe import saved_spec

    spec = saved_spec(path)
    best = read_json(path / "summary.json", {}).get("best_layer")
    if not isinstance(best, int) or isinstance(best, bool):
        raise BadArgument(f"The run in '{path}' is not finished, so that it has no best layer yet; finish it with `{resume_line(path)}`.")
    return CarriedRun(path, spec, best)


def with_carried(values: dict[str, Any]) -> dict[str, Any]:
    """Fields of a spec with what names the other run's subspaces, and its best layer where no other one is asked for.

    A digest that is given is kept: whether the run is still the same is asked when its subspaces are needed.
    """
    given = values.get("subspaces_from")
    if not isinstance(given, str) or values.get("subspaces_digest") is not None:
        return values
    run = carried_run(Path(given).expanduser().resolve())
    variable = values.get("variable") or "direction"
    if run.spec.variable != variable:
        raise BadArgument(f"'{given}' is a run on {run.spec.variable}, and this one is on {variable}; give a run on the same variable.")
    layer = run.best if values.get("best_layer") is None else values["best_layer"]
    if not isinstance(layer, int):
        return values  # which the field itself refuses
    return {**values, "subspaces_from": str(run.path), "subspaces_digest": run.digest(layer), "best_layer": layer}


def carried_by(spec: StudySpec) -> CarriedRun | None:
    """The run that the study takes subspaces from, None where it takes none. Raises BadArgument where it is no longer the same."""
    if spec.subspaces_from is None:
        return None
    run = carried_run(Path(spec.subspaces_from))
    assert spec.best_layer is not None
    if run.digest(spec.best_layer) != spec.subspaces_digest:
        raise BadArgument(
            f"The subspaces in '{spec.subspaces_from}' are no longer those that this study was begun with; put them back, or choose "
            "another --out."
        )
    return run
