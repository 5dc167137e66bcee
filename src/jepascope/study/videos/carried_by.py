"""The run that a study takes subspaces from. Imports neither torch nor pandas."""

from __future__ import annotations

from pathlib import Path

from jepascope.errors import BadArgument
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import saved_spec
from jepascope.study.videos.carried import CarriedRun, carried_run


def carried_by(spec: StudySpec) -> CarriedRun | None:
    """The run that the study takes subspaces from, None where it takes none. Raises BadArgument where it is no longer the same."""
    if spec.subspaces_from is None:
        return None
    run = carried_run(Path(spec.subspaces_from), saved_spec)
    assert spec.best_layer is not None
    if run.digest(spec.best_layer) != spec.subspaces_digest:
        raise BadArgument(
            f"The subspaces in '{spec.subspaces_from}' are no longer those that this study was begun with; put them back, or choose "
            "another --out."
        )
    return run
