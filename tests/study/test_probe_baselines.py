"""Baselines of the probes: pixels keep their colours, and a control task says what its labels are a function of."""

from __future__ import annotations

import pandas as pd
import torch
from torch.testing import assert_close

from jepascope.clips.presets import directions8
from jepascope.study.discover.probed import PIXEL_SIDE, Source, Target, small_pixels
from jepascope.study.discover.probes import control_rows


def test_pixels_are_averages_of_each_colour() -> None:
    clips = directions8(per_class=20).split("test")
    small = small_pixels(clips, grey=False)
    video = torch.cat([part for _, part in clips.batches(64)])
    side = video.shape[-1] // PIXEL_SIDE
    blocks = video.unflatten(4, (PIXEL_SIDE, side)).unflatten(3, (PIXEL_SIDE, side)).mean(dim=(4, 6))
    assert small.shape == (len(clips), clips.frames, 3, PIXEL_SIDE, PIXEL_SIDE)
    assert_close(small, blocks)
    assert (small - small.mean(dim=2, keepdim=True)).abs().max() > 0.05  # a grey picture would have none


def test_a_control_task_names_its_types_and_what_they_are_made_of() -> None:
    target = Target.of(directions8(per_class=20), "direction")
    generator = torch.Generator().manual_seed(0)
    fit, test = ({0: torch.randn(len(clips), 4, generator=generator)} for clips in (target.fit, target.test))
    rows = pd.DataFrame(control_rows(Source("model", -1, "all", fit, test), target, folds=2, seeds=2))
    assert rows["types"].nunique() == 1 and rows["types"].iloc[0] >= 8
    columns = rows["type_columns"].iloc[0].split(", ")
    assert columns and set(columns) <= set(target.factors) - {"scene", "split", "direction", "angle"}
