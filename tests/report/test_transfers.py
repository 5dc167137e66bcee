"""What one transfer shows follows from intervals, floors and thresholds that the page states."""

from __future__ import annotations

from math import nan
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepascope.findings.carried import carried_all, carried_sentence, directions
from jepascope.findings.dissociation import ALIGNED, BELOW, DISSOCIATED, FLOOR, KEEPS, OPEN, PART, SATURATED, STRONG, UNREAD, judged
from jepascope.findings.transfer_words import full_dose_saturated, sentence, sentences, verdict
from jepascope.findings.transfers import beside_nulls, found_at, split, transfers
from jepascope.portability.retained import one_dose
from jepascope.portability.tables import APART


def a_transfer(**more: Any) -> dict[str, Any]:
    """RCE 0.95 at a SAS of 0.2 (chance 0.07, ceiling 0.9), above a variance floor of 0.4."""
    row = {"across": "finder", "a": "lda", "b": "diff_means", "layer": 4, "edit": "ablate", "rank": 7, "dose": 0.5, "n": 80}
    row |= {"value": 0.95, "low": 0.9, "high": 1.0, "saturated": False, "sas": 0.2, "sas_chance": 0.07, "sas_ceiling": 0.9}
    row |= {"floor_random": 0.1, "floor_random_low": 0.05, "floor_random_high": 0.15}
    row |= {"floor_variance": 0.4, "floor_variance_low": 0.35, "floor_variance_high": 0.45, "excess_low": 0.5, "excess_high": 0.6}
    row |= {"norm": 0.95, "norm_low": 0.9, "norm_high": 1.0, "norm_floor_variance": 0.3, "norm_floor_shuffled": 0.4, "norm_floor_pca": 0.5}
    row |= {"p_holm": 0.01, "looked_at": 24.0}
    row |= {"readings": nan, "readings_low": nan, "readings_high": nan, "readings_chance": nan}
    return row | more


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, DISSOCIATED),
        ({"p_holm": 0.2}, OPEN),
        ({"p_holm": nan, "norm": nan}, OPEN),  # folders of earlier versions: not run at equal token norm
        ({"p_holm": 1.0, "norm": nan}, OPEN),
        ({"sas": 0.85}, ALIGNED),
        ({"saturated": True}, SATURATED),
        ({"excess_low": -0.1, "excess_high": 0.2}, FLOOR),
        ({"excess_low": -0.3, "excess_high": -0.1}, BELOW),
        ({"value": 0.6, "low": 0.5, "high": 0.7}, PART),
        ({"value": 0.8, "low": 0.6, "high": 1.0}, OPEN),
        ({"value": 5.7, "low": 5.0, "high": 6.4}, STRONG),
        ({"value": nan, "low": nan, "high": nan}, UNREAD),
        ({"floor_variance": nan, "floor_random": nan}, UNREAD),
        ({"sas_ceiling": nan}, OPEN),
        ({"sas": nan}, OPEN),
        ({"sas_ceiling": 0.1}, OPEN),  # a reference at chance says nothing about alignment
        ({"excess_low": nan, "excess_high": nan}, DISSOCIATED),  # folders of earlier versions: the interval against the floor
        ({"excess_low": nan, "excess_high": nan, "floor_variance": 0.92}, FLOOR),
        (
            {"floor_variance": nan, "excess_low": nan, "excess_high": nan},
            DISSOCIATED,
        ),  # against random ones
    ],
)
def test_a_transfer_is_read_from_its_floor_its_share_and_its_alignment(more: dict[str, Any], kind: str) -> None:
    assert judged(a_transfer(**more)).kind == kind


