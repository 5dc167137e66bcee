"""The small network as probe reads what a line cannot, and is scikit-learn's to rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier
from torch import Tensor

from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.probes.readouts import HIDDEN, ITERATIONS, PENALTY, mlp_probe, standardise

WIDTH = 6


def exclusive_or(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Two classes that differ in the sign of a product: class means coincide."""
    x = torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(seed)) * 3 + 50
    y = ((x[:, 0] > 50) ^ (x[:, 1] > 50)).long()
    x[:, :2] += torch.sign(x[:, :2] - 50) * 2  # with a gap between the quadrants
    return x, y


def blobs(count: int, classes: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(count) % classes
    return torch.randn(classes, WIDTH, generator=generator)[y] + 0.5 * torch.randn(count, WIDTH, generator=generator), y


def test_it_reads_exclusive_or_and_a_linear_probe_does_not() -> None:
    (x, y), (new, labels) = exclusive_or(300, 0), exclusive_or(200, 1)
    assert mlp_probe(x, y).correct(new, labels) >= 190
    linear = dense_probes({0: x}, y, torch.arange(len(y)))[0].probe
    assert 70 <= linear.correct(new, labels) <= 130


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # stopped at the same iteration
@pytest.mark.parametrize("classes", [2, 3, 8])
def test_its_probabilities_are_those_of_scikit_learn(classes: int) -> None:
    x, y = blobs(80, classes, 2)
    new, _ = blobs(40, classes, 3)
    z, mean, scale = standardise(x)
    model = MLPClassifier((HIDDEN,), solver="lbfgs", alpha=PENALTY, max_iter=ITERATIONS, random_state=5).fit(z.numpy(), y.numpy())
    logits = mlp_probe(x, y, seed=5).logits(new)
    assert logits.shape == (40, classes)
    theirs = model.predict_proba(((new - mean) / scale).numpy())
    np.testing.assert_allclose(logits.softmax(dim=1).numpy(), theirs, atol=1e-5)


def test_of_two_classes_the_logits_are_half_the_log_odds_either_way() -> None:
    x, y = blobs(60, 2, 0)
    logits = mlp_probe(x, y).logits(x)
    torch.testing.assert_close(logits[:, 0], -logits[:, 1])
    assert mlp_probe(x, y).correct(x, y) > 50


def test_a_seed_names_it() -> None:
    x, y = blobs(60, 3, 0)
    first, again, other = (mlp_probe(x, y, seed).logits(x) for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.allclose(first, other, atol=1e-3)


def test_units_do_not_matter_and_a_coordinate_that_never_varies_is_ignored() -> None:
    """Activations are standardised: scaling or shifting coordinates changes nothing."""
    x, y = blobs(60, 3, 0)
    scaled = x * torch.linspace(0.1, 9, WIDTH) + 100
    torch.testing.assert_close(mlp_probe(scaled, y).logits(scaled), mlp_probe(x, y).logits(x), atol=5e-2, rtol=1e-2)
    constant = torch.cat([x, torch.full((60, 1), 7.0)], dim=1)
    probe = mlp_probe(constant, y)
    assert torch.isfinite(probe.logits(constant)).all()


def test_it_reads_any_number_of_conditions_in_any_precision() -> None:
    x, y = blobs(60, 3, 0)
    probe = mlp_probe(x, y)
    many = x.view(5, 12, WIDTH)
    torch.testing.assert_close(probe.logits(many).view(60, 3), probe.logits(x))
    torch.testing.assert_close(probe.logits(x.double()), probe.logits(x))
