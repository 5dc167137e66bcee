"""Windows parted over the splits: whole videos to each, every class in enough of them, or a refusal that counts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Shaped

from jepascope.clips.clipset import SPLITS
from jepascope.clips.drawn import FEWEST, fewest_units
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.video.enough import (
    FEWEST_CLIPS,
    FEWEST_LEFT_OUT,
    FEWEST_VIDEOS,
    FOLDER_SHARES,
    LEFT_OUT_SHARES,
    LEFT_OUT_VIDEOS,
    SPLIT_VIDEOS,
    ClipsWanted,
    TooFew,
    clips_of,
    shown,
)
from jepascope.clips.video.names import TEST, TRAIN, side
from jepascope.clips.video.splits import split_sources
from jepascope.clips.video.variable import DIRECTION
from jepascope.stats import clustered

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


def turned_by_quarters(classes: tuple[str, ...]) -> bool:
    """Whether clips are turned on their side: where two of the directions lie a quarter turn apart. Without such a pair, mirroring and
    playing backwards lead to all of them, and no clip need be shown on its side."""
    places = {DIRECTION_NAMES.index(name) for name in classes}
    return any((place + QUARTER_TURN) % len(DIRECTION_NAMES) in places for place in places)


def most_even(table: pd.DataFrame, seed: int, official: bool = False) -> tuple[str, ...]:
    """The directions that can be balanced over three splits of these windows: all eight, or else the kind that most videos show;
    none where there is no such kind. Windows are turned by quarters, so that few videos make four classes."""
    kinds = kind_of(table["direction"].to_numpy(str), True)
    table = table.assign(kind=kinds)
    by_videos = table.groupby("kind")["source"].nunique().sort_values(ascending=False, kind="stable")
    known = [str(kind) for kind in by_videos.index]
    for some in (known, known[:1]):
        wanted = table[table["kind"].isin(some)]
        if wanted["source"].nunique() >= len(SPLITS) and not dealt_enough(wanted, some, seed, official=official)[1]:
            reached = {name for kind in some for name in shown_as(kind, True)}
            return tuple(name for name in DIRECTION_NAMES if name in reached)
    return ()


def parted(table: pd.DataFrame, kinds: Sequence[str], spec: ClipsWanted, names: Callable[[str], str] = str) -> pd.DataFrame:
    """The windows with a column ``split``. Where three splits cannot have enough videos of every kind, and each video is of one, fit and
    judge do, and test has one of a kind at least: each video is then tested in turn (``study.videos.left_out``). Raises TooFew where a
    split has too few videos of a kind; ``names`` names a kind."""
    videos = table.groupby("kind")["source"].nunique().to_dict()
    whole = table["source"].nunique() >= len(SPLITS)
    if not whole:
        split, few = table, [kind for kind in kinds if videos.get(kind, 0) < FEWEST_VIDEOS * len(SPLITS)] or list(kinds)
    else:
        split, few = dealt_enough(table, kinds, spec.seed, official=spec.official_split is not None)
    if few and spec.official_split is not None:
        raise _too_few_official(table, few, spec, names)
    in_turn = spec.variable != DIRECTION and bool((table.groupby("source")["kind"].nunique() == 1).all())
    if few and in_turn and all(videos.get(kind, 0) >= FEWEST_LEFT_OUT for kind in kinds):
        split, few = dealt_enough(table, kinds, spec.seed, LEFT_OUT_SHARES, fewest=LEFT_OUT_VIDEOS)
    if few:
        counts = shown(
            [f"{names(kind)} {videos.get(kind, 0)}{_by_split(split, kind)}" for kind in sorted(kinds, key=lambda k: k not in few)]
        )
        needed = FEWEST_LEFT_OUT if in_turn else FEWEST_VIDEOS * len(SPLITS)
        turns = f" (or, to leave out one at a time, {FEWEST_LEFT_OUT} videos of every class)" if in_turn else ""
        raise TooFew(
            f"Too few videos of {spec.variable} {shown([*map(names, few)])} in '{spec.clips}': each of three splits needs "
            f"{FEWEST_VIDEOS} videos of every class{turns}, and videos with usable windows are: {counts}",
            few,
            {names(kind): needed - videos.get(kind, 0) for kind in few if videos.get(kind, 0) < needed},
        )
    return split


def dealt_enough(
    table: pd.DataFrame,
    kinds: Sequence[str],
    seed: int,
    shares: Mapping[str, float] = FOLDER_SHARES,
    official: bool = False,
    fewest: Mapping[str, int] = SPLIT_VIDEOS,
) -> tuple[pd.DataFrame, list[str]]:
    """The windows with a column ``split``, and kinds of which a split has too few videos. Dealt out by windows; where that leaves too few
    videos of a kind anywhere, by videos alone."""
    split, few = table, list(kinds)
    for counted in (COUNTED, 1):
        split = table.assign(split=dealt(table, seed, shares, official, counted))
        if not (few := scarce(split, kinds, fewest)):
            break
    return split, few


def _too_few_official(table: pd.DataFrame, few: Sequence[str], spec: ClipsWanted, names: Callable[[str], str]) -> TooFew:
    """Which classes the data set's splits leave too few recordings of, with counts on both sides."""
    videos = table.groupby(["kind", table["official_split"].map(side)])["source"].nunique().to_dict()
    counts = ", ".join(f"{names(kind)} {videos.get((kind, TRAIN), 0)} and {videos.get((kind, TEST), 0)}" for kind in few)
    return TooFew(
        f"The official splits of '{spec.clips}' leave too few videos of {spec.variable} {', '.join(map(names, few))}: fit and judge "
        f"need {FEWEST_VIDEOS} each of the training split, and test {FEWEST_VIDEOS} of what is held out; videos with usable windows, in "
        f"training and held out, are {counts}",
        few,
    )