@given(st.floats(-1, 7), st.floats(0, 1), st.floats(-1, 2), st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_a_dissociation_meets_every_condition_that_is_stated(
    value: float, half: float, floor: float, sas: float, ceiling: float, full: bool
) -> None:
    row = a_transfer(
        value=value, low=value - half, high=value + half, floor_variance=floor, sas=sas, sas_ceiling=ceiling, saturated=full, excess_low=nan
    )
    if judged(row).kind == DISSOCIATED:
        assert not full and row["low"] > floor and row["low"] >= KEEPS
        assert (sas - row["sas_chance"]) / (ceiling - row["sas_chance"]) < APART


def test_a_dissociation_is_claimed_at_equal_token_norm_alone_and_says_beside_what() -> None:
    beside = "at equal token norm (RCE 0.95 [0.90, 1.00]; variance-matched 0.300, permuted labels 0.400, PCA 0.500; p = "
    claimed, open_, old = (judged(a_transfer(**more)).why for more in ({}, {"p_holm": 0.2}, {"p_holm": nan}))
    assert f"come apart, {beside}0.010 corrected for the 24 transfers looked at) too." in claimed
    assert f"{beside}0.20 corrected for the 24 transfers looked at) it is not shown, so no dissociation is claimed" in open_
    assert "at equal token norm it was not run, so no dissociation is claimed" in old


NULLS = {"null_shuffled": 0.5, "null_shuffled_high": 0.55, "null_pca": 0.6, "pca_low": 0.1, "pca_high": 0.3}


@pytest.mark.parametrize(
    ("more", "kind", "said"),
    [
        ({}, ALIGNED, "kept, and so is the alignment"),
        (
            {"null_pca": 0.87, "pca_low": -0.1, "pca_high": 0.06},
            OPEN,
            "SAS 0.850, PCA reaches 0.870 (difference [−0.100, 0.0600], with the fit)",
        ),
        ({"null_shuffled_high": 0.86}, OPEN, "SAS 0.850, permuted labels reach 0.860: says nothing about the variable"),
        ({"pca_low": nan, "pca_high": nan}, ALIGNED, "so is the alignment"),  # a finder that searches: by the values alone
        ({"pca_low": nan, "pca_high": nan, "null_pca": 0.86}, OPEN, "PCA reaches 0.860: says nothing"),
        ({"null_pca": nan, "null_shuffled_high": nan, "pca_low": nan}, ALIGNED, "so is the alignment"),  # folders of earlier versions
    ],
)
def test_an_alignment_that_permuted_labels_or_pca_reach_says_nothing(more: dict[str, Any], kind: str, said: str) -> None:
    row = a_transfer(sas=0.85, **(NULLS | more))
    assert judged(row).kind == kind and said in judged(row).why


def test_pairs_that_nulls_reach_are_counted_and_the_most_aligned_named() -> None:
    pair = {"a": "lda", "b": "diff_means", "value": 0.9, **NULLS}
    reached = [pair | {"a": f"lda ({at})", "value": 0.1 * at} for at in range(1, 6)]
    told = beside_nulls(pd.DataFrame([pair, *reached]))
    assert told[0].endswith("in 1 of 6 pairs.") and told[1].startswith("lda (5) and diff_means: SAS 0.500, permuted labels reach 0.550")
    assert len(told) == 5 and "2 more pairs" in told[-1]
    assert beside_nulls(pd.DataFrame([{"a": "lda", "b": "diff_means", "value": 0.9}])) == []


def test_equal_readings_explain_a_low_alignment() -> None:
    same = a_transfer(readings=0.95, readings_low=0.92, readings_high=0.97, readings_chance=0.1)
    assert "as filter and pattern of one variable do, not as a second copy" in sentence(same)
    other = same | {"readings": 0.5, "readings_low": 0.4, "readings_high": 0.6}
    assert "related but not the same" in sentence(other) and "filter" not in sentence(other)
    assert "not related" in sentence(same | {"readings": 0.05, "readings_low": 0.0, "readings_high": 0.09})
    assert "filter" not in sentence(a_transfer())


def test_the_verdict_over_all_transfers_says_why() -> None:
    def over(*rows: dict[str, Any]) -> str:
        return verdict(pd.DataFrame(rows))

    apart, aligned = a_transfer(), a_transfer(a="l1_probe", sas=0.85)
    said = over(apart, aligned)
    assert said.startswith("Dissociation: in 1 of 2 transfers") and "lda in place of diff_means, RCE is 0.95 [0.90, 1.00]" in said
    assert "above the variance-matched subspace's 0.400 [0.350, 0.450]" in said and "1 keeps the effect with the alignment" in said
    assert over(a_transfer(saturated=True)).startswith("Saturated metric: in one transfer an effect reaches 0.95 at every dose")
    floor = over(a_transfer(excess_low=-0.1, excess_high=0.1), a_transfer(excess_low=-0.2, excess_high=-0.1, floor_variance=0.6))
    assert floor.startswith("Not told apart from the floor: in 2 transfers") and "(0.400 to 0.600)" in floor
    assert over(aligned).startswith("No dissociation of effect and geometry is shown in one transfer (at equal token norm, beside")
    assert over(aligned).endswith("corrected for the 24 looked at). Of these: 1 keeps the effect with the alignment.")


def test_many_transfers_are_counted_instead_of_listed() -> None:
    few = sentences(pd.DataFrame([a_transfer()] * 8), "across finder")
    many = sentences(pd.DataFrame([a_transfer(), *[a_transfer(sas=0.85)] * 8]), "across finder")
    assert len(few) == 8 and len(many) == 1
    assert "Of 9 transfers across finder: 1 keep the effect at low alignment; 8 keep the effect with the alignment" in many[0]


def test_transfers_without_a_ratio_share_one_sentence() -> None:
    lost = a_transfer(value=nan, low=nan, high=nan)
    said = sentences(pd.DataFrame([lost, a_transfer(a="inlp"), lost | {"b": "leace"}]), "across finder")
    unread = (
        "Nothing is read from lda in place of diff_means (SAS 0.200, chance 0.0700); lda in place of leace (SAS 0.200, chance 0.0700): "
        "no effect of the native subspace"
    )
    assert len(said) == 2 and unread in said[1]


def test_a_transfer_is_judged_at_the_largest_dose_where_it_is_not_saturated() -> None:
    rows = pd.DataFrame([a_transfer(dose=dose, saturated=dose > 0.6) for dose in (0.25, 0.5, 1.0)])
    assert list(one_dose(rows)["dose"]) == [0.5]
    assert list(one_dose(rows.assign(saturated=True))["dose"]) == [0.25]
    assert list(one_dose(rows.assign(value=[0.9, nan, nan]))["dose"]) == [0.25]  # a dose without a ratio shows nothing
    assert "saturated in 1 of 1 transfers" in full_dose_saturated(rows) and full_dose_saturated(rows.assign(saturated=False)) == ""


def test_geometry_of_a_pair_is_found_in_either_order_and_at_another_rank() -> None:
    base = {"across": "clip set", "layer": 4, "edit": "", "dose": nan, "low": nan, "high": nan, "n": 0, "calibrated": 0.2, "ceiling": 0.9}
    rows = [
        base | {"metric": "sas", "a": "lda (circle)", "b": "lda", "rank": 2, "value": 0.3, "chance": 0.07, "saturated": False},
        base | {"metric": "rce", "a": "lda", "b": "lda (circle)", "rank": 7, "dose": 1.0, "value": 0.9, "chance": nan, "saturated": False},
    ]
    (one,) = transfers(pd.DataFrame(rows)).to_dict("records")
    assert one["sas"] == 0.3 and one["sas_ceiling"] == 0.9 and pd.isna(one["readings"])


def test_names_say_where_a_subspace_was_found() -> None:
    assert split("lda (layer 3)") == ("lda", "layer 3") and split("lda") == ("lda", "")
    assert found_at("diff_means (layer 12)") == 12 and found_at("diff_means (complex)") is None


def a_carried(**values: float) -> pd.DataFrame:
    """A subspace carried from A to B, with every floor, at doses 0.5 and 1 (saturated)."""
    effects = {"native": 0.8, "carried": 0.7, "random source": 0.1, "shuffled pairs": 0.1, "shuffled in class": 0.4, "random": 0.0}
    effects |= {"variance": 0.2} | {name.replace("_", " "): value for name, value in values.items()}
    at = {"source": "A", "target": "B", "source_layer": 4.0, "target_layer": 6.0, "choice": "both", "map": "ridge", "finder": "lda"}
    rows = [
        at
        | {"rank": 7, "edit": "ablate", "dose": dose, "used": used, "value": value, "low": value - 0.05, "high": value + 0.05, "n": 80}
        | {"draws": 20, "rce": value / 0.8, "rce_low": value / 0.8 - 0.06, "rce_high": value / 0.8 + 0.06, "saturated": dose == 1.0}
        | {"sas": 0.3, "sas_chance": 0.07, "difference_low": nan, "difference_high": nan}
        for dose in (0.5, 1.0)
        for used, value in effects.items()
    ]
    return pd.DataFrame(rows)


def test_a_carried_subspace_is_held_against_every_floor() -> None:
    (one,) = carried_all(a_carried())
    assert one.row["dose"] == 0.5 and one.beyond_all and one.beyond_class
    assert "of every floor (the highest, of the map of pairs shuffled within classes: 0.400)" in carried_sentence(one)
    assert directions([one]) == [
        "A → B: 1 of 1 carried subspaces have more effect than every floor, 1 more than the map that knows only the class."
    ]


def test_a_map_that_knows_only_the_class_is_a_floor() -> None:
    (one,) = carried_all(a_carried(shuffled_in_class=0.68))
    assert not one.beyond_all and not one.beyond_class
    said = carried_sentence(one)
    assert "not told apart from the map of pairs shuffled within classes" in said
    assert "no more than the class is shown to be carried over" in said
    paired = a_carried(shuffled_in_class=0.68)
    paired.loc[paired["used"] == "shuffled in class", ["difference_low", "difference_high"]] = (0.005, 0.04)
    assert carried_all(paired)[0].beyond_all  # the paired difference tells what two overlapping intervals do not


def test_a_saturated_or_unfloored_subspace_claims_nothing() -> None:
    (full,) = carried_all(a_carried().assign(saturated=True))
    assert "saturated at every dose, so the ratio says nothing" in carried_sentence(full) and not full.beyond_all
    (bare,) = carried_all(a_carried().query("used in ['native', 'carried']"))
    assert "held against no floor" in carried_sentence(bare) and not bare.beyond_all
    (blind,) = carried_all(a_carried().assign(low=nan))
    assert "without an interval beside" in carried_sentence(blind) and not blind.beyond_all
