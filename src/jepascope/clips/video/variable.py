"""The variable of a study on a folder of videos, as its labels file or its layout gives it, before any video is opened.

Imports neither torch, pandas, PyAV nor OpenCV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jepascope.clips.column_kind import MAX_CLASSES, MISSING, Asked, Column, is_missing
from jepascope.clips.labels import as_numbers, check_name, variable_of
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.variables import Variable
from jepascope.errors import BadArgument, BadData, quoted, setting

if TYPE_CHECKING:
    from jepascope.clips.video.labels import VideoLabels

DIRECTION, CLASS = "direction", "class"
Splits = Literal["own", "official", "official-2", "official-3"]
USUAL: dict[str, Any] = {"seconds": 1.0, "per_source": 16, "splits": "own"}  # how a folder is cut and parted where nothing is said
SHOWN = 20  # columns or classes that an error lists
SHOWN_TABLES = 3


def variable_given(columns: Sequence[str], path: str, variable: str | None) -> str | None:
    """The variable of a study with a labels file: the one that is named, else the file's direction or only column, None where it has none.

    Raises BadArgument where nobody says which of several columns is meant.
    """
    if variable is not None or not columns or DIRECTION in columns:
        return variable
    if len(columns) > 1:
        shown = ", ".join(columns[:SHOWN]) + (", ..." if len(columns) > SHOWN else "")
        raise BadArgument(f"'{path}' has the label columns {shown}; say which one is studied, as in --variable {quoted(columns[0])}.")
    return columns[0]


@lru_cache(maxsize=16)
def folder_variable(
    name: str,
    classes: tuple[str, ...] | None,
    folder: str,
    digest: str,
    labels: str | None,
    labelled_as: str | None,
    kind: Asked = "auto",
    missing: tuple[str, ...] = MISSING,
) -> Variable:
    """The variable of a study on a folder; ``digest`` and ``labelled_as`` (of folder and labels) are there for the cache.

    Nothing of it can be rendered. ``classes``: those to keep, all where None, and then columns of numbers may be numeric; ``kind`` and
    ``missing``: how its cells are read. Raises BadArgument for a class that there is not.
    """
    if name == DIRECTION:
        return _direction(classes)
    if classes is not None and kind == "numeric":
        raise BadArgument("classes names classes to keep, and kind=numeric reads numbers, which have none; leave one of the two out.")
    column, about = _column(name, Path(folder), labels, kind, missing)
    variable = variable_of(column if classes is None else _named(column))
    if variable.kind == "numeric":
        return replace(variable, note=f"{variable.note} {about}")
    kept = _kept(name, variable.classes, classes)
    if not 2 <= len(kept) <= MAX_CLASSES:
        keep = f"name those to keep, as in {setting(classes=kept[:4])}" if len(kept) > 1 else f"label more of the videos. {about}"
        count = f"{len(kept)} classes" if len(kept) > 1 else "one class alone"
        raise BadArgument(
            f"{name} has {count} here{as_numbers(column.cells, column.where)}, and a variable has 2 to {MAX_CLASSES}; "
            f"{keep.removesuffix('.')}."
        )
    return replace(variable, classes=kept, note=f"{variable.note} {about}")


def _direction(classes: tuple[str, ...] | None) -> Variable:
    kept = _kept(DIRECTION, DIRECTION_NAMES, classes)
    if len(kept) < 2:
        raise BadArgument(f"A study of direction needs at least two of them; name more with {setting(classes=('E', 'N', 'W', 'S'))}.")
    return Variable(DIRECTION, "circular", kept, ("direction", "angle"), ("angle",), "degrees", rendered=False)


def _kept(name: str, known: tuple[str, ...], classes: tuple[str, ...] | None) -> tuple[str, ...]:
    unknown = [wanted for wanted in classes or () if wanted not in known]
    if unknown:
        shown = ", ".join(known[:SHOWN]) + (", ..." if len(known) > SHOWN else "")
        raise BadArgument(f"classes: {name} has no class '{unknown[0][:60]}' here; there are {shown}.")
    return known if classes is None else tuple(wanted for wanted in known if wanted in classes)


def _column(name: str, folder: Path, labels: str | None, asked: Asked, missing: tuple[str, ...]) -> tuple[Column, str]:
    """Everything that the labels file, or the folder's layout, gives as a value of the variable, and a sentence on whose they are."""
    from jepascope.clips.video.files import find
    from jepascope.clips.video.layouts import SAYS_NOTHING, with_distributed_labels

    columns: tuple[str, ...] = ()
    if labels is not None:
        from jepascope.clips.video.labels import read_video_labels

        table = read_video_labels(Path(labels).expanduser(), missing)
        columns = table.columns
        if name in columns:
            check_name(name, ())
            return _of_the_folder(table, name, folder, asked)
    if name != CLASS:
        have = ", ".join(dict.fromkeys([DIRECTION, CLASS, *columns]))
        raise BadArgument(f"Real videos have no label '{name}'; known are {have}. Other labels come in a labels file (--labels).")
    read = with_distributed_labels(find(folder), folder.resolve())
    candidates, cells = read.candidates, [candidate.label for candidate in read.candidates if candidate.label]
    twice = next((f" '{file}' {why}." for file, why in read.two_classes.items()), "")
    if not cells:
        silent = [name for name, why in read.others if why == SAYS_NOTHING]
        tables = f" (nor do the tables {', '.join(silent[:SHOWN_TABLES])}, as they are written)" if silent else ""
        raise BadData(
            f"Nothing in '{folder}' names classes{tables}: put the videos of each class in a folder named after it, or give a labels file "
            f"(--labels) with a column 'class'.{twice}"
        )
    # whatever folders are called, names of folders are names
    column = Column(CLASS, cells, lambda place: f"'{folder}'", "categorical" if asked == "auto" else asked, by_person=asked != "auto")
    about = f"It is named by folders or the data set's own tables, for {len(cells)} of {len(candidates)} videos."
    return column, about + (f" {len(read.two_classes)} are given two classes, first{twice}" if twice else "")


def _named(column: Column) -> Column:
    """The column as names of classes: what classes are kept of holds names, whatever they look like."""
    try:
        named = column.kind == "categorical"
    except BadData:  # a text among numbers
        named = False
    return column if named else replace(column, asked="categorical")


def _of_the_folder(labels: VideoLabels, name: str, folder: Path, asked: Asked) -> tuple[Column, str]:
    """The column's cells for files that are there. Of a finished run the videos may be gone: then all of them."""
    from jepascope.clips.video.files import find

    if not folder.is_dir():
        return labels.column(name, asked), ""
    files = [candidate.file for candidate in find(folder).candidates]
    matched, strangers = labels.matched(files, folder.resolve())
    labelled = sum(any(not is_missing(row.cells[name], labels.missing) for row in rows) for rows in matched.rows.values())
    about = f"'{labels.path.name}' labels {labelled} of {len(files)} videos."
    if strangers:
        about += f" {len(strangers)} files that it names are not in the folder, first '{strangers[0][:60]}'."
    return matched.column(name, asked), about
