"""Splits that keep to the data set's own: fit and judge are of its training split, test of what it holds out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from jepascope.clips.clipset import SPLITS
from jepascope.clips.video.names import TEST, TRAIN
from jepascope.clips.video.official import side
from jepascope.clips.video.splits import split_sources
from jepascope.study.shares import FOLDER_SHARES
from jepascope.study.spec import StudySpec
from jepascope.study.videos.enough import TooFew


def official_splits(table: pd.DataFrame, kinds: np.ndarray, seed: int) -> np.ndarray:
    """The split of each window: test where its recording is held out; the others are dealt out over fit and judge, whole recordings."""
    held_out = np.array([side(name) == TEST for name in table["official_split"]])
    split = np.full(len(table), "test", dtype=object)
    sources, shares = table["source"].to_numpy(str)[~held_out], {name: FOLDER_SHARES[name] for name in SPLITS if name != "test"}
    many = len(np.unique(sources)) >= len(shares)  # one recording cannot be in both, and too few are refused by whoever asks
    split[~held_out] = split_sources(sources, kinds[~held_out], seed, shares) if many else "fit"
    return split


def too_few_official(table: pd.DataFrame, scarce: Sequence[str], spec: StudySpec, fewest: int, names: Callable[[str], str]) -> TooFew:
    """Which classes the data set's splits leave too few recordings of, with counts on both sides."""
    videos = table.groupby(["kind", table["official_split"].map(side)])["source"].nunique().to_dict()
    counts = ", ".join(f"{names(kind)} {videos.get((kind, TRAIN), 0)} and {videos.get((kind, TEST), 0)}" for kind in scarce)
    return TooFew(
        f"The official splits of '{spec.clips}' leave too few videos of {spec.variable} {', '.join(map(names, scarce))}: fit and judge "
        f"need {fewest} each of the training split, and test {fewest} of what is held out; videos with usable windows, in training and "
        f"held out, are {counts}",
        scarce,
    )
