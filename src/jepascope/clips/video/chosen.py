"""Which windows become clips: those of the classes that are asked for, parted over splits, and no more of each than asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Int, Shaped

from jepascope.clips.column_kind import class_names
from jepascope.clips.drawn import STUDY_SEED_SPACE
from jepascope.clips.motion.balance import balanced
from jepascope.clips.spread import spread
from jepascope.clips.video.enough import FOLDER_SHARES, ClipsWanted, most_clips
from jepascope.clips.video.parted import check_enough, kind_of, parted, shown_as, turned_by_quarters
from jepascope.clips.video.variable import DIRECTION

VIEWS = 4  # of a window in each direction: mirrored or not, forwards or backwards; all before a class has enough clips


def chosen_clips(spec: ClipsWanted, windows: pd.DataFrame) -> pd.DataFrame:
    """The clips that are made of labelled windows (columns source, file, start, end, label; of directions also direction, angle and
    those of the views). Raises TooFew."""
    table, column = _directions(spec, windows) if spec.variable == DIRECTION else _classes(spec, windows)
    check_enough(table, spec, column)
    return table if column == DIRECTION else table.drop(columns=[column])


def _directions(spec: ClipsWanted, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Windows shown in every direction that they can be turned to, equally many of each direction in every split."""
    classes = spec.state_variable.classes
    quarters = turned_by_quarters(classes)
    table = table.assign(kind=kind_of(table["direction"].to_numpy(str), quarters))
    wanted = sorted(set(kind_of(np.array(classes), quarters)))
    table = parted(table[table["kind"].isin(wanted)], wanted, spec, lambda kind: "/".join(shown_as(kind, quarters)))
    shown = balanced(table.drop(columns=["label", "kind"]), int(spec.per_source or len(table)), quarters, spec.seed, VIEWS)
    shown = shown[shown["direction"].isin(classes)]
    # what is fitted sees every window in each direction; what is tested sees as many videos as there are
    return capped(shown.reset_index(drop=True), spec, "direction", together=("fit", "judge")), "direction"


def _classes(spec: ClipsWanted, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Windows of the classes that are kept."""
    variable, kinds = spec.state_variable, classes_of(spec, table)
    held = table["label"].astype(float) if variable.kind == "numeric" else kinds
    table = table.assign(**{variable.columns[0]: held}, kind=kinds)[np.isin(kinds.astype(str), variable.classes)]
    table = parted(table, list(variable.classes), spec)
    return capped(table.drop(columns=["label"]), spec, "kind"), "kind"


def classes_of(spec: ClipsWanted, windows: pd.DataFrame) -> Shaped[np.ndarray, " windows"]:
    """The class of each labelled window: of numbers the range that they lie in, and of directions the one that it shows as it lies."""
    variable, labels = spec.state_variable, windows["label"]
    if variable.kind == "numeric":
        kinds: np.ndarray = np.array(variable.classes)[np.searchsorted(variable.edges[0], labels.astype(float).to_numpy(), side="right")]
        return kinds
    return np.array(labels if spec.variable == DIRECTION else class_names(labels.tolist(), variable.classes), dtype=object)


def capped(table: pd.DataFrame, spec: ClipsWanted, column: str, together: Sequence[str] = ()) -> pd.DataFrame:
    """At most ``clips_per_class`` clips of each class, parted over the splits by their shares, of as many videos as can be (see
    ``clips_chosen``). In splits named by ``together`` every class takes the same windows. In the table's order."""
    kept: list[int] = []
    for split in FOLDER_SHARES:
        rows = np.flatnonzero(table["split"] == split)
        some = table.iloc[rows]
        most = most_clips(split, spec.clips_per_class)
        kept += rows[clips_chosen(some, some[column].to_numpy(), most, spec.seed, split in together)].tolist()
    return table.iloc[sorted(kept)].reset_index(drop=True)


def clips_chosen(
    table: pd.DataFrame, labels: Shaped[np.ndarray, " clips"], per_class: int, seed: int, together: bool = False
) -> Int[np.ndarray, " kept"]:
    """Rows of at most so many clips of each class, in order: spread over videos (``clips.spread``), which come in an order drawn by the
    seed; another view of a window only where every window is shown."""
    sources, source = np.unique(table["source"].to_numpy(str), return_inverse=True)
    turn = np.random.default_rng([STUDY_SEED_SPACE, seed, 5]).permutation(len(sources))
    order = np.argsort(turn[source], kind="stable")
    view = table.assign(label=labels).groupby(["file", "start", "end", "label"]).cumcount().to_numpy()
    return np.sort(order[spread(source[order], labels[order], per_class, view[order], together)])
