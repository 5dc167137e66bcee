"""What dose 1 is in units of the natural change: known for swaps, and on planted networks for every edit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jepascope.activations.site import Site
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.planted.expected import site_means
from jepascope.intervention.edit_entry import USUAL
from jepascope.intervention.natural import COLUMNS, natural_doses
from jepascope.planted.bench import PlantedBench, planted_benches


@pytest.fixture(scope="module")
def clean() -> PlantedBench:
    (bench,) = planted_benches([("clean", 0)], fit=10, judge=6, test=4)
    return bench


@pytest.mark.parametrize("tokens", ["all", "object", "background", "time:1-2"])
def test_a_swap_is_the_natural_dose_by_definition(study, tokens: str) -> None:
    site, found = Site(1, tokens), {"one": study.subspace(1), "two": study.subspace(2, rank=7)}
    table = natural_doses(site, study.scenes, found, USUAL, resamples=100)
    assert list(table.columns) == COLUMNS and len(table) == 6 and (table["n"] == 8).all()
    swap = table[table["edit"] == "swap"]
    np.testing.assert_allclose(swap[["shift", "shift_low", "shift_high"]], 1.0, rtol=1e-9)
    np.testing.assert_allclose(swap["norm"], swap["norm_twin"])


@pytest.mark.parametrize("tokens", ["all", "object"])
def test_norms_are_mean_lengths_of_a_tokens_edit_inside_the_subspace(study, tokens: str) -> None:
    scenes, u = study.scenes, study.subspace(1)
    table = natural_doses(Site(1, tokens), scenes, {"one": u}, USUAL, resamples=100).set_index("edit")
    h, donor, mask = scenes.source.tokens(1), scenes.twin.tokens(1), scenes.mask(tokens)
    steered = (scenes.class_means[scenes.target] - scenes.class_means[scenes.label])[:, None].expand_as(h)
    for edit, r in {"ablate": u.mean - h, "swap": donor - h, "steer": steered}.items():
        lengths = (r @ u.basis).norm(dim=-1)
        assert table.loc[edit, "norm"] == pytest.approx(float(lengths.mean() if mask is None else lengths[mask].mean()), rel=1e-5)


def test_steering_by_the_true_class_means_is_the_natural_dose_and_ablation_half_of_it(clean: PlantedBench) -> None:
    """On the circle <-e(y), e(t) - e(y)> is half of |e(t) - e(y)|^2, whatever y and t."""
    means = site_means(clean.encoder)
    scenes = replace(clean.scenes, class_means=means.mean(dim=1).float())
    truth = {"truth": Subspace(clean.encoder.causal, means.mean(dim=(0, 1)).float())}
    table = natural_doses(clean.site, scenes, truth, USUAL, resamples=200).set_index("edit")
    assert table.loc["steer", "shift"] == pytest.approx(1, abs=1e-4)
    assert table.loc["steer", "shift_high"] == pytest.approx(1, abs=1e-4)
    assert table.loc["ablate", "shift_low"] <= 0.5 <= table.loc["ablate", "shift_high"]
    assert table.loc["ablate", "shift"] == pytest.approx(0.5, abs=0.15)


def test_where_the_class_means_are_those_of_few_clips_steering_is_near_the_natural_dose(clean: PlantedBench) -> None:
    truth = {"truth": Subspace(clean.encoder.causal, clean.mean)}
    table = natural_doses(clean.site, clean.scenes, truth, ("steer",), resamples=200)
    assert table["shift"].item() == pytest.approx(1, abs=0.15)


def test_where_the_partner_changes_nothing_there_is_no_natural_dose(clean: PlantedBench) -> None:
    """Twins share their noise: in the nuisance nothing changes but rounding, and nothing is claimed."""
    inert = {"inert": Subspace(clean.encoder.inert, clean.mean)}
    table = natural_doses(clean.site, clean.scenes, inert, ("ablate",), resamples=100)
    assert table["norm_twin"].item() < 1e-4 * table["norm"].item()
    assert not table["shift_low"].item() > 0 and not table["shift_high"].item() < 0
