"""Distances from natural clips: what they are where they are known, that they cost no pass, and what is said of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from jepascope.findings.distances import distanced, distances_words
from jepascope.findings.facts import Facts
from jepascope.intervention.conditions import Condition, Owner
from jepascope.intervention.distances import distances_table
from jepascope.intervention.manifold import DRAWS, NaturalClips
from jepascope.schema import TABLES
from jepascope.schema.check import check

WIDTH, CLIPS = 6, 400


def natural(seed: int = 0) -> NaturalClips:
    generator = torch.Generator().manual_seed(seed)
    scales = torch.tensor([3.0, 1.0, 1.0, 1.0, 0.5, 0.5])
    pooled = torch.randn(CLIPS, WIDTH, generator=generator) * scales
    return NaturalClips.of(pooled, pooled)


def test_a_natural_clip_lies_on_itself_and_the_mean_at_distance_zero() -> None:
    clips = natural()
    basis = torch.eye(WIDTH)[:, :2]
    assert float(clips.nearest(clips.pooled[:5], basis).max()) == 0
    assert float(clips.mahalanobis(clips.mean[None])) == 0


def test_the_last_layers_distance_of_natural_clips_is_about_the_root_of_the_width() -> None:
    clips = natural()
    assert float(clips.mahalanobis(natural(1).pooled).mean()) == pytest.approx(math.sqrt(WIDTH), rel=0.1)


def test_what_lies_outside_the_basis_does_not_count_inside_and_counts_at_the_last_layer() -> None:
    clips, basis = natural(), torch.eye(WIDTH)[:, :2]
    moved = clips.pooled[:3] + 50 * torch.eye(WIDTH)[5]
    assert float(clips.nearest(moved, basis).max()) == pytest.approx(0, abs=1e-9)
    assert float(clips.mahalanobis(moved).min()) > 50


def test_constant_coordinates_and_a_single_clip_crash_nothing() -> None:
    for pooled in (torch.ones(20, WIDTH), torch.ones(1, WIDTH), torch.cat([torch.randn(20, 2), torch.ones(20, WIDTH - 2)], dim=1)):
        clips = NaturalClips.of(pooled, pooled)
        assert torch.isfinite(clips.mahalanobis(pooled + 1)).all()
        assert torch.isfinite(clips.nearest(pooled + 1, torch.eye(WIDTH)[:, :2])).all()


def test_later_draws_have_no_distance_inside() -> None:
    clips, basis = natural(), torch.eye(WIDTH)[:, :2]
    condition = Condition(basis, basis, torch.zeros(WIDTH), False, False, 1.0, [Owner("lda", "random", 0, None)])
    later = replace(condition, owners=[Owner("lda", "random", DRAWS, None)])
    found = clips.distances([condition, later], clips.pooled[:4], torch.ones(2, 4, WIDTH))
    assert torch.isfinite(found[:, 0]).all() and torch.isnan(found[:, 1]).all()


def rows(edit: str, control: str, draw: int, nearest: float, away: float) -> list[dict[str, object]]:
    where = {"layer": 2, "tokens": "all", "finder": "lda", "rank": 2, "edit": edit, "dose": 1.0, "control": control, "draw": draw}
    noise = np.linspace(-0.1, 0.1, 12)
    return [
        {**where, "scene": scene, "nearest": nearest + by, "nearest_before": 0.8 - by, "mahalanobis": away + by, "mahalanobis_before": 7.0}
        for scene, by in enumerate(noise)
    ]


def test_the_table_is_the_mean_over_clips_and_draws_with_the_unedited_beside() -> None:
    effects = pd.DataFrame(
        rows("ablate", "subspace", 0, 1.8, 14) + rows("ablate", "random", 0, 0.2, 8) + rows("ablate", "random", 1, 0.4, 10)
    )
    effects.loc[effects["draw"] == 1, ["nearest", "nearest_before"]] = np.nan  # as of later draws
    table = check(TABLES["distances"], distances_table(effects, resamples=200)).set_index("control")
    assert table.loc["subspace", "nearest"] == pytest.approx(1.8) and table.loc["subspace", "nearest_more"] == pytest.approx(1.0)
    assert table.loc["random", "mahalanobis"] == pytest.approx(9) and table.loc["random", "nearest"] == pytest.approx(0.2)
    assert table.loc["random", "draws"] == 2 and (table["nearest_more_low"] <= table["nearest_more"]).all()


def test_words_say_what_leaves_the_natural_clips_and_which_controls_lie_further_off() -> None:
    made = rows("ablate", "subspace", 0, 1.8, 14) + rows("swap", "subspace", 0, 0.8, 8) + rows("swap", "random", 0, 3.0, 22)
    table = distances_table(pd.DataFrame(made), resamples=200)
    facts = Facts({"tokens": "all", "best_layer": 2, "ce": {"lda": {}}}, {"distances": table, "ce": table})
    ablate, swap, further = distances_words(facts)
    assert "edited clips leave the natural ones inside the subspace and at the last layer" in ablate
    assert "stay within 1.5 times the distance of unedited ones" in swap and further.endswith("swap: random directions.")
    assert distanced(table)["lda"]["ablate"]["subspace"]["nearest"]["value"] == pytest.approx(1.8)


def test_an_encoder_without_natural_clips_has_no_rows() -> None:
    effects = pd.DataFrame(rows("ablate", "subspace", 0, 1.8, 14)).assign(mahalanobis=np.nan)
    assert distances_table(effects).empty
