"""Verdicts on pairs in networks whose answer is known: right on the first seeds, each for its reason."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from jepascope.encoders.planted.networks import EVERY, NETWORKS
from jepascope.planted.bench import planted_benches
from jepascope.planted.degeneracy import exchanges, measured_pair, peeled, planted_pair
from jepascope.portability.degeneracy import PairTest
from jepascope.portability.verdict import VERDICTS, Beside, pair_verdict, peeling_verdict

TRIED = [name for name in EVERY if name not in NETWORKS]  # the others are scored in tests/planted
EVERYDAY = ("staged", "conjunction", "normed", "gated")
SEED = 0
Measured = Callable[[str], tuple[PairTest, Beside]]
SCIENCE = Path(__file__).parents[2] / "docs" / "science.md"


@pytest.fixture(scope="module")
def measured() -> Measured:
    """What the verdict on a network's planted pair is given on, measured once. Few clips: effects of these networks have little spread."""

    @cache
    def of(name: str) -> tuple[PairTest, Beside]:
        (bench,) = planted_benches([(name, SEED)], fit=8, judge=8, test=2)
        return measured_pair(bench, exchanges(bench, SEED, resamples=200), *planted_pair(bench).values())

    return of


@pytest.mark.parametrize("name", [name if name in EVERYDAY else pytest.param(name, marks=pytest.mark.slow) for name in TRIED])
def test_the_verdict_on_the_planted_pair_is_right(name: str, measured: Measured) -> None:
    word, reason = pair_verdict(*measured(name), *EVERY[name].right.pair)
    assert word == EVERY[name].right.verdict, reason


def test_two_halves_behind_a_norm_look_like_copies_until_its_scale_is_held(measured: Measured) -> None:
    test, _ = measured("normed")
    assert test.added.beyond and all(test.added.copies)  # which is why they were called copies
    assert test.held.surplus.high < 1e-3 and not all(test.held.copies)  # linear: it adds up to the last digit
    assert [effect.value for effect in test.held.alone] == pytest.approx([0.5, 0.5], abs=0.03)


def test_where_no_norm_stands_holding_changes_nothing(measured: Measured) -> None:
    test, _ = measured("staged")
    assert test.held.surplus == test.surplus and test.held.whole == test.whole.effect


def test_copies_that_no_linear_probe_finds_are_copies_and_the_refit_says_how_they_are_not_read(
    measured: Measured,
) -> None:
    for name in ("staged", "contrast"):
        test, beside = measured(name)
        assert beside.refit is not None and beside.refit.ablated.low <= beside.refit.chance
        word, reason = pair_verdict(test, beside, "a", "b")
        assert word == "degenerate" and reason.endswith("so the other is read otherwise.")


def test_in_a_conjunction_each_moves_something_only_while_the_other_is_there(measured: Measured) -> None:
    for name in ("conjunction", "exclusive"):
        test, _ = measured(name)
        assert abs(test.a_alone.effect.value) < 0.01 > abs(test.b_alone.effect.value)
        assert test.whole.effect.value == pytest.approx(1, abs=0.01) and test.interplay.low > 0.2


def test_a_subspace_that_holds_all_class_means_forces_the_other_to_nothing_and_that_is_said() -> None:
    """Both copies hold the code linearly. With the span of all class means ablated neither is left."""
    (bench,) = planted_benches([("distributed", 0)], fit=8, judge=8, test=2)
    whole, part = torch.cat([bench.encoder.frame.planes[name] for name in "CBED"], dim=1).float(), bench.encoder.references["part A"]
    spread = torch.linalg.svd((bench.scenes.class_means - bench.mean) @ whole @ whole.T, full_matrices=False).Vh[:2].T
    pair = planted_pair(bench)
    a = type(pair["part A"])(spread.contiguous(), bench.mean)
    context = exchanges(bench, resamples=200)
    means = bench.scenes.class_means @ spread @ spread.T  # without the noise of few clips
    object.__setattr__(bench.scenes, "class_means", means)
    test, _ = measured_pair(bench, context, a, type(a)(part, bench.mean))
    assert test.spans == (True, False)
    word, reason = pair_verdict(test, Beside(), "a", "b")
    assert word != "degenerate" and "nearly forced; try a at a lower rank" in reason


@pytest.mark.slow
@pytest.mark.long("das is trained again at every point of a curve")
@pytest.mark.parametrize("name", [name for name in TRIED if name != "saturating"])  # there das finds mixtures: benchmarks/RESULTS.md
def test_the_verdict_on_the_curve_is_right(name: str) -> None:
    (bench,) = planted_benches([(name, 1)])
    word, reason = peeling_verdict(peeled(bench, exchanges(bench, 1)), "das")
    assert word == bench.encoder.network.right.curve, reason


def test_every_answer_is_a_verdict_and_says_why() -> None:
    for network in EVERY.values():
        assert {network.right.verdict, network.right.curve} <= set(VERDICTS) and len(network.right.because) > 20
    assert {"degenerate", "conjunctive", "parts of one", "redundant by correlation", "not degenerate"} <= {
        network.right.verdict for network in EVERY.values()
    }


def test_the_page_explains_verdicts_in_the_words_that_declare_them() -> None:
    page = SCIENCE.read_text()
    assert all(f"| {name} | {what} |" in page for name, what in VERDICTS.items())
