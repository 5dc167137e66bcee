"""The label of each window: a person's where there is one, else the measured one, or that of the folder or data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from jepascope.clips.factors import nearest_direction
from jepascope.clips.video.check import LOOKS
from jepascope.clips.video.files import Refusal
from jepascope.clips.video.footage import Footage
from jepascope.clips.video.variable import DIRECTION

Measured = Mapping[str, object] | str
"""Measured columns of a window, ``angle`` (radians) among them, or why nothing was measured."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """``windows``: one row a window of the footage: where it comes from, how it is shown, its looks, what was measured (NaN where nothing
    was) and its ``label``, '' where it has none. ``refusals``: why these have none."""

    windows: pd.DataFrame
    refusals: list[Refusal]

    @property
    def known(self) -> pd.DataFrame:
        """The windows that have a label."""
        return self.windows[self.windows["label"] != ""].reset_index(drop=True)


def labelled(footage: Footage, variable: str, measured: Sequence[Measured] | None = None) -> Labelled:
    """Labels of a variable that the labels file, folders or the data set's tables tell, or directions, ``measured`` where nobody did."""
    labels = footage.labels if footage.labels is not None and variable in footage.labels.columns else None
    if variable == DIRECTION:
        names, columns, reasons = _directions(footage, measured)
        return Labelled(pd.concat([_windows(footage), columns], axis=1).assign(label=names), _without(footage, reasons))
    windows = [seen.window for seen in footage.windows]
    names = np.array(
        [footage.videos[seen.file].label if labels is None else labels.label(seen, variable) for seen in windows], dtype=object
    )
    tables = ", ".join(footage.class_tables)
    why = f"no row of {tables} names its class" if tables else "neither its folder nor a table of the data set names its class"
    whys = [footage.two_classes.get(window.file, why) for window in windows]
    if labels is not None:
        whys = [f"no row of '{labels.path.name}' gives it a label '{variable}'"] * len(windows)
    return Labelled(
        _windows(footage).assign(label=names), _without(footage, [None if name else why for name, why in zip(names, whys, strict=True)])
    )


def _directions(footage: Footage, measured: Sequence[Measured] | None) -> tuple[np.ndarray, pd.DataFrame, list[str | None]]:
    """Directions of motion ('' where there is none), columns ``angle`` (radians), ``direction``, ``labelled_by`` and what else was
    measured, and why windows have none."""
    labels = footage.labels if footage.labels is not None and DIRECTION in footage.labels.columns else None
    by_people = [None if labels is None else labels.angle(seen.window, DIRECTION) for seen in footage.windows]
    rows: list[dict[str, object]] = []
    reasons: list[str | None] = []
    for person, answer in zip(by_people, measured or ["nobody labelled its direction"] * len(by_people), strict=True):
        row: dict[str, object] = {} if isinstance(answer, str) else {**answer, "labelled_by": "measurement"}
        if person is not None:
            row |= {"angle": person, "labelled_by": "person"}
        rows.append(row)
        reasons.append(answer if isinstance(answer, str) and person is None else None)
    known = np.array([reason is None for reason in reasons], dtype=bool)
    columns, names = pd.DataFrame(rows, index=range(len(rows))), np.full(len(rows), "", dtype=object)
    if known.any():
        angle = np.mod(columns["angle"].to_numpy(np.float64), 2 * np.pi)
        names[known] = nearest_direction(angle[known])
        columns = columns.assign(angle=angle, direction=names)
    return names, columns, reasons


def _windows(footage: Footage) -> pd.DataFrame:
    """One row a window: where it comes from, how it is shown, and its looks."""
    videos = [footage.videos[seen.window.file] for seen in footage.windows]
    official = [video.official_split for video in videos]
    table = pd.DataFrame(
        {
            **{name: [getattr(seen.window, name) for seen in footage.windows] for name in ("source", "file", "start", "end")},
            **{"flipped": False, "turns": 0, "reversed": False, "crop_x": 0.5, "crop_y": 0.5, "crop_side": 1.0},
            "rate": [video.rate for video in videos],
            **{name: [seen.looks.get(name, np.nan) for seen in footage.windows] for name in LOOKS},
        }
    )
    return table.assign(official_split=official) if any(official) else table


def _without(footage: Footage, reasons: Sequence[str | None]) -> list[Refusal]:
    """Windows with a reason; a file all of whose windows have the same is listed once."""
    refusals: list[Refusal] = []
    by_file = groupby(zip((seen.window for seen in footage.windows), reasons, strict=True), key=lambda pair: pair[0].file)
    for file, pairs in by_file:
        some = [(window, reason) for window, reason in pairs]
        first = some[0][1]
        if first is not None and all(reason == first for _, reason in some):
            refusals.append(Refusal(file, first))
        else:
            refusals += [Refusal(file, reason, window.start, window.end) for window, reason in some if reason is not None]
    return refusals
