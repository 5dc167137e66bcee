"""A finished run folder is sealed: while its seal holds, all that the study made is as it was, and nothing need be loaded to say so.

Imports neither torch nor pandas.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

from jepascope.disk.entry import Foreign
from jepascope.disk.folder import Folder
from jepascope.disk.manifest import Manifest, digest
from jepascope.disk.refusals import Damaged, Unreadable
from jepascope.encoders.at_hand import place
from jepascope.study.files import read_json
from jepascope.study.spec import StudySpec

SEALED = "sealed"  # what the manifest calls it
BESIDE = ("report.html", "figures/*.svg")  # what is made of the listed files


def seal(path: Path, spec: StudySpec, dtype: str) -> None:
    """Seal a folder that a whole run has just finished; not where the model is code, whose files are not known."""
    folder = Folder(path)
    with folder.hold():
        manifest = Manifest(folder)
        if (made := _seal_of(manifest, spec, dtype)) is not None:
            manifest.note(**{SEALED: made})


def sealed(path: Path, spec: StudySpec, dtype: str) -> dict[str, Any] | None:
    """The summary of a folder whose seal holds; None for any other. RunFolderError where another process has it in use."""
    folder = Folder(path)
    try:
        if SEALED not in Manifest(folder).about:
            return None
        with folder.hold():
            manifest = Manifest(folder)
            holds = manifest.about.get(SEALED) == _seal_of(manifest, spec, dtype)
            return read_json(path / "summary.json") if holds else None
    except (Damaged, Foreign, Unreadable, FileNotFoundError):  # a run mends it, or refuses it in its own words
        return None


def _seal_of(manifest: Manifest, spec: StudySpec, dtype: str) -> str | None:
    """A digest of the study, of this version, of every file of the folder but the parts that only a run which was killed goes on from,
    and of names, sizes and times of the model's files and of activations. FileNotFoundError where a listed file is gone."""
    where, folder = place(spec.model), manifest.folder
    if where.path is None:
        return None
    weights = [where.path] if where.path.is_file() else where.path.iterdir()
    large = sorted(path for path in (*weights, *folder.root.glob("activations/**/*")) if path.is_file())
    looks = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in large]
    made = [name for name in manifest.files if not name.startswith("parts/")]
    made += [name for pattern in BESIDE for name in folder.names(pattern)]
    files = {name: digest(folder.read(name)) for name in sorted(made)}
    about = [spec.digest, dtype, importlib.metadata.version("jepascope"), looks, files]
    return digest(json.dumps(about).encode())
