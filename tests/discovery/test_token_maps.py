"""Token maps find the token that was planted and nothing else; the leave-one-out error is that of leaving one out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge, RidgeCV
from torch import Tensor

from jepascope.discovery.probes import token_maps
from jepascope.discovery.probes.folds import exchanged
from jepascope.discovery.probes.ridge import ridge_fits
from jepascope.discovery.probes.token_maps import TOKEN_STRENGTHS, TokenRange, read_tokens, token_accuracy, token_r_squared
from jepascope.errors import BadArgument, BadData
from jepascope.stats import scene_weights

TOKENS, PLANTED = 12, 7
WEIGHTS = scene_weights(40, np.random.default_rng(0), resamples=200)


def ranges(x: Tensor) -> TokenRange:
    return lambda start, stop: x[:, start:stop]


def noise(clips: int, width: int = 10, seed: int = 0) -> Tensor:
    return torch.randn(clips, TOKENS, width, generator=torch.Generator().manual_seed(seed))


def test_the_planted_token_is_found_and_nothing_else() -> None:
    y = torch.arange(140) % 4
    x = noise(140)
    x[:, PLANTED, :4] += 2 * torch.nn.functional.one_hot(y, 4)
    found = token_accuracy(ranges(x[:100]), ranges(x[100:]), TOKENS, y[:100], y[100:])
    assert [t for t, score in enumerate(found.scores) if score.value > found.null] == [PLANTED]
    assert found.scores[PLANTED].value > 0.7
    assert found.chance == 0.25 and found.scores[PLANTED].n == 40


def test_a_planted_value_is_found_and_nothing_else() -> None:
    values = torch.randn(140, 2, generator=torch.Generator().manual_seed(1))
    x = noise(140)
    x[:, PLANTED, :2] += 2 * values
    found = token_r_squared(ranges(x[:100]), ranges(x[100:]), TOKENS, values[:100], values[100:], WEIGHTS)
    assert [t for t, score in enumerate(found.scores) if score.value > found.null] == [PLANTED]
    assert found.scores[PLANTED].low > 0.5
    assert found.metric == "r2" and found.chance == 0


def test_noise_exceeds_the_null_of_the_best_token_no_more_often_than_it_says() -> None:
    y, above = torch.arange(120) % 3, 0
    for seed in range(40):
        x = noise(120, 3, seed + 1)
        found = token_accuracy(ranges(x[:80]), ranges(x[80:]), TOKENS, y[:80], y[80:], seed=seed)
        above += max(score.value for score in found.scores) > found.null
        assert found.null == max(found.maxima) > found.chance  # the best of many lies above chance by luck alone
    assert above <= 6  # binomial(40, 1/21): 7 or more in 1 of 300 cases


@pytest.mark.parametrize("width", [5, 40])
def test_strength_and_predictions_are_those_of_scikit_learns_leave_one_out(width: int) -> None:
    g = torch.Generator().manual_seed(2)
    z = torch.randn(3, 30, width, generator=g, dtype=torch.float64)
    z = (z - z.mean(dim=1, keepdim=True)) / z.std(dim=1, unbiased=False, keepdim=True)
    held = torch.randn(3, 9, width, generator=g, dtype=torch.float64)
    targets = torch.randn(30, 2, 4, generator=g, dtype=torch.float64) + z[0, :, :1, None] * torch.tensor([0.0, 1.0, 3.0, 9.0])
    predicted, chosen = read_tokens(z, held, targets, TOKEN_STRENGTHS)
    for token in range(3):
        for draw in range(4):
            y = targets[..., draw].numpy()
            oracle = RidgeCV(alphas=[30 * s for s in TOKEN_STRENGTHS], scoring="neg_mean_squared_error").fit(z[token].numpy(), y)
            assert oracle.alpha_ == pytest.approx(30 * TOKEN_STRENGTHS[int(chosen[token, draw])])
            np.testing.assert_allclose(predicted[token, ..., draw], oracle.predict(held[token].numpy()), rtol=1e-5, atol=1e-7)


def test_press_is_the_error_of_really_leaving_one_out() -> None:
    g = torch.Generator().manual_seed(3)
    z = torch.randn(20, 6, generator=g, dtype=torch.float64)
    z = z - z.mean(dim=0)
    y = (z[:, :1] + torch.randn(20, 1, generator=g, dtype=torch.float64)).numpy()
    x = z.numpy()
    left_out = {}
    for strength in TOKEN_STRENGTHS:
        missed = []
        for i in range(20):
            rest = np.arange(20) != i
            model = Ridge(alpha=20 * strength).fit(x[rest], y[rest])
            missed.append(float(((model.predict(x[i : i + 1]) - y[i]) ** 2).sum()))
        left_out[strength] = sum(missed)
    _, chosen = read_tokens(z[None], z[None], torch.from_numpy(y)[..., None], TOKEN_STRENGTHS)
    assert TOKEN_STRENGTHS[int(chosen[0, 0])] == min(left_out, key=lambda s: left_out[s])


def test_a_map_does_not_depend_on_how_it_is_cut_or_on_the_order_of_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    y, x = torch.arange(90) % 3, noise(90)
    x[:, PLANTED, :3] += torch.nn.functional.one_hot(y, 3)
    whole = token_accuracy(ranges(x[:60]), ranges(x[60:]), TOKENS, y[:60], y[60:])
    monkeypatch.setattr(token_maps, "READ", 60 * 10 * 5)
    monkeypatch.setattr(token_maps, "SOLVE", 60 * 10 * 2)
    parts = token_accuracy(ranges(x[:60]), ranges(x[60:]), TOKENS, y[:60], y[60:])
    assert parts.scores == whole.scores and parts.null == whole.null
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    turned = token_accuracy(ranges(x[:60][order]), ranges(x[60:]), TOKENS, y[:60][order], y[60:])
    assert turned.scores == whole.scores  # its permutations are others, so its null may differ
    assert torch.equal(turned.strengths, whole.strengths)


def test_scenes_are_exchanged_whole_under_the_null() -> None:
    """Tokens that show the scene and nothing else: a draw reads just the scenes whose exchanged class is their own."""
    groups = torch.arange(96) // 12
    y = groups % 2
    x = noise(8, seed=5)[groups] + 1e-3 * noise(96)
    fit, test = torch.arange(96) % 3 > 0, torch.arange(96) % 3 == 0
    found = token_accuracy(ranges(x[fit]), ranges(x[test]), TOKENS, y[fit], y[test], groups=groups[fit])
    generator = torch.Generator().manual_seed(0)
    own = [float((exchanged(y[fit], groups[fit], generator) == y[fit]).double().mean()) for _ in range(20)]
    assert found.maxima.tolist() == pytest.approx(own) and len(set(own)) > 2


def test_a_tokens_reader_is_the_ridge_probe_of_that_token() -> None:
    values = torch.randn(140, 1, generator=torch.Generator().manual_seed(1))
    x = noise(140)
    x[:, PLANTED, :1] += values
    found = token_r_squared(ranges(x[:100]), ranges(x[100:]), TOKENS, values[:100], values[100:], WEIGHTS)
    alone = ridge_fits(x[None, :100, PLANTED].double(), values[:100], (float(found.strengths[PLANTED]),))
    missed = (alone.predict(x[None, 100:, PLANTED])[0, 0] - values[100:]).square().sum()
    assert found.scores[PLANTED].value == pytest.approx(1 - float(missed / (values[100:] - values[:100].mean()).square().sum()))


def test_a_token_that_never_changes_reads_nothing_and_spoils_nothing() -> None:
    y, x = torch.arange(90) % 3, noise(90)
    x[:, 2] = 0.5
    found = token_accuracy(ranges(x[:60]), ranges(x[60:]), TOKENS, y[:60], y[60:])
    assert found.scores[2].value == pytest.approx(1 / 3)


def test_bad_input_names_the_layer_and_the_remedy() -> None:
    y, x = torch.arange(90) % 3, noise(90)
    spoilt = x.clone()
    spoilt[3, 5, 1] = torch.nan
    with pytest.raises(BadData, match=r"Tokens 0 to 11 of layer 3 hold NaN.*capture"):
        token_accuracy(ranges(spoilt), ranges(x), TOKENS, y, y, where="layer 3")
    with pytest.raises(BadData, match=r"Every token of layer 3 is the same"):
        token_accuracy(ranges(torch.ones_like(x)), ranges(x), TOKENS, y, y, where="layer 3")
    with pytest.raises(BadData, match="one class"):
        token_accuracy(ranges(x), ranges(x), TOKENS, y * 0, y)
    with pytest.raises(BadData, match="same value in every clip"):
        token_r_squared(ranges(x), ranges(x), TOKENS, torch.ones(90, 1), torch.ones(40, 1), WEIGHTS)
    with pytest.raises(BadArgument, match="at least 20 draws"):
        token_accuracy(ranges(x), ranges(x), TOKENS, y, y, draws=5)
