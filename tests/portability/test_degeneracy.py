"""The decisive test of a pair on networks with a known answer: two copies, two halves of one plane, a plane and noise, a plane twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from known_ground import Known, random_basis

from jepascope.intervention.control_entry import FLOORS
from jepascope.portability.degeneracy import WORKS, PairTest, measure, pair_test
from jepascope.portability.degeneracy_tables import DEGENERACY_COLUMNS, VERDICT_COLUMNS, pair_rows, verdict_row
from jepascope.portability.exchange import joint
from jepascope.portability.verdict import Beside, pair_verdict

TOLERANCE = 1e-4  # of a CE: float32, and a judge that treats classes nearly alike


def both_ways(known: Known, a: torch.Tensor, b: torch.Tensor) -> PairTest:
    return pair_test(known.ground, known.subspace(a), known.subspace(b))


def values(test: PairTest) -> dict[str, float]:
    return {name: part.effect.value for name, part in test.parts.items()}


def test_of_two_copies_each_alone_does_what_both_do(degenerate: Known) -> None:
    test = both_ways(degenerate, degenerate.plane("C"), degenerate.plane("B"))
    assert values(test) == pytest.approx({"a without b": 1, "b without a": 1, "whole": 1, "a": 0.5, "b": 0.5}, abs=TOLERANCE)
    assert test.surplus.value == pytest.approx(1, abs=TOLERANCE)
    assert all(test.parts[name].above for name in ("a without b", "b without a", "whole"))
    word, reason = pair_verdict(test, Beside(), "C", "B")
    assert word == "degenerate"
    assert "without B, C moves 1.00" in reason and "without C, B moves 1.00" in reason and "surplus 1.00" in reason


def test_two_lines_of_one_plane_are_parts_of_it(clean: Known) -> None:
    c = clean.plane("C")
    test = both_ways(clean, c[:, :1], c[:, 1:])
    found = values(test)
    assert found["a without b"] + found["b without a"] == pytest.approx(1, abs=TOLERANCE)
    assert found["a without b"] == pytest.approx(found["a"], abs=TOLERANCE)  # the other line neither helps nor replaces it
    assert found["whole"] == pytest.approx(1, abs=TOLERANCE) and test.surplus.value == pytest.approx(0, abs=TOLERANCE)
    assert test.a_alone.above and test.b_alone.above and test.a_alone.rank == test.b_alone.rank == 1
    assert pair_verdict(test, Beside(), "one", "other")[0] == "parts of one"


@pytest.mark.parametrize("degrees", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_what_two_subspaces_share_is_no_ones_own(degrees: float, clean: Known) -> None:
    """The read plane, and one that shares a line with it: w is the change between clip and twin, and lies in C."""
    c, noise = clean.plane("C"), clean.nuisance(4)
    angle = np.deg2rad(degrees)
    tilted = torch.stack([c[:, 0], float(np.cos(angle)) * c[:, 1] + float(np.sin(angle)) * noise[:, 0]], dim=1)
    test = both_ways(clean, c, tilted)
    assert test.a_alone.rank == test.b_alone.rank == 2 and test.whole.rank == 3
    # without the tilted plane sin^2 is left of w along c1, and nothing along c0; without C nothing of w is left
    line = both_ways(clean, c[:, 1:], c[:, :1]).a.effect.value
    assert test.a_alone.effect.value == pytest.approx(float(np.sin(angle)) ** 2 * line, abs=0.02)
    assert test.b_alone.effect.value == pytest.approx(0, abs=TOLERANCE) and not test.b_alone.above
    assert test.whole.effect.value == pytest.approx(1, abs=TOLERANCE) and test.surplus.high < 0


@pytest.mark.parametrize("tilt", [0.3, 1.0])
def test_in_a_network_that_reads_one_plane_no_pair_is_degenerate_however_oblique(tilt: float, clean: Known) -> None:
    """Surplus = |(P_a - P_b) w|^2 - |P w|^2 <= 0, P onto both together: two tilted images of one plane are no copies."""
    c, ground = clean.plane("C").double(), clean.ground
    bases = [torch.linalg.qr(c + tilt * random_basis(64, 2, seed).double())[0] for seed in (1, 2)]
    test = both_ways(clean, *(basis.float() for basis in bases))
    w = (ground.scenes.twin.pooled(ground.site.layer) - ground.scenes.source.pooled(ground.site.layer)).double()
    one, other = (basis @ basis.T for basis in bases)
    together = torch.linalg.qr(torch.cat(bases, dim=1))[0]
    share = ((w @ (one - other)).square().sum(dim=1) - (w @ together).square().sum(dim=1)).sum() / w.square().sum()
    assert test.surplus.value == pytest.approx(float(share), abs=0.02)
    assert test.surplus.high < 0
    assert pair_verdict(test, Beside(), "a", "b")[0] != "degenerate"


def test_a_plane_and_noise_are_not_degenerate(clean: Known) -> None:
    test = both_ways(clean, clean.plane("C"), clean.nuisance())
    assert values(test) == pytest.approx({"a without b": 1, "b without a": 0, "whole": 1, "a": 1, "b": 0}, abs=TOLERANCE)
    assert test.surplus.value == pytest.approx(0, abs=TOLERANCE)
    assert test.a_alone.above and not test.b_alone.above
    word, reason = pair_verdict(test, Beside(), "truth", "inert")
    assert word == "not degenerate" and reason.endswith("inert has no effect of its own without truth.")


def test_one_subspace_in_two_bases_is_one_subspace(clean: Known) -> None:
    c = clean.plane("C")
    test = both_ways(clean, c, c @ random_basis(2, 2, 0))
    assert test.a_alone.rank == test.b_alone.rank == 0 and test.a_alone.effect.value == test.b_alone.effect.value == 0
    assert not test.a_alone.above and test.a_alone.against == {}
    assert test.whole.effect.value == pytest.approx(1, abs=TOLERANCE)
    assert pair_verdict(test, Beside(), "a", "b")[0] == "one subspace"
    inside = both_ways(clean, c, c[:, :1])
    assert inside.a_alone.rank == 2 and inside.b_alone.rank == 0
    assert pair_verdict(inside, Beside(), "a", "b")[0] == "one subspace"


def test_without_room_for_controls_nothing_is_claimed(clean: Known) -> None:
    whole = random_basis(64, 64, 0)
    test = both_ways(clean, whole[:, :30], whole[:, 30:60])
    assert test.a_alone.against == {} and not test.a_alone.above and test.whole.against == {}
    word, reason = pair_verdict(test, Beside(), "a", "b")
    assert word == "undecided" and "no room is left for controls" in reason


def test_controls_of_a_pair_do_nothing_where_nothing_else_is_read(degenerate: Known) -> None:
    test = both_ways(degenerate, degenerate.plane("C"), degenerate.plane("B"))
    for name in ("a without b", "b without a", "whole"):
        assert set(test.parts[name].against) == set(FLOORS)
        for found in test.parts[name].against.values():
            assert found.draws == degenerate.ground.draws
            assert found.control.value == pytest.approx(0, abs=0.02) and found.excess.low > 0.9
    assert test.a.against == {} == test.b.against


def test_a_part_of_rank_0_has_no_effect_by_definition(clean: Known) -> None:
    c = clean.plane("C")
    parts, below = measure(clean.ground, {"nothing": (c[:, :0], c)}, {"nothing": c})
    assert parts["nothing"].effect.value == 0 and parts["nothing"].rank == 0 and (below > 0).all()


def test_an_effect_has_to_be_worth_the_name(clean: Known) -> None:
    """Outside its controls, and more than a twentieth of the natural change."""
    found = both_ways(clean, clean.plane("C"), clean.nuisance()).a_alone
    for low, above in ((WORKS + 0.01, True), (WORKS - 0.01, False)):
        assert replace(found, effect=replace(found.effect, low=low)).above == above
    one = found.against["variance"]
    inside = {**found.against, "variance": replace(one, excess=replace(one.excess, low=-0.01))}
    assert not replace(found, against=inside).above


# the tables


@pytest.mark.slow
def test_a_pair_is_stored_both_ways_round_and_its_whole_once(degenerate: Known) -> None:
    c, b = degenerate.plane("C"), degenerate.plane("B")
    test = both_ways(degenerate, c, b)
    rows = pair_rows(test, 1, "c", "b")
    assert all(set(row) <= set(DEGENERACY_COLUMNS) for row in rows)
    own = {(row["a"], row["b"], row["part"]): row for row in rows if row["control"] == "subspace"}
    assert set(own) == {("c", "b", "a without b"), ("b", "c", "a without b"), ("c", "b", "whole"), ("c", "b", "a"), ("b", "c", "a")}
    assert own["b", "c", "a without b"]["value"] == test.b_alone.effect.value
    assert own["b", "c", "a"]["value"] == test.b.effect.value
    beside = [row for row in rows if row["control"] != "subspace"]
    assert {(row["a"], row["part"], row["control"]) for row in beside} == {
        (a, part, control) for a, part in (("c", "a without b"), ("b", "a without b"), ("c", "whole")) for control in FLOORS
    }
    assert all(row["draws"] == 20 and row["excess_low"] <= row["excess"] <= row["excess_high"] for row in beside)  # type: ignore[operator]
    swapped = both_ways(degenerate, b, c)
    assert values(swapped)["a without b"] == pytest.approx(values(test)["b without a"], abs=1e-6)
    assert joint(c, b).shape[1] == swapped.whole.rank == 4


def test_a_verdict_stands_with_all_that_it_is_given_on(degenerate: Known) -> None:
    test = both_ways(degenerate, degenerate.plane("C"), degenerate.plane("B"))
    row = verdict_row(test, Beside(sas=0.01, sas_chance=0.03, calibrated=-0.02), 1, "c", "b")
    assert list(row) == VERDICT_COLUMNS
    assert row["verdict"] == "degenerate" and row["n"] == len(degenerate.bench.scenes)
    assert (row["a_alone"], row["b_alone_low"], row["surplus"]) == (test.a_alone.effect.value, test.b_alone.effect.low, test.surplus.value)
    assert row["a_floor"] == test.a_alone.against["variance"].control.value
    assert row["b_excess_low"] == test.b_alone.against["variance"].excess.low
    assert np.isnan([row["rce"], row["readings"], row["refit_accuracy"]]).all()  # type: ignore[list-item]
