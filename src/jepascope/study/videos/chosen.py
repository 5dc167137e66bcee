"""Which windows become clips: whole videos to each split, every class in enough of them, and no more clips than asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Int, Shaped

from jepascope.clips.clipset import SPLITS
from jepascope.clips.presets import STUDY_SEED_SPACE
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.spread import spread
from jepascope.clips.video.splits import split_sources
from jepascope.stats import clustered
from jepascope.study.scenes import FEWEST, fewest_units
from jepascope.study.shares import FOLDER_SHARES
from jepascope.study.spec import StudySpec
from jepascope.study.videos.enough import FEWEST_CLIPS, FEWEST_VIDEOS, TooFew, most_clips, shown
from jepascope.study.videos.official import official_splits, too_few_official

COUNTED = 4  # windows of a video and kind at most, when videos are parted: one with many should not stand for a split
HALF_TURN, QUARTER_TURN = 4, 2  # in eighths of the circle

Names = Shaped[np.ndarray, " windows"]


def kind_of(directions: Names, quarters: bool) -> Names:
    """Which directions a window can be turned to, named by the first of them: with quarter turns E (and N, W, S) or NE, without also N
    and NW: a direction and its opposite."""
    step = QUARTER_TURN if quarters else HALF_TURN
    kinds: Names = np.array([DIRECTION_NAMES[DIRECTION_NAMES.index(str(name)) % step] for name in directions], dtype=object)
    return kinds


def shown_as(kind: str, quarters: bool) -> tuple[str, ...]:
    """The directions that a kind's windows are shown in."""
    step = QUARTER_TURN if quarters else HALF_TURN
    return DIRECTION_NAMES[DIRECTION_NAMES.index(kind) :: step]


def most_even(table: pd.DataFrame, seed: int, official: bool = False) -> tuple[str, ...]:
    """The directions that can be balanced over three splits of these windows: all eight, or else the kind that most videos show;
    none where there is no such kind. Windows are turned by quarters, so that few videos make four classes."""
    kinds = kind_of(table["direction"].to_numpy(str), True)
    table = table.assign(kind=kinds)
    by_videos = table.groupby("kind")["source"].nunique().sort_values(ascending=False, kind="stable")
    known = [str(kind) for kind in by_videos.index]
    for some in (known, known[:1]):
        wanted = table[table["kind"].isin(some)]
        if wanted["source"].nunique() >= len(SPLITS) and not scarce(wanted.assign(split=dealt(wanted, seed, official=official)), some):
            reached = {name for kind in some for name in shown_as(kind, True)}
            return tuple(name for name in DIRECTION_NAMES if name in reached)
    return ()


def parted(table: pd.DataFrame, kinds: Sequence[str], spec: StudySpec, names: Callable[[str], str] = str) -> pd.DataFrame:
    """The windows with a column ``split``. Raises TooFew where a split has too few videos of a kind; ``names`` names a kind."""
    videos = table.groupby("kind")["source"].nunique().to_dict()
    needed = FEWEST_VIDEOS * len(SPLITS)
    whole = table["source"].nunique() >= len(SPLITS)
    split = table.assign(split=dealt(table, spec.seed, official=spec.official_split is not None)) if whole else table
    few = scarce(split, kinds) if whole else [kind for kind in kinds if videos.get(kind, 0) < needed] or list(kinds)
    if few and spec.official_split is not None:
        raise too_few_official(table, few, spec, FEWEST_VIDEOS, names)
    if few:
        counts = shown(
            [f"{names(kind)} {videos.get(kind, 0)}{_by_split(split, kind)}" for kind in sorted(kinds, key=lambda k: k not in few)]
        )
        raise TooFew(
            f"Too few videos of {spec.variable} {shown([*map(names, few)])} in '{spec.clips}': each of three splits needs "
            f"{FEWEST_VIDEOS} videos of every class, and videos with usable windows are: {counts}",
            few,
            {names(kind): needed - videos.get(kind, 0) for kind in few if videos.get(kind, 0) < needed},
        )
    return split


def check_enough(table: pd.DataFrame, spec: StudySpec, column: str) -> None:
    """Refuse (TooFew) so few clips that nothing can be compared, once they are chosen. ``column`` tells their class."""
    for split, fewest in FEWEST_CLIPS.items():
        part = table[table["split"] == split]
        if len(part) < fewest:
            raise TooFew(
                f"Too few clips in '{spec.clips}': split {split} has {_clips(part)}, and a study needs {fewest} clips there; clips are: "
                f"{counted(table, column)}"
            )
    for split, fewest in FEWEST.items():
        part = table[table["split"] == split]
        several = clustered(part["source"].to_numpy(str))
        units = part.groupby(column)["source"].nunique() if several else part.groupby(column).size()
        if units.min() < fewest_units(fewest, several):
            name = str(units.idxmin())
            raise TooFew(
                f"Too few clips of {spec.variable} {name} in '{spec.clips}': of videos with one clip each split {split} needs {fewest} of "
                f"every class, to cross-validate and to halve them, and clips are: {counted(table, column)}",
                [name],
            )


def counted(table: pd.DataFrame, column: str) -> str:
    """Clips and videos of each class in each split."""
    classes = []
    for name, rows in table.groupby(column, sort=False):
        splits = ", ".join(f"{_clips(rows[rows['split'] == split])} in {split}" for split in SPLITS)
        classes.append(f"{name} {splits}")
    return "; ".join(classes)


def _clips(table: pd.DataFrame) -> str:
    videos = table["source"].nunique()
    return f"{len(table)} clip{'' if len(table) == 1 else 's'} of {videos} video{'' if videos == 1 else 's'}"


def _by_split(table: pd.DataFrame, kind: str) -> str:
    """' (fit 3, judge 1, test 2)': its videos by split, where there are splits."""
    if "split" not in table:
        return ""
    videos = table[table["kind"] == kind].groupby("split")["source"].nunique()
    return f" ({', '.join(f'{split} {videos.get(split, 0)}' for split in SPLITS)})"


def dealt(table: pd.DataFrame, seed: int, shares: Mapping[str, float] = FOLDER_SHARES, official: bool = False) -> np.ndarray:
    """The split of each window, by its source; at most COUNTED windows of a source and kind weigh."""
    some = table.groupby(["source", "kind"]).cumcount() < COUNTED
    weighed = table[some]
    kinds = np.unique(weighed["kind"].to_numpy(str), return_inverse=True)[1].astype(np.int64)
    split = official_splits(weighed, kinds, seed) if official else split_sources(weighed["source"].to_numpy(str), kinds, seed, shares)
    found: np.ndarray = table["source"].map(dict(zip(weighed["source"], split, strict=True))).to_numpy(object)
    return found


def scarce(table: pd.DataFrame, kinds: Sequence[str], splits: Sequence[str] = SPLITS) -> list[str]:
    """Kinds of which some split has too few videos."""
    videos = table.groupby(["split", "kind"])["source"].nunique()
    return [kind for kind in kinds if min(int(videos.get((name, kind), 0)) for name in splits) < FEWEST_VIDEOS]


def capped(table: pd.DataFrame, spec: StudySpec, column: str, together: Sequence[str] = ()) -> pd.DataFrame:
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
