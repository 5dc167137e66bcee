"""The leak check: what reads the variable where nothing moves -> leaks.parquet."""

from __future__ import annotations

from dataclasses import asdict
from math import nan

import pandas as pd
import torch

from jepascope.clips.degrade import DEGRADATIONS, end_position_limit, still_pixels
from jepascope.discovery.probes.leaks import leak_check
from jepascope.schema import TABLES
from jepascope.study.captures import Captures
from jepascope.study.discover.probed import PIXEL_SIDE

COLUMNS = TABLES["leaks"].written
AXIS = 0.5  # of two opposite directions, either one


def run_leaks(captures: Captures, layer: int) -> pd.DataFrame:
    """Each degradation read from pixels and from the model (at ``layer``, pooled over all tokens: the object's own tokens follow
    the motion that was taken away).

    ``explained`` is the accuracy that is no news: for an end frame what its position tells of the direction, for shuffled
    and averaged frames one half (they show the axis of motion, not the way along it).
    """
    clips, spec = captures.probed_clips, captures.spec
    labels = torch.tensor(clips.labels(spec.variable)[0])
    groups = torch.tensor(clips.factors["scene"].to_numpy())
    split = clips.factors["split"].to_numpy()
    fit, test = (torch.tensor((split == name).nonzero()[0]) for name in ("fit", "test"))
    # where things are in the frames of others' clips is not known, so that nothing is explained by it
    end = end_position_limit(continuous=spec.angles == "any") if spec.angles else nan
    rows = []
    tick = captures.progress.start("leak check")
    for done, how in enumerate(DEGRADATIONS):
        features = {f"pixels_{how}": _pixels(captures, how), f"model_{how}": captures.degraded(how).pooled(layer)}
        for name, values in features.items():
            explained = end if how in ("first_frame", "last_frame") else AXIS
            found = leak_check({name: values}, labels, fit, test, groups, captures.folds, spec.seed)
            rows += [{**asdict(row), "explained": explained} for row in found]
        tick(done + 1, len(DEGRADATIONS))
    return pd.DataFrame(rows, columns=COLUMNS).sort_values("baseline", kind="stable")


def _pixels(captures: Captures, how: str) -> torch.Tensor:
    seed = captures.spec.seed
    return torch.cat([still_pixels(video, how, PIXEL_SIDE, seed) for _, video in captures.probed_clips.batches(64)])
