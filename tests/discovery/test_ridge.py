"""Ridge probes: parity with scikit-learn, choice of strength, invariances, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from jepascope.discovery.probes.folds import whole_scene_folds
from jepascope.discovery.probes.ridge import RIDGE_STRENGTHS, ridge_fits, ridge_probes
from jepascope.errors import BadArgument, BadData


def planted_values(seed: int, clips: int = 60, width: int = 12, outputs: int = 2, noise: float = 0.5) -> tuple[Tensor, Tensor]:
    """Activations of unequal units and the values that lie in them linearly."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(clips, width, generator=g) * torch.logspace(-1, 1, width) + 3
    y = torch.randn(clips, outputs, generator=g)
    x = x + y @ torch.randn(outputs, width, generator=g) / noise
    return x, y


@settings(max_examples=15)
@given(seed=st.integers(0, 99), width=st.sampled_from([3, 12, 90]), outputs=st.integers(1, 3))
def test_coefficients_are_those_of_scikit_learn(seed: int, width: int, outputs: int) -> None:
    x, y = planted_values(seed, width=width, outputs=outputs)
    strengths = (10.0, 0.3, 0.001)
    fits = ridge_fits(x[None].double(), y, strengths)
    z = StandardScaler().fit(x.double().numpy())
    for i, strength in enumerate(strengths):
        oracle = Ridge(alpha=len(y) * strength, solver="svd").fit(z.transform(x.double().numpy()), y.double().numpy())
        weights = np.atleast_2d(oracle.coef_) / z.scale_
        np.testing.assert_allclose(fits.weights[0, i], weights, rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(
            fits.predict(x[None])[0, i], oracle.predict(z.transform(x.double().numpy())).reshape(len(y), -1), atol=1e-6
        )


def test_the_strength_is_that_of_scikit_learns_grid_search() -> None:
    for seed in range(4):
        x, y = planted_values(seed, width=40, noise=3.0)
        fold_of = whole_scene_folds(len(y), None, 5, seed)
        path = ridge_probes({0: x}, y, seed=seed)[0]
        alphas = [48 * strength for strength in RIDGE_STRENGTHS]  # every fold trains on 48 of the 60 clips
        pipe = make_pipeline(StandardScaler(), Ridge(solver="svd"))
        search = GridSearchCV(
            pipe, {"ridge__alpha": alphas}, cv=PredefinedSplit(fold_of.numpy()), scoring="neg_mean_squared_error", refit=False
        )
        search.fit(x.double().numpy(), y.double().numpy())
        assert path.chosen == int(search.best_index_)
        variance = float((y - y.mean(dim=0)).square().mean())
        np.testing.assert_allclose(path.cv_error, -search.cv_results_["mean_test_score"] / variance, rtol=1e-4)


def test_layers_are_fitted_as_if_alone_and_come_back_in_order() -> None:
    x, y = planted_values(1)
    wide, _ = planted_values(1, width=80)
    layers = {"a": x, "wide": wide, "b": x.flip(1)}
    together = ridge_probes(layers, y)
    assert list(together) == ["a", "wide", "b"]
    for name in layers:
        alone = ridge_probes({name: layers[name]}, y)[name]
        assert alone.strength == together[name].strength
        torch.testing.assert_close(alone.probe.weights, together[name].probe.weights)


def test_permuting_clips_changes_nothing() -> None:
    x, y = planted_values(2)
    groups = torch.arange(len(y)) // 2
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    one, other = ridge_probes({0: x}, y, groups)[0], ridge_probes({0: x[order]}, y[order], groups[order])[0]
    assert one.strength == other.strength
    torch.testing.assert_close(one.probe.weights, other.probe.weights)


def test_units_of_coordinates_do_not_matter_but_the_basis_does() -> None:
    """Standardising makes ridge free of units and ties it to the basis. Where all coordinates vary alike in every direction
    (whitened over the clips), a rotation changes no prediction either."""
    x, y = planted_values(3)
    units = torch.logspace(-2, 2, x.shape[1])
    plain, scaled = ridge_probes({0: x}, y)[0].probe, ridge_probes({0: x * units - 7}, y)[0].probe
    torch.testing.assert_close(plain.predict(x), scaled.predict(x * units - 7), rtol=0, atol=1e-4)

    turn = torch.linalg.qr(torch.randn(12, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64))[0]
    turned = ridge_fits((x.double() @ turn)[None], y, (1.0,))
    assert (turned.predict(x.double()[None] @ turn) - ridge_fits(x[None].double(), y, (1.0,)).predict(x[None])).abs().max() > 1e-3

    centred = x.double() - x.double().mean(dim=0)
    white = centred @ torch.linalg.inv(torch.linalg.cholesky(centred.T @ centred / len(x))).T
    one = ridge_fits(white[None], y, (1.0, 0.01)).predict(white[None])
    torch.testing.assert_close(one, ridge_fits((white @ turn)[None], y, (1.0, 0.01)).predict((white @ turn)[None]))


def test_values_that_are_there_are_read_and_permuted_ones_are_not() -> None:
    x, y = planted_values(4, clips=160)
    path = ridge_probes({0: x[:100]}, y[:100])[0]
    assert (path.probe.predict(x[100:]) - y[100:]).square().mean() < 0.2
    assert path.cv_error[path.chosen] < 0.2
    noise = ridge_probes({0: x[:100]}, y[torch.randperm(100, generator=torch.Generator().manual_seed(0))])[0]
    assert noise.cv_error[noise.chosen] > 0.9


def test_a_dead_coordinate_is_never_used() -> None:
    x, y = planted_values(5)
    dead = torch.cat([x, torch.full((len(y), 1), 0.3)], dim=1)
    assert ridge_probes({0: dead}, y)[0].probe.weights[:, -1].abs().max() == 0


@settings(max_examples=20)
@given(seed=st.integers(0, 99), folds=st.integers(2, 5), size=st.integers(1, 3))
def test_folds_keep_scenes_whole_and_clips_even(seed: int, folds: int, size: int) -> None:
    groups = torch.arange(60) // size
    fold = whole_scene_folds(60, groups, folds, seed)
    assert all(len(fold[groups == scene].unique()) == 1 for scene in groups.unique())
    counts = torch.bincount(fold, minlength=folds)
    assert int(counts.max() - counts.min()) <= size


def test_bad_input_names_the_layer_and_the_remedy() -> None:
    x, y = planted_values(6)
    with pytest.raises(BadData, match=r"Layer 3 holds NaN.*capture"):
        ridge_probes({3: torch.where(x > 4, torch.inf, x)}, y)
    with pytest.raises(BadData, match=r"Layer 2 has the same activations.*leave it out"):
        ridge_probes({2: torch.ones_like(x)}, y)
    with pytest.raises(BadData, match=r"same value in every clip.*take clips"):
        ridge_probes({0: x}, torch.ones_like(y))
    with pytest.raises(BadData, match="NaN or infinite values of the variable"):
        ridge_probes({0: x}, y.masked_fill(y > 0, torch.nan))
    with pytest.raises(BadData, match=r"3 scene\(s\) only, too few for 5-fold.*add scenes"):
        ridge_probes({0: x}, y, torch.arange(len(y)) % 3)
    with pytest.raises(BadArgument, match="at least one strength"):
        ridge_probes({0: x}, y, strengths=[])
