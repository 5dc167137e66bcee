"""The label of each window: a person's where there is one, else the measured one, or that of the folder or data set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool

from jepascope.clips.factors import nearest_direction
from jepascope.clips.video.files import Refusal
from jepascope.clips.video.footage import Footage
from jepascope.clips.video.labels import VideoLabels
from jepascope.clips.video.variable import CLASS, DIRECTION
from jepascope.clips.video.windows import Window
from jepascope.errors import BadArgument

Measure = Callable[[Path, Sequence[Window]], Sequence[Mapping[str, object] | str]]
"""(folder, windows) -> for each window its measured columns, ``angle`` (radians) among them, or why nothing was measured."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """For each window of the footage its label ('' where it has none), whether it can be used, and the columns of the factor table
    that come with the label (NaN where it has none)."""

    names: np.ndarray
    known: Bool[np.ndarray, " windows"]
    columns: pd.DataFrame


def check_variable(variable: str | None, labels: VideoLabels | None, measure: Measure | None) -> None:
    """Raises BadArgument for a variable that nothing tells: no labels file, no measurement, no folder."""
    columns = () if labels is None else labels.columns
    if variable is None or variable in columns or variable == CLASS:
        return
    if variable != DIRECTION:
        have = ", ".join(dict.fromkeys([DIRECTION, CLASS, *columns]))
        raise BadArgument(f"Real videos have no label '{variable}'; known are {have}. Other labels come in a labels file.")
    if measure is None:
        raise BadArgument(f"Nothing tells the direction of motion; measure it, or give a labels file with a column '{DIRECTION}'.")


def labelled(footage: Footage, variable: str | None, measure: Measure | None = None) -> tuple[Labelled, list[Refusal]]:
    """Labels of a variable, and the windows that have none. Raises BadArgument for a variable that nothing here tells."""
    check_variable(variable, footage.labels, measure)
    windows, none = [one.window for one in footage.windows], pd.DataFrame(index=range(len(footage.windows)))
    if variable is None:
        return Labelled(np.full(len(windows), ""), np.ones(len(windows), dtype=bool), none), []
    if variable == DIRECTION:
        return _directions(footage, windows, measure)
    labels = footage.labels if footage.labels is not None and variable in footage.labels.columns else None
    told = [footage.videos[one.file].label if labels is None else labels.label(one, variable) for one in windows]
    names = np.array(told, dtype=object)
    if labels is not None:
        why = f"no row of '{labels.path.name}' gives it a label '{variable}'"
    else:
        tables = ", ".join(footage.class_tables)
        why = f"no row of {tables} names its class" if tables else "neither its folder nor a table of the data set names its class"
    known = np.array([name != "" for name in names], dtype=bool)
    whys = [why if labels is not None else footage.two_classes.get(window.file, why) for window in windows]
    return Labelled(names, known, none), _without(footage, [None if good else why for good, why in zip(known, whys, strict=True)])


def _directions(footage: Footage, windows: Sequence[Window], measure: Measure | None) -> tuple[Labelled, list[Refusal]]:
    """Directions of motion, with columns ``angle`` (radians), ``direction``, ``labelled_by`` and what else was measured."""
    labels = footage.labels if footage.labels is not None and DIRECTION in footage.labels.columns else None
    told = [None if labels is None else labels.angle(window, DIRECTION) for window in windows]
    measured = ["nobody labelled its direction"] * len(windows) if measure is None else list(measure(footage.folder, windows))
    rows: list[dict[str, object]] = []
    reasons: list[str | None] = []
    for person, found in zip(told, measured, strict=True):
        row: dict[str, object] = {} if isinstance(found, str) else {**found, "labelled_by": "measurement"}
        if person is not None:
            row |= {"angle": person, "labelled_by": "person"}
        rows.append(row)
        reasons.append(found if isinstance(found, str) and person is None else None)
    known = np.array([reason is None for reason in reasons], dtype=bool)
    columns, names = pd.DataFrame(rows, index=range(len(rows))), np.full(len(rows), "", dtype=object)
    if known.any():
        angle = np.mod(columns["angle"].to_numpy(np.float64), 2 * np.pi)
        names[known] = nearest_direction(angle[known])
        columns = columns.assign(angle=angle, direction=names)
    return Labelled(names, known, columns), _without(footage, reasons)


def _without(footage: Footage, reasons: Sequence[str | None]) -> list[Refusal]:
    """Windows with a reason; a file all of whose windows have the same is listed once."""
    by_file: dict[str, list[tuple[Window, str | None]]] = defaultdict(list)
    for one, reason in zip(footage.windows, reasons, strict=True):
        by_file[one.window.file].append((one.window, reason))
    refusals: list[Refusal] = []
    for file, said in by_file.items():
        different = {reason for _, reason in said}
        if different == {said[0][1]} and said[0][1] is not None:
            refusals.append(Refusal(file, said[0][1]))
        else:
            refusals += [Refusal(file, reason, window.start, window.end) for window, reason in said if reason is not None]
    return refusals