def check_enough(table: pd.DataFrame, spec: ClipsWanted, column: str) -> None:
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
    return clips_of(len(table), table["source"].nunique())


def _by_split(table: pd.DataFrame, kind: str) -> str:
    """' (fit 3, judge 1, test 2)': its videos by split, where there are splits."""
    if "split" not in table:
        return ""
    videos = table[table["kind"] == kind].groupby("split")["source"].nunique()
    return f" ({', '.join(f'{split} {videos.get(split, 0)}' for split in SPLITS)})"


def dealt(
    table: pd.DataFrame, seed: int, shares: Mapping[str, float] = FOLDER_SHARES, official: bool = False, counted: int = COUNTED
) -> np.ndarray:
    """The split of each window, by its source; at most ``counted`` windows of a source and kind weigh."""
    some = table.groupby(["source", "kind"]).cumcount() < counted
    weighed = table[some]
    kinds = np.unique(weighed["kind"].to_numpy(str), return_inverse=True)[1].astype(np.int64)
    split = official_splits(weighed, kinds, seed) if official else split_sources(weighed["source"].to_numpy(str), kinds, seed, shares)
    found: np.ndarray = table["source"].map(dict(zip(weighed["source"], split, strict=True))).to_numpy(object)
    return found


def official_splits(table: pd.DataFrame, kinds: np.ndarray, seed: int) -> np.ndarray:
    """The split of each window: test where its recording is held out; the others are dealt out over fit and judge, whole recordings."""
    held_out = np.array([side(name) == TEST for name in table["official_split"]])
    split = np.full(len(table), "test", dtype=object)
    sources, shares = table["source"].to_numpy(str)[~held_out], {name: FOLDER_SHARES[name] for name in SPLITS if name != "test"}
    many = len(np.unique(sources)) >= len(shares)  # one recording cannot be in both, and too few are refused by whoever asks
    split[~held_out] = split_sources(sources, kinds[~held_out], seed, shares) if many else "fit"
    return split


def scarce(table: pd.DataFrame, kinds: Sequence[str], fewest: Mapping[str, int] = SPLIT_VIDEOS) -> list[str]:
    """Kinds of which some split has too few videos."""
    videos = table.groupby(["split", "kind"])["source"].nunique()
    return [kind for kind in kinds if any(int(videos.get((name, kind), 0)) < least for name, least in fewest.items())]
