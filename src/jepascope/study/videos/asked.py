"""What a spec asks of a folder of videos, settled before any of them is opened. Imports neither torch, pandas, PyAV nor OpenCV."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from jepascope.clips.labels import class_names, described, ordered
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.variables import Variable
from jepascope.errors import BadArgument, BadData

CLIP_SETS = ("directions8", "circle", "complex")
DIRECTION, CLASS = "direction", "class"
MOST_CLASSES = 50
MOST_LABEL_BYTES = 200_000_000
OPPOSITE = len(DIRECTION_NAMES) // 2
FOLDER_DEFAULTS: dict[str, Any] = {
    "seconds": 1.0,
    "per_source": 16,
    "splits": "own",
    "port_clips": (),
    "peels": 0,
    "extra_controls": ("self_swap",),
}
"""What fields are for a folder where nothing is said. Swaps take from other videos, so what a swap does with nothing to carry is asked."""

FOLDER_ONLY = ("clips_digest", "seconds", "per_source", "splits", "classes", "subspaces_from", "subspaces_digest")


def is_folder(clips: object) -> bool:
    """Whether ``clips`` is the path of a folder, and no clip set's name."""
    if not isinstance(clips, str) or clips in CLIP_SETS:
        return False
    return os.sep in clips or "/" in clips or clips in (".", "..") or Path(clips).expanduser().is_dir()


def with_folder_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Fields of a spec whose clips are a folder, with everything filled in that is not given: defaults, and what names the contents.

    A digest that is given is kept: whether the videos are still the same is asked when they are needed, so that a finished run can be
    told about without them.
    """
    from jepascope.clips.video.contents import folder_digest

    path = Path(values["clips"]).expanduser()
    digest = values.get("clips_digest") or folder_digest(path)
    given = {name: value for name, value in values.items() if value is not None}
    return {**values, **{name: value for name, value in FOLDER_DEFAULTS.items() if name not in given}} | {
        "clips": str(path.resolve()),
        "clips_digest": digest,
    }


def labels_digest(path: Path) -> str:
    """Names the bytes of a labels file of videos."""
    try:
        if path.stat().st_size > MOST_LABEL_BYTES:
            raise BadArgument(f"'{path}' is larger than a labels file can be ({MOST_LABEL_BYTES // 10**6} MB).")
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise BadArgument(f"The labels file '{path}' cannot be read ({error.strerror}); give a CSV file with a column 'file'.") from None


@lru_cache(maxsize=16)
def folder_variable(
    name: str, classes: tuple[str, ...] | None, folder: str, digest: str, labels: str | None, labelled_as: str | None
) -> Variable:
    """The variable of a study on a folder; ``digest`` and ``labelled_as`` (of folder and labels) are there for the cache.

    Nothing of it can be rendered. ``classes``: those to keep, all where None. Raises BadArgument for a class that there is not.
    """
    if name == DIRECTION:
        return _direction(classes)
    cells = _cells(name, Path(folder), labels)
    if classes is None and len(set(cells)) > 2 and _numeric(cells):
        return described(name, cells, lambda row: f"'{labels}' column '{name}'")
    names = class_names(cells)
    known = ordered(set(names))
    kept = _kept(name, known, classes)
    if not 2 <= len(kept) <= MOST_CLASSES:
        first = ", ".join(kept[:4])
        raise BadArgument(
            f"{name} has {len(kept)} classes here, and a variable has 2 to {MOST_CLASSES}; name those to keep, as in "
            f"--set 'classes=[{first}]'."
        )
    return Variable(name, "categorical", kept, (f"label: {name}",), rendered=False)


def _direction(classes: tuple[str, ...] | None) -> Variable:
    kept = _kept(DIRECTION, DIRECTION_NAMES, classes)
    if len(kept) < 2:
        raise BadArgument("A study of direction needs at least two of them; name more with --set 'classes=[E,N,W,S]'.")
    return Variable(DIRECTION, "circular", kept, ("direction", "angle"), ("angle",), "degrees", rendered=False)


def _kept(name: str, known: tuple[str, ...], classes: tuple[str, ...] | None) -> tuple[str, ...]:
    unknown = [one for one in classes or () if one not in known]
    if unknown:
        shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
        raise BadArgument(f"classes: {name} has no class '{unknown[0][:60]}' here; there are {shown}.")
    return known if classes is None else tuple(one for one in known if one in classes)


def _cells(name: str, folder: Path, labels: str | None) -> list[str]:
    """Everything that the labels file, or the folder's layout, gives as a value of the variable."""
    columns: tuple[str, ...] = ()
    if labels is not None:
        from jepascope.clips.video.labels import read_video_labels

        told = read_video_labels(Path(labels).expanduser())
        columns = told.columns
        if name in columns:
            cells = [row.cells[name] for rows in told.rows.values() for row in rows if row.cells[name]]
            if cells:
                return cells
            raise BadData(f"'{labels}' has no value in its column '{name}'; label some stretches of the videos.")
    if name != CLASS:
        have = ", ".join(dict.fromkeys([DIRECTION, CLASS, *columns]))
        raise BadArgument(f"Real videos have no label '{name}'; known are {have}. Other labels come in a labels file (--labels).")
    from jepascope.clips.video.files import find
    from jepascope.clips.video.layouts import with_distributed_labels

    cells = [one.label for one in with_distributed_labels(find(folder), folder.resolve()).candidates if one.label]
    if not cells:
        raise BadData(
            f"Nothing in '{folder}' names classes: put the videos of each class in a folder named after it, or give a labels file "
            "(--labels) with a column 'class'."
        )
    return cells


def _numeric(cells: list[str]) -> bool:
    from jepascope.clips.labels import FEW_VALUES, NUMBER

    return all(NUMBER.fullmatch(cell) for cell in cells) and len({float(cell) for cell in cells}) > FEW_VALUES


def turned_by_quarters(classes: tuple[str, ...]) -> bool:
    """Whether clips are turned on their side: where two of the directions lie a quarter turn apart. Without such a pair, mirroring and
    playing backwards lead to all of them, and no clip need be shown on its side."""
    quarter = len(DIRECTION_NAMES) // 4
    places = {DIRECTION_NAMES.index(name) for name in classes}
    return any((place + quarter) % len(DIRECTION_NAMES) in places for place in places)
