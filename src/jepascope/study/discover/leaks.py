"""The leak check: what reads the variable where nothing moves -> leaks.parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import nan
from typing import Any

import pandas as pd
import torch

from jepascope.clips.clipset import ClipSet
from jepascope.clips.degrade import DEGRADATIONS, end_position_limit, still_pixels
from jepascope.discovery.probes.leaks import leak_check
from jepascope.encoders.base import Task
from jepascope.schema import TABLES
from jepascope.study.captures import Captures
from jepascope.study.discover.probed import PIXEL_SIDE

AXIS = 0.5  # of two opposite directions, either one


def run_leaks(captures: Captures, layer: int) -> pd.DataFrame:
    """Each degradation read from pixels and from the model (at ``layer``, pooled over all tokens: the object's own tokens follow
    the motion that was taken away).

    ``explained`` is the accuracy that is no news: for an end frame what its position tells of the direction, for shuffled
    and averaged frames one half (they show the axis of motion, not the way along it).
    """
    clips, spec = captures.probed_clips, captures.spec
    # where things are in the frames of others' clips is not known, so that nothing is explained by it
    end = end_position_limit(continuous=spec.asked.angles == "any") if spec.asked.angles else nan
    rows = []
    tick = captures.progress.start("leak check")

    def tasks() -> Iterator[tuple[Task, Task]]:
        for how in DEGRADATIONS:
            features = {f"pixels_{how}": _pixels(captures, how), f"model_{how}": captures.degraded(how).pooled(layer)}
            yield shared, (how, features)

    shared = (clips, spec.variable, captures.folds, end, spec.seed)
    for done, found in enumerate(captures.encoder.fits(_leak_rows, tasks())):
        rows += found
        tick(done + 1, len(DEGRADATIONS))
    return pd.DataFrame(rows, columns=TABLES["leaks"].written).sort_values("baseline", kind="stable")


def _leak_rows(_: object, shared: Task, how: str, features: Mapping[str, torch.Tensor]) -> list[dict[str, Any]]:
    return leak_rows(how, features, *shared)


def leak_rows(
    how: str, features: Mapping[str, torch.Tensor], clips: ClipSet, variable: str, folds: int, end: float, seed: int = 0
) -> list[dict[str, Any]]:
    """What reads the variable off features of degraded clips, by their names; ``end``: what an end frame's position tells of it."""
    labels, groups = torch.tensor(clips.labels(variable)[0]), torch.tensor(clips.factors["scene"].to_numpy())
    split = clips.factors["split"].to_numpy()
    fit, test = (torch.tensor((split == name).nonzero()[0]) for name in ("fit", "test"))
    explained = end if how in ("first_frame", "last_frame") else AXIS
    found = [leak_check({name: values}, labels, fit, test, groups, folds, seed) for name, values in features.items()]
    return [{**asdict(row), "explained": explained} for rows in found for row in rows]


def _pixels(captures: Captures, how: str) -> torch.Tensor:
    seed = captures.spec.seed
    return torch.cat([still_pixels(video, how, PIXEL_SIDE, seed) for _, video in captures.probed_clips.batches(64)])
