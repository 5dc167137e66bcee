"""How steady the choice of a layer is: sure where one layer is far better, split where two are alike; nothing of it moves the choice."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch

from jepascope.discovery.probes.layer_choice import chosen_layer, earliest_within, layer_shares
from jepascope.discovery.probes.paths import L1_ONWARD, PathPoint, has_turned, l1_paths
from jepascope.discovery.probes.readouts import LinearProbe
from jepascope.findings.facts import Facts
from jepascope.findings.layer_choice import layer_words, layers_words, share_words
from jepascope.findings.sparsity import NOT_DETERMINED, determined, open_words

CLIPS, CLASSES = 80, 4


def layer(signal: float, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    means = torch.eye(CLASSES, 12) * signal
    return means[torch.arange(CLIPS) % CLASSES] + torch.randn(CLIPS, 12, generator=generator)


Y = torch.arange(CLIPS) % CLASSES


def test_a_layer_that_is_far_better_is_chosen_by_nearly_all_and_alike_ones_share() -> None:
    clear = layer_shares({1: layer(0.3, 0), 2: layer(4.0, 1), 3: layer(0.3, 2)}, Y, [0.01], folds=4)
    assert clear[2] > 0.99 and sum(clear.values()) == pytest.approx(1)
    alike = layer_shares({1: layer(1.6, 0), 2: layer(2.0, 1)}, Y, [0.01], folds=4)
    assert 0 < alike[1] < 1


def test_shares_are_the_same_again_and_scenes_stay_whole() -> None:
    layers, scenes = {1: layer(1.6, 0), 2: layer(2.0, 1)}, torch.arange(CLIPS) // 8 * 4 + Y
    first = layer_shares(layers, Y, [0.01], scenes, folds=4)
    assert first == layer_shares(layers, Y, [0.01], scenes, folds=4) and sum(first.values()) == pytest.approx(1)


def test_the_earliest_within_one_standard_error_is_chosen() -> None:
    accuracy, se = np.array([[0.8, 0.89, 0.9], [0.9, 0.9, 0.9]]), np.array([[0.1, 0.02, 0.02], [0.0, 0.0, 0.0]])
    assert earliest_within(accuracy, se).tolist() == [1, 0]
    assert chosen_layer({0: (1.0, 0.0), 1: (0.8, 0.1), 2: (0.89, 0.02), 3: (0.9, 0.02)}, (1, 2, 3)) == 2


def probes_of(shares: dict[int, float]) -> pd.DataFrame:
    rows = [{"layer": at, "tokens": "all", "layer_share": share, "cv_accuracy": 0.9, "cv_se": 0.01} for at, share in shares.items()]
    return pd.DataFrame(rows)


def ce_of(figures: dict[int, tuple[float, float]]) -> pd.DataFrame:
    where = {"tokens": "all", "finder": "lda", "rank": 3, "edit": "swap", "control": "subspace", "dose": 1.0, "judge": "probe", "n": 40}
    return pd.DataFrame(
        [
            {**where, "layer": at, "value": ce, "low": ce - 0.05, "high": ce + 0.05, "direct": part, "direct_low": part - 0.02}
            for at, (ce, part) in figures.items()
        ]
    )


def test_words_say_how_steady_the_choice_is_and_name_a_layer_with_as_much_effect_and_less_of_it_direct() -> None:
    tables = {"probes": probes_of({1: 0.3, 2: 0.7}), "ce": ce_of({1: (0.68, 0.0), 2: (0.65, 0.2), 3: (0.2, 0.1)})}
    facts = Facts({"tokens": "all", "best_layer": 2, "ce": {"lda": {}}}, tables)
    assert share_words(facts).startswith("Layer 2 is chosen by 70.0\u00a0% of resamples") and "not steady" in share_words(facts)
    said = layers_words(facts, "swap")
    assert "layer 1 0.680 [0.630, 0.730] (0 direct)" in said and "At layer 1 it is not shown to do less" in said and "layer 3" not in said
    steady = Facts({"tokens": "all", "best_layer": 2, "ce": {"lda": {}}}, {"probes": probes_of({1: 0.02, 2: 0.98})})
    assert share_words(steady).endswith("the choice is steady.") and len(layer_words(steady)) == 1


def test_one_candidate_and_older_folders_say_nothing() -> None:
    for tables in ({"probes": probes_of({2: 1.0})}, {"probes": probes_of({1: 0.5, 2: 0.5}).drop(columns="layer_share")}, {}):
        assert layer_words(Facts({"tokens": "all", "best_layer": 2}, tables)) == []


def path(*scores: tuple[float, float]) -> list[PathPoint]:
    probe = LinearProbe.from_standardised(torch.zeros(2, 3), torch.zeros(2), torch.zeros(3), torch.ones(3))
    return [PathPoint(1 / (place + 1), probe, accuracy, se, 0.0) for place, (accuracy, se) in enumerate(scores)]


@pytest.mark.parametrize(
    ("scores", "turned"),
    [
        (((0.5, 0.02), (0.9, 0.02), (0.85, 0.02)), True),  # fell by more than a standard error
        (((0.5, 0.02), (0.9, 0.02), (0.89, 0.02)), False),  # a little
        (((0.5, 0.02), (0.8, 0.02), (0.9, 0.02)), False),  # still rising
        (((0.9, 0.02), (0.5, 0.02), (0.95, 0.02)), False),  # fell, and rose again beyond
        (((0.5, 0.02), (1.0, 0.0)), True),  # nothing can be better
    ],
)
def test_a_path_has_turned_when_its_accuracy_fell_clearly_below_the_best(scores: tuple[tuple[float, float], ...], turned: bool) -> None:
    assert has_turned(path(*scores)) == turned


def test_a_path_goes_on_where_its_accuracy_has_not_turned_and_only_there() -> None:
    separable, noise = layer(8.0, 0), layer(1.2, 1)
    short = l1_paths({"separable": separable, "noise": noise}, Y, folds=4, shares=(1.0, 0.3), onward=(0.2, 0.1, 0.05))
    assert short["separable"].turned and len(short["separable"].points) == 2  # all are right at once
    assert len(short["noise"].points) > 2
    assert short["noise"].turned or len(short["noise"].points) == 5
    alone = l1_paths({"noise": noise}, Y, folds=4, shares=(1.0, 0.3), onward=(0.2, 0.1, 0.05))["noise"]
    assert [point.support for point in alone.points] == [point.support for point in short["noise"].points]
    assert len(l1_paths({"noise": noise}, Y, folds=4, shares=(1.0, 0.3), onward=())["noise"].points) == 2 and min(L1_ONWARD) > 0


def test_a_support_at_the_end_of_its_path_is_no_estimate() -> None:
    chosen = pd.DataFrame({"layer": [1, 2], "tokens": "all", "support": [0.4, 0.5], "open_ended": [False, True]})
    assert determined(chosen)["support"].tolist()[0] == 0.4 and math.isnan(determined(chosen)["support"][1])
    said = open_words(chosen, 2, "all")
    assert f"layer 2 (all tokens) is {NOT_DETERMINED}" in said
    both = open_words(chosen.assign(open_ended=True), 2, "all")
    assert f"layers 1, 2 (all tokens), layer 2 of the claims among them, is {NOT_DETERMINED}" in both
    assert open_words(chosen.assign(open_ended=False), 2, "all") == "" and open_words(chosen.drop(columns="open_ended"), 2, "all") == ""
    assert "support" in determined(chosen.drop(columns="open_ended"))
